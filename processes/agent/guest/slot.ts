import { FLAGS, type Task } from './task.ts'
import { bytesOf } from './text-bytes.ts'
import { AgentError, type Told } from './agent-error.ts'

/** Messages and spawns of one slot, and their bytes: below the host's bounds (1,024 and 2.5 MiB), which fail the slot. */
const SENDS_MAX = 250
const SPAWNS_MAX = 8
export const SENDS_MAX_BYTES = 1_900_000
const EVENTS_MAX = 1000
/** Events, and replies to requests of earlier slots: below the host's bound of an output (1 MiB), which fails the slot. */
const OUTPUT_MAX_BYTES = 1_000_000
/** From here on what could wait goes on in a later slot. */
const SENDS_ENOUGH = 200

/** Steps of one slot besides the message itself and what is due in it. */
const STEPS_MAX = 16

/** Errors of one run that are told. */
const FAILED_MAX = 1000

/** A message, or a spawn. */
export type Sent = readonly [isSpawn: 0 | 1, to: string, tags: readonly string[], data: string]

/** No request: what failed was nobody's, or it is not known whose. */
export const NOBODY = -1

/**
 * An error of a step, and the request that failed with it, by its slot: not always the one whose step it is, for a step runs whoever waits for
 * what it brings. Final: to run the slot again would leave nothing of it.
 */
export type StepFailure = readonly [
  step: number,
  code: string,
  message: string,
  stack: string,
  isFinal: boolean,
  request: number,
]

/** The same as it is known in the next attempt. */
export interface KnownFailure {
  readonly request: number
  readonly error: AgentError
}

/** What one run knows and makes. Set back when the next begins. */
export const slot = {
  nowMs: 0,
  number: 0,
  kind: '',
  /** The message of this slot, if it is a request. */
  own: undefined as Task | undefined,
  /** Which step runs: 0 is the message itself. */
  step: 0,
  /** From so many on no request that waits is begun. */
  stepsMax: STEPS_MAX,
  /** Errors of earlier attempts, by step. */
  failures: new Map<number, KnownFailure[]>(),
  /** So many failed in earlier attempts that those who fail together end together. */
  isHasty: false,
  /** Errors of this run, by request: the first, or, if it is hasty, all of its step. */
  failed: new Map<number, StepFailure>(),
  /** What is sent, or JSON of it. */
  sends: [] as (Sent | string)[],
  /** The request that waited and runs in this step: what it sends lies below it and lives on what it brought. */
  waited: undefined as Task | undefined,
  /** For whom which of `sends` are, by their places, if there are any for such. */
  payers: new Map<number, Task>(),
  spawns: 0,
  bytes: 0,
  /** Of events and settled requests. */
  outputBytes: 0,
  /** By their keys: what was asked for last. */
  timers: new Map<string, readonly [key: string, dueMs?: number, everyMs?: number]>(),
  /** JSON texts, made when the thing happened: what they tell may change afterwards. */
  events: [] as string[],
  settled: [] as string[],
  /** JSON of the reply to the slot's own message, or `WRITTEN`; `''`: it was replied with nothing. */
  reply: undefined as string | undefined,
  /** An output that is not of the usual form. */
  document: undefined as string | undefined,
  /** What is ready to be run as steps of its own. */
  due: [] as (() => void)[],
  /** No call can be answered from here. */
  isDeep: false,
  /** Little is left, of fuel or of gas. Requests that wait are not begun here: a tick brings its own. */
  isSpent: false,
  /** Promises were touched: what is left to do shows when all jobs are done. */
  isAsync: false,
  isSealed: false,
  /** It gave a reply and nothing else: its lists are empty. */
  isBare: false,
}

export function beginSlot(kind: string, number: number, nowMs: number, flags: number): void {
  slot.kind = kind
  slot.isDeep = (flags & FLAGS.isDeep) !== 0
  slot.isSpent = (flags & FLAGS.isSpent) !== 0
  slot.number = number
  slot.nowMs = nowMs
  slot.own = undefined
  slot.step = 0
  slot.stepsMax = STEPS_MAX
  slot.isHasty = false
  slot.spawns = 0
  slot.bytes = 0
  slot.outputBytes = 0
  slot.reply = undefined
  slot.document = undefined
  slot.isAsync = false
  slot.isSealed = false
  slot.waited = undefined
  if (slot.isBare) slot.isBare = false
  else emptyLists()
}

function emptyLists(): void {
  if (slot.payers.size > 0) slot.payers = new Map()
  if (slot.failures.size > 0) slot.failures = new Map()
  if (slot.failed.size > 0) slot.failed = new Map()
  if (slot.sends.length > 0) slot.sends = []
  if (slot.timers.size > 0) slot.timers = new Map()
  if (slot.events.length > 0) slot.events = []
  if (slot.settled.length > 0) slot.settled = []
  if (slot.due.length > 0) slot.due = []
}

/**
 * Remembers an error of this run, and which request failed with it, if one did: it undoes all of the run. Mostly the first alone, for what comes
 * after it may come of it.
 */
export function failStep({ code, message, stack }: Told, task: Task | undefined): void {
  const { kind, own, step, failed } = slot
  const request = task?.slot ?? NOBODY
  if (failed.size >= (slot.isHasty ? FAILED_MAX : 1) || failed.has(request)) return
  const isOwnAlone = kind === 'message' && task !== undefined && task === own && own.reference === undefined
  const isFinal = isOwnAlone || kind === 'spawn' || kind === 'query' || kind === 'restore'
  // It may come of those before it, and would be the end of the slot.
  if (isFinal && failed.size > 0) return
  failed.set(request, [step, code, message, stack, isFinal, request])
}

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
  const bytes = slot.bytes + length
  if (slot.sends.length >= SENDS_MAX)
    throw new AgentError('outbox-limit', `more than ${SENDS_MAX} messages in one slot`)
  if (bytes > SENDS_MAX_BYTES) throw new AgentError('outbox-limit', `more than ${SENDS_MAX_BYTES} bytes in one slot`)
  if (isSpawn && ++slot.spawns > SPAWNS_MAX)
    throw new AgentError('outbox-limit', `more than ${SPAWNS_MAX} spawns in one slot`)
  slot.bytes = bytes
  if (slot.waited !== undefined) slot.payers.set(slot.sends.length, slot.waited)
  slot.sends.push(sent)
}

/**
 * JSON of what was sent, in order, with commas between. A request that waited begins in the slot of another message, or in one that
 * nobody caused, and must not win by it: its messages share what it brought, and lie below it.
 */
export function sendsText(): string {
  const { sends, payers } = slot
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
  if (slot.events.length >= EVENTS_MAX)
    throw new AgentError('event-limit', `more than ${EVENTS_MAX} events in one slot`)
  const text = JSON.stringify(data)
  const event = `{"name":${JSON.stringify(name)}${text === undefined ? '' : `,"data":${text}`}}`
  addOutput(event, 'event-limit')
  slot.events.push(event)
}

/** Notes the reply to a request of an earlier slot. @throws {AgentError} `output-limit` */
export function addSettled(text: string): void {
  addOutput(text, 'output-limit')
  slot.settled.push(text)
}

function addOutput(text: string, code: string): void {
  const bytes = slot.outputBytes + bytesOf(text)
  if (bytes > OUTPUT_MAX_BYTES)
    throw new AgentError(code, `more than ${OUTPUT_MAX_BYTES} bytes of events and replies in one slot`)
  slot.outputBytes = bytes
}

/** Has no timer of that key after this slot. */
export function clearTimer(key: string): void {
  slot.timers.set(key, [key])
}

/** Timers as the host gets them: first those that are cleared, so that there are never more than before or after. */
export function timersText(): string {
  const timers = [...slot.timers.values()]
  return JSON.stringify([...timers.filter(isCleared), ...timers.filter(timer => !isCleared(timer))])
}

const isCleared = ([, dueMs]: readonly [key: string, dueMs?: number, everyMs?: number]): boolean => dueMs === undefined

/** Whether what can be done in a later slot should be. */
export const isNearlyFull = (): boolean => isOutboxNearlyFull() || slot.outputBytes >= OUTPUT_MAX_BYTES / 2

const isOutboxNearlyFull = (): boolean => slot.sends.length >= SENDS_ENOUGH || slot.bytes >= SENDS_MAX_BYTES / 2

/** Whether something of so many bytes, which could wait, goes in this slot. */
export const hasRoomFor = (bytes: number): boolean => !isOutboxNearlyFull() && slot.bytes + bytes <= SENDS_MAX_BYTES
