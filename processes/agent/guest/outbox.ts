import { AgentError } from './agent-error.ts'
import { type Made, making, type Sent, slot } from './slot.ts'
import type { Task } from './task.ts'
import { bytesOf } from './text-bytes.ts'

/** Messages and spawns of one slot, and their bytes: below the host's bounds (1,024 and 2.5 MiB), which fail the slot. */
const SENDS_MAX = 250
const SPAWNS_MAX = 8
export const SENDS_MAX_BYTES = 1_900_000
const EVENTS_MAX = 1000
/** Events, and replies to requests of earlier slots: below the host's bound of an output (1 MiB), which fails the slot. */
const OUTPUT_MAX_BYTES = 1_000_000
/** From here on what could wait goes on in a later slot. */
const SENDS_ENOUGH = 200

/** @throws {AgentError} `outbox-limit` */
export function send(sent: Sent): void {
  let bytes = bytesOf(sent[3])
  for (const text of sent[2]) bytes += text.length
  add(sent, bytes, sent[0] === 1)
}

/** The same of a message of whose JSON all is known before its data: to quote each of its texts costs more than all else about it. */
export function sendText(
  head: string,
  data: string,
  quoted = JSON.stringify(data),
  bytes = head.length + bytesOf(data),
): void {
  add(`${head},${quoted}]`, bytes, false)
}

function add(sent: Sent | string, length: number, isSpawn: boolean): void {
  const made = making()
  const bytes = made.bytes + length
  if (made.sends.length >= SENDS_MAX)
    throw new AgentError('outbox-limit', `more than ${SENDS_MAX} messages in one slot`)
  if (bytes > SENDS_MAX_BYTES) throw new AgentError('outbox-limit', `more than ${SENDS_MAX_BYTES} bytes in one slot`)
  if (isSpawn && ++made.spawns > SPAWNS_MAX)
    throw new AgentError('outbox-limit', `more than ${SPAWNS_MAX} spawns in one slot`)
  made.bytes = bytes
  if (made.waited !== undefined) made.payers.set(made.sends.length, made.waited)
  made.sends.push(sent)
}

/**
 * JSON of what was sent, in order, with commas between. A request that waited begins in the slot of another message, or in one that
 * nobody caused, and must not win by it: its messages share what it brought, and lie below it.
 */
export function sendsText({ sends, payers }: Made): string {
  const shares = payers.size === 0 ? undefined : sharesOf(payers)
  let all = ''
  for (let at = 0; at < sends.length; at++) {
    const sent = sends[at] ?? ''
    const text = typeof sent === 'string' ? sent : JSON.stringify(sent)
    const payer = shares && payers.get(at)
    if (at > 0) all += ','
    all += payer === undefined ? text : `${text.slice(0, -1)},${boundsOf(payer, shares?.get(payer) ?? 1)}]`
  }
  return all
}

/** How many messages each of them pays for. */
function sharesOf(payers: ReadonlyMap<number, Task>): ReadonlyMap<Task, number> {
  const shares = new Map<Task, number>()
  for (const payer of payers.values()) shares.set(payer, (shares.get(payer) ?? 0) + 1)
  return shares
}

/** How deep what is sent lies at least, and what it may bring at most, as one of so many. */
const boundsOf = (payer: Task, share: number): string =>
  `${payer.depth + 1},${Math.floor((payer.fuel ?? Number.MAX_SAFE_INTEGER) / share)}`

/** One without data tells none. @throws {AgentError} `event-limit` */
export function addEvent(name: string, data: unknown): void {
  const { events } = making()
  if (events.length >= EVENTS_MAX) throw new AgentError('event-limit', `more than ${EVENTS_MAX} events in one slot`)
  const text = JSON.stringify(data)
  const event = `{"name":${JSON.stringify(name)}${text === undefined ? '' : `,"data":${text}`}}`
  addOutput(event, 'event-limit')
  events.push(event)
}

/** Notes the reply to a request of an earlier slot. @throws {AgentError} `output-limit` */
export function addSettled(text: string): void {
  addOutput(text, 'output-limit')
  making().settled.push(text)
}

function addOutput(text: string, code: string): void {
  const made = making()
  const bytes = made.outputBytes + bytesOf(text)
  if (bytes > OUTPUT_MAX_BYTES)
    throw new AgentError(code, `more than ${OUTPUT_MAX_BYTES} bytes of events and replies in one slot`)
  made.outputBytes = bytes
}

/** Has a timer of that key after this slot. */
export function setTimer(key: string, dueMs: number, everyMs?: number): void {
  making().timers.set(key, everyMs === undefined ? [key, dueMs] : [key, dueMs, everyMs])
}

/** Has none. */
export function clearTimer(key: string): void {
  making().timers.set(key, [key])
}

/** Timers as the host gets them: first those that are cleared, so that there are never more than before or after. */
export function timersText(made: Made): string {
  const timers = [...made.timers.values()]
  return JSON.stringify([...timers.filter(isCleared), ...timers.filter(timer => !isCleared(timer))])
}

const isCleared = ([, dueMs]: readonly [key: string, dueMs?: number, everyMs?: number]): boolean => dueMs === undefined

/** Whether what can be done in a later slot should be. */
export const isNearlyFull = (): boolean => isOutboxNearlyFull() || (slot.made?.outputBytes ?? 0) >= OUTPUT_MAX_BYTES / 2

const isOutboxNearlyFull = (): boolean =>
  slot.made !== undefined && (slot.made.sends.length >= SENDS_ENOUGH || slot.made.bytes >= SENDS_MAX_BYTES / 2)

/** Whether something of so many bytes, which could wait, goes in this slot. */
export const hasRoomFor = (bytes: number): boolean =>
  !isOutboxNearlyFull() && (slot.made?.bytes ?? 0) + bytes <= SENDS_MAX_BYTES
