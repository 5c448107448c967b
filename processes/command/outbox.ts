import {
  asProcessId,
  findTag,
  type GuestContext,
  type GuestMessage,
  type ProcessId,
  type Tag,
  toUtf8,
} from '../../protocol/index.ts'
import { ProgramStop } from './program-stop.ts'
import type { Action } from './stdout-lines.ts'
import { timerKey } from './stdin.ts'

/** Gas of what a line asks for: as for actors. */
const SEND_COST = 10_000
const SPAWN_COST = 100_000
const TIMER_COST = 4_000
const LINE_COST = 1_000
const BYTE_COST = 8

/** What the run tells whoever waits for it. */
export interface Answer {
  readonly reply?: unknown
  readonly events?: readonly { readonly name: string; readonly data?: unknown }[]
}

interface Parts {
  readonly self: ProcessId
  readonly message: GuestMessage
  readonly context: GuestContext
}

/** Charges for what the lines ask for, and gives the answer; nothing is done yet. @throws {ProgramStop} */
export function checkActions(actions: readonly Action[], charge: (gas: number) => void): Answer {
  for (const action of actions) {
    charge(costOf(action))
    if (action.kind === 'error') throw new ProgramStop({ chosen: action.code }, action.message)
    if (action.kind === 'send' && action.to === '') throw new ProgramStop('bad-output', 'a message to nobody')
  }
  if (actions.filter(({ kind }) => kind === 'reply').length > 1)
    throw new ProgramStop('bad-output', 'more than one reply')
  return answerOf(actions)
}

/** Does what the lines ask for, in their order. */
export function carryOut(actions: readonly Action[], parts: Parts): void {
  const { message, context } = parts
  for (const action of actions) {
    switch (action.kind) {
      case 'send':
        context.send(action)
        break
      case 'spawn':
        spawn(action, parts)
        break
      case 'timer':
        context.setTimer(timerKey(action.key), action.dueMs, action.everyMs)
        break
      case 'cancel':
        context.clearTimer(timerKey(action.key))
        break
      case 'log':
        context.log(action.text)
        break
      case 'reply':
        if (isRequest(message)) context.send(replyTo(message, 'Reply', [], action.value))
        break
      default:
        break
    }
  }
}

function answerOf(actions: readonly Action[]): Answer {
  const reply = actions.find(action => action.kind === 'reply')
  const events = actions.filter(action => action.kind === 'event')
  return {
    ...(reply === undefined ? {} : { reply: reply.value }),
    ...(events.length === 0 ? {} : { events: events.map(({ name, data }) => ({ name, data })) }),
  }
}

/** A child, and if the program gave it a reference, word of its id to this process itself. */
function spawn(action: Extract<Action, { kind: 'spawn' }>, { self, context }: Parts): void {
  const child = context.spawn(action)
  if (action.reference === undefined) return
  const tags = [
    { name: 'Action', value: 'Spawned' },
    { name: 'Process', value: child },
    { name: 'X-Reference', value: action.reference },
  ]
  context.send({ to: self, tags, data: new Uint8Array(0) })
}

type Request = GuestMessage & { readonly fromProcess: ProcessId }

/** Whether a process waits for an answer to this message. */
export const isRequest = (message: GuestMessage): message is Request =>
  message.fromProcess !== undefined && message.kind !== 'query' && findTag(message.tags, 'Reference') !== undefined

/** Tells the process that asked how it went. */
export function replyTo(
  message: Request,
  action: 'Reply' | 'Error',
  more: readonly Tag[],
  value: unknown,
): { to: string; tags: readonly Tag[]; data: Uint8Array } {
  const tags = [
    { name: 'Action', value: action },
    { name: 'X-Reference', value: findTag(message.tags, 'Reference') ?? '' },
    ...more,
    { name: 'Content-Type', value: 'application/json' },
  ]
  return { to: asProcessId(message.fromProcess), tags, data: toUtf8(JSON.stringify(value)) }
}

function costOf(action: Action): number {
  switch (action.kind) {
    case 'send':
      return SEND_COST + BYTE_COST * action.data.length
    case 'spawn':
      return SPAWN_COST + BYTE_COST * action.data.length
    case 'timer':
    case 'cancel':
      return TIMER_COST
    default:
      return LINE_COST
  }
}
