import type { AgentError, Told } from './agent-error.ts'
import { FLAGS, type Task } from './task.ts'

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

/** What a run makes, and what it goes through, besides giving one reply. */
class SlotMade {
  /** Which step runs: 0 is the message itself. */
  step = 0
  /** From so many on no request that waits is begun. */
  stepsMax = STEPS_MAX
  /** Promises were touched: what is left to do shows when all jobs are done. */
  isAsync = false
  isSealed = false
  /** No call can be answered from here. */
  isDeep = false
  /** Little is left, of fuel or of gas. Requests that wait are not begun here: a tick brings its own. */
  isSpent = false
  /** Errors of earlier attempts, by step. */
  failures = new Map<number, KnownFailure[]>()
  /** So many failed in earlier attempts that those who fail together end together. */
  isHasty = false
  /** Errors of this run, by request: the first, or, if it is hasty, all of its step. */
  failed = new Map<number, StepFailure>()
  /** What is sent, or JSON of it. */
  sends: (Sent | string)[] = []
  /** The request that waited and runs in this step: what it sends lies below it and lives on what it brought. */
  waited: Task | undefined
  /** For whom which of `sends` are, by their places, if there are any for such. */
  payers = new Map<number, Task>()
  spawns = 0
  bytes = 0
  /** Of events and settled requests. */
  outputBytes = 0
  /** By their keys: what was asked for last. */
  timers = new Map<string, readonly [key: string, dueMs?: number, everyMs?: number]>()
  /** JSON texts, made when the thing happened: what they tell may change afterwards. */
  events: string[] = []
  settled: string[] = []
  /** An output that is not of the usual form. */
  document: string | undefined
  /** What is ready to be run as steps of its own. */
  due: (() => void)[] = []

  clear(): void {
    this.step = 0
    this.stepsMax = STEPS_MAX
    this.isAsync = false
    this.isSealed = false
    this.isDeep = false
    this.isSpent = false
    this.isHasty = false
    this.waited = undefined
    this.spawns = 0
    this.bytes = 0
    this.outputBytes = 0
    this.document = undefined
    if (this.payers.size > 0) this.payers = new Map()
    if (this.failures.size > 0) this.failures = new Map()
    if (this.failed.size > 0) this.failed = new Map()
    if (this.sends.length > 0) this.sends = []
    if (this.timers.size > 0) this.timers = new Map()
    if (this.events.length > 0) this.events = []
    if (this.settled.length > 0) this.settled = []
    if (this.due.length > 0) this.due = []
  }
}

export type Made = SlotMade

/** What one run knows and makes. Set back when the next begins. */
export const slot = {
  nowMs: 0,
  number: 0,
  kind: '',
  /** The message of this slot, if it is a request. */
  own: undefined as Task | undefined,
  /** JSON of the reply to the slot's own message, or `WRITTEN`; `''`: it was replied with nothing. */
  reply: undefined as string | undefined,
  /** Undefined: nothing yet, as of most runs up to their end. */
  made: undefined as Made | undefined,
}

/** Empty between slots. */
const spare = new SlotMade()

export const making = (): Made => (slot.made ??= spare)

export function beginSlot(kind: string, number: number, nowMs: number, flags: number): void {
  slot.kind = kind
  slot.number = number
  slot.nowMs = nowMs
  slot.own = undefined
  slot.reply = undefined
  if (slot.made !== undefined) {
    slot.made.clear()
    slot.made = undefined
  }
  if ((flags & (FLAGS.isDeep | FLAGS.isSpent)) === 0) return
  making().isDeep = (flags & FLAGS.isDeep) !== 0
  making().isSpent = (flags & FLAGS.isSpent) !== 0
}

/**
 * Remembers an error of this run, and which request failed with it, if one did: it undoes all of the run. Mostly the first alone, for what comes
 * after it may come of it.
 */
export function failStep({ code, message, stack }: Told, task: Task | undefined): void {
  const { kind, own } = slot
  const { step, failed, isHasty } = making()
  const request = task?.slot ?? NOBODY
  if (failed.size >= (isHasty ? FAILED_MAX : 1) || failed.has(request)) return
  const isOwnAlone = kind === 'message' && task !== undefined && task === own && own.reference === undefined
  const isFinal = isOwnAlone || kind === 'spawn' || kind === 'query' || kind === 'restore'
  // It may come of those before it, and would be the end of the slot.
  if (isFinal && failed.size > 0) return
  failed.set(request, [step, code, message, stack, isFinal, request])
}

/** Whether a step of this run failed. */
export const hasFailed = (): boolean => slot.made !== undefined && slot.made.failed.size > 0
