import {
  type CellKey,
  type ProcessId,
  type Timer,
  TIMER_INTERVAL_MIN_MS,
  TIMER_KEY_MAX_BYTES,
  TIMERS_MAX,
} from '../../protocol/index.ts'
import type { CellStore, HeldTimer } from './cells.ts'
import { GuestLimit } from './guest-limit.ts'

/** Above every key of a timer. */
const ABOVE_ALL_KEYS = '\xff'.repeat(TIMER_KEY_MAX_BYTES + 1)
/** A timer whose slots fail rings after a second, then after twice as long each time, so often: up to 18 hours. */
const DOUBLED_MAX = 16

/**
 * What makes effects happen once: which seq is next from each sender, which was last used to each
 * receiver, and which timers run. All of it is state, and in the state root.
 */
export class Mailbox {
  readonly #cells: Pick<CellStore, 'next' | 'sent' | 'timers'>

  constructor(cells: Pick<CellStore, 'next' | 'sent' | 'timers'>) {
    this.#cells = cells
  }

  /** The seq the next push from `sender` must have. */
  next(sender: ProcessId): number {
    return this.#cells.next.get(sender) ?? 0
  }

  /** Notes that the push of that seq from `sender` has had its slot. */
  received(sender: ProcessId, seq: number): void {
    this.#cells.next.put(sender, seq + 1)
  }

  /** Takes the next seq to `receiver`. */
  takeSeq(receiver: ProcessId): number {
    const seq = this.#cells.sent.get(receiver) ?? 0
    this.#cells.sent.put(receiver, seq + 1)
    return seq
  }

  timer(key: CellKey): HeldTimer | undefined {
    const times = this.#cells.timers.get(key)
    return times === undefined ? undefined : { key, ...times }
  }

  timers(): Timer[] {
    const keys = this.#cells.timers.scan('', ABOVE_ALL_KEYS, TIMERS_MAX, false)
    return keys.map(key => this.timer(key)).filter(timer => timer !== undefined)
  }

  setTimer({ key, dueMs, everyMs }: Timer): void {
    if (key.length > TIMER_KEY_MAX_BYTES) throw new GuestLimit('timer-limit', 'key of a timer too long')
    if (!Number.isSafeInteger(dueMs) || dueMs < 0) throw new GuestLimit('timer-limit', 'due time out of range')
    if (everyMs !== undefined && !(Number.isSafeInteger(everyMs) && everyMs >= TIMER_INTERVAL_MIN_MS)) {
      throw new GuestLimit('timer-limit', `interval below ${TIMER_INTERVAL_MIN_MS} ms, or out of range`)
    }
    const { timers } = this.#cells
    const isNew = timers.get(key) === undefined
    if (isNew && timers.size >= TIMERS_MAX) throw new GuestLimit('timer-limit', `more than ${TIMERS_MAX} timers`)
    timers.put(key, { dueMs, everyMs })
  }

  clearTimer(key: CellKey): void {
    this.#cells.timers.put(key, undefined)
  }

  /** A timer has fired at `nowMs`: it is gone, or due again after now. Firings that were missed are not made up. */
  fired({ key, dueMs, everyMs }: Timer, nowMs: number): void {
    if (everyMs === undefined) {
      this.clearTimer(key)
      return
    }
    const missed = Math.floor((nowMs - dueMs) / everyMs)
    const nextMs = dueMs + (missed + 1) * everyMs
    if (Number.isSafeInteger(nextMs)) this.#cells.timers.put(key, { dueMs: nextMs, everyMs })
    else this.clearTimer(key)
  }

  /** The slot at `nowMs` in which a timer had fired failed: one that does not repeat rings again, later each time. */
  ringAgain({ key, everyMs, failures: before = 0 }: HeldTimer, nowMs: number): void {
    if (everyMs !== undefined) return
    const pauseMs = TIMER_INTERVAL_MIN_MS * 2 ** Math.min(before, DOUBLED_MAX)
    this.#cells.timers.put(key, { dueMs: nowMs + pauseMs, everyMs, failures: before + 1 })
  }
}
