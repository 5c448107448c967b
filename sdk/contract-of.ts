import {
  type AnyContract,
  contract,
  MalformedContract,
  message,
  nothing,
  query,
  type Schema,
  schemaOfJson,
} from '../contract/index.ts'
import { Failure, type InterfaceDescription } from '../protocol/index.ts'

/** Takes what the process itself answers, which its own description could not make any truer. */
const anything: Schema = { '~standard': { version: 1, vendor: 'atoll', validate: value => ({ value }) } }

/**
 * A contract made from what a process says of itself: one's own input is checked against it before it is sent; what
 * the process answers is not, since it wrote both. @throws {Failure} `no-contract` if its names cannot be
 */
export function contractOf(described: InterfaceDescription): AnyContract {
  const docOf = (doc: string | undefined) => (doc === undefined ? {} : { doc })
  const replyOf = (reply: InterfaceDescription['args']): Schema => (reply['type'] === 'null' ? nothing : anything)
  try {
    return contract({
      name: described.name,
      version: described.version,
      args: schemaOfJson(described.args),
      state: anything,
      messages: mapped(described.messages, one =>
        message({
          input: schemaOfJson(one.input),
          reply: replyOf(one.reply),
          allow: one.allow ?? ['anyone'],
          ...docOf(one.doc),
        }),
      ),
      queries: mapped(described.queries, one =>
        query({ input: schemaOfJson(one.input), reply: replyOf(one.reply), ...docOf(one.doc) }),
      ),
      events: mapped(described.events, () => anything),
    })
  } catch (cause) {
    if (!(cause instanceof MalformedContract)) throw cause
    throw new Failure('no-contract', {}, { note: cause.message, cause })
  }
}

function mapped<T, R>(all: Readonly<Record<string, T>>, map: (one: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, map(one)]))
}
