import type { Task } from './task.ts'
import { answered } from './calls.ts'
import { type Duration, durationMs, inputToSend } from '../../../contract/index.ts'
import { type AnyContract, checkGiven, type Schema } from './definition.ts'
import { replyValue } from './input.ts'
import { over } from './over.ts'
import { send } from './outbox.ts'

interface Shape {
  readonly input: Schema
  readonly reply: Schema
}

interface CallOptions {
  readonly timeout?: Duration
  readonly retry?: number
}

/** Another process by its contract: a method for each message and query. */
export interface Ref {
  readonly id: string
  readonly contract: AnyContract
  readonly send: Readonly<Record<string, (input?: unknown) => void>>
  readonly [method: string]: unknown
}

export function makeRef(contract: AnyContract, id: string, task: Task | undefined): Ref {
  const sends: Record<string, (input?: unknown) => void> = {}
  const ref: Record<string, unknown> = { id, contract, send: sends }
  for (const [name, shape] of Object.entries(contract.queries)) {
    ref[name] = method(contract, id, task, name, shape, true)
  }
  for (const [name, shape] of Object.entries(contract.messages)) {
    ref[name] = method(contract, id, task, name, shape, false)
    sends[name] = input => {
      if (task?.isFailed === true) throw over()
      send([0, id, requestTags(name), dataOf(contract, name, shape, input)])
    }
  }
  return ref as Ref
}

function method(
  contract: AnyContract,
  id: string,
  task: Task | undefined,
  name: string,
  shape: Shape,
  isQuery: boolean,
) {
  return (input?: unknown, options: CallOptions = {}): Promise<unknown> =>
    answered(
      () => ({
        task,
        to: id,
        action: name,
        tags: requestText(name),
        data: dataOf(contract, name, shape, input),
        isQuery,
        timeoutMs: options.timeout === undefined ? undefined : durationMs(options.timeout),
        retries: options.retry ?? 0,
      }),
      reply => replyValue(reply, shape.reply, `${contract.name}.${name}`),
    )
}

const requestTags = (name: string): string[] => ['Action', name, 'Content-Type', 'application/json']

/** The same as JSON without brackets, by name: there are as many as contracts have messages. */
const requestTexts = new Map<string, string>()

function requestText(name: string): string {
  let text = requestTexts.get(name)
  if (text === undefined) {
    text = JSON.stringify(requestTags(name)).slice(1, -1)
    requestTexts.set(name, text)
  }
  return text
}

/** The input as JSON; checked here first, so that the mistake is found where it was made. */
function dataOf(contract: AnyContract, name: string, shape: Shape, input: unknown): string {
  checkGiven(shape.input, input, 'bad-input', `${contract.name}.${name}`)
  return JSON.stringify(inputToSend(shape.input, input)) ?? ''
}
