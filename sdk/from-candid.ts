import {
  type AnyContract,
  isReservedName,
  MalformedContract,
  type Message,
  message,
  nothing,
  type Query,
  query,
  type Schema,
} from '../contract/index.ts'
import { type DidMethod, type DidType, MalformedBytes, parseDid } from '../protocol/index.ts'
import { encodeInput } from './candid/from-value.ts'
import { decodeReply } from './candid/to-value.ts'

/** A method as TypeScript sees it: none, its one argument, or several in a tuple. */
type Method = (input: never) => unknown

/** What TypeScript is told of a canister; the `.did` itself is read at run time. */
export interface CanisterMethods {
  /** What one is spawned with. */
  readonly init?: unknown
  readonly updates?: Readonly<Record<string, Method>>
  readonly queries?: Readonly<Record<string, Method>>
}

/** Methods of whose types nothing is known. */
interface AnyMethods {
  readonly init: unknown
  readonly updates: Readonly<Record<string, (input?: unknown) => unknown>>
  readonly queries: Readonly<Record<string, (input?: unknown) => unknown>>
}

type InputSchema<F> = F extends (...input: infer I) => unknown ? Schema<I[0], Uint8Array> : never
type ReplySchema<F> = F extends (...input: never[]) => infer R ? Schema<Uint8Array, R> : never

/** The contract of a canister. */
export interface CanisterContract<T extends CanisterMethods> extends AnyContract {
  readonly args: Schema<T extends { readonly init: infer I } ? I : undefined, Uint8Array>
  readonly messages: {
    readonly [K in keyof T['updates']]: Message<InputSchema<T['updates'][K]>, ReplySchema<T['updates'][K]>>
  }
  readonly queries: {
    readonly [K in keyof T['queries']]: Query<InputSchema<T['queries'][K]>, ReplySchema<T['queries'][K]>>
  }
}

/**
 * A contract from the text of a `.did`: update methods are its messages, query methods its queries, the service's own
 * arguments those of a spawn. What is given and what comes back is checked against the types of the `.did`. A method that is
 * called like something every reference has (`send`, `state`, …) is got at with an underscore behind its name.
 * @throws {MalformedContract} if the text is no interface
 */
export function fromCandid<T extends CanisterMethods = AnyMethods>(did: string): CanisterContract<T> {
  try {
    const { init, methods } = parseDid(did)
    const all = [...methods]
    const named = (isQuery: boolean) => all.filter(([, method]) => method.isQuery === isQuery)
    const made: AnyContract = {
      kind: 'contract',
      name: 'canister',
      version: '1',
      args: inputSchema(init),
      state: nothing,
      messages: Object.fromEntries(named(false).map(([name, method]) => [keyOf(name), message(partsOf(method))])),
      queries: Object.fromEntries(named(true).map(([name, method]) => [keyOf(name), query(partsOf(method))])),
      events: {},
      wire: {
        contentType: 'application/candid',
        actions: Object.fromEntries(all.map(([name]) => [keyOf(name), name])),
      },
    }
    // The caller's word for what the text promises; each value is checked when it passes.
    return Object.freeze(made) as unknown as CanisterContract<T>
  } catch (cause) {
    if (cause instanceof MalformedBytes) throw new MalformedContract('candid', cause.message)
    throw cause
  }
}

const keyOf = (name: string): string => (isReservedName(name) ? `${name}_` : name)

const partsOf = ({ args, results }: DidMethod): { input: Schema; reply: Schema } => ({
  input: inputSchema(args),
  reply: replySchema(results),
})

/** Takes arguments, gives the bytes in which they travel. */
function inputSchema(types: readonly DidType[]): Schema<unknown, Uint8Array> {
  return schemaOf(value => encodeInput(types, value))
}

/** Takes the bytes of a reply, gives what they say. */
function replySchema(types: readonly DidType[]): Schema {
  return schemaOf(value => {
    if (value instanceof Uint8Array) return decodeReply(types, value)
    throw new MalformedBytes('expected Candid', 0)
  })
}

function schemaOf<Out>(read: (value: unknown) => Out): Schema<unknown, Out> {
  const validate = (value: unknown): { value: Out } | { issues: { message: string }[] } => {
    try {
      return { value: read(value) }
    } catch (error) {
      if (error instanceof MalformedBytes || error instanceof TypeError) return { issues: [{ message: error.message }] }
      throw error
    }
  }
  return { '~standard': { version: 1, vendor: 'atoll', validate } }
}
