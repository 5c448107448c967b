import type { Task } from './agent.ts'
import { call } from './calls.ts'
import { type Contract, check, type MessageShape } from './definition.ts'
import { type Duration, toMs } from './duration.ts'
import { replyValue } from './input.ts'
import { send } from './slot.ts'

interface CallOptions {
  readonly timeout?: Duration
  readonly retry?: number
}

/** Another process by its contract: a method for each message and query. */
export interface Ref {
  readonly id: string
  readonly send: Readonly<Record<string, (input?: unknown) => void>>
  readonly [method: string]: unknown
}

export function makeRef(contract: Contract, id: string, task: Task | undefined): Ref {
  const sends: Record<string, (input?: unknown) => void> = {}
  const ref: Record<string, unknown> = { id, send: sends }
  for (const [name, shape] of Object.entries(contract.queries ?? {})) {
    ref[name] = method(contract, id, task, name, shape, true)
  }
  for (const [name, shape] of Object.entries(contract.messages ?? {})) {
    ref[name] = method(contract, id, task, name, shape, false)
    sends[name] = input => send([0, id, requestTags(name), dataOf(contract, name, shape, input)])
  }
  return ref as Ref
}

function method(
  contract: Contract,
  id: string,
  task: Task | undefined,
  name: string,
  shape: MessageShape,
  isQuery: boolean,
) {
  return async (input?: unknown, options: CallOptions = {}): Promise<unknown> => {
    const reply = await call({
      task,
      to: id,
      action: name,
      tags: requestTags(name),
      data: dataOf(contract, name, shape, input),
      isQuery,
      timeoutMs: options.timeout === undefined ? undefined : toMs(options.timeout),
      retries: options.retry ?? 0,
    })
    return replyValue(reply, shape.reply, `${contract.name}.${name}`)
  }
}

const requestTags = (name: string): string[] => ['Action', name, 'Content-Type', 'application/json']

/** The input as JSON; checked here first, so that the mistake is found where it was made. */
function dataOf(contract: Contract, name: string, shape: MessageShape, input: unknown): string {
  check(shape.input, input, 'bad-input', `${contract.name}.${name}`)
  return input === undefined ? '{}' : (JSON.stringify(input) ?? '{}')
}
