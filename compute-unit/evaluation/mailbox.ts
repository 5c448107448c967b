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

  /** Notes that the push of that seq from `sender` has had its slot, if it is the next; gives why it has no effect. */
  receive(sender: ProcessId, seq: number): 'duplicate' | 'gap' | undefined {
    const next = this.#cells.next.get(sender) ?? 0
    if (seq < next) return 'duplicate'
    if (seq > next) return 'gap'
    this.#cells.next.put(sender, seq + 1)
    return undefined
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

  /** Has the timer fire that was due then, and gives it as it was: it is gone, or due again after now. Nothing, if none is due. */
  fire(key: CellKey, dueMs: number, nowMs: number): HeldTimer | undefined {
    const timer = this.timer(key)
    if (timer === undefined || timer.dueMs !== dueMs || dueMs > nowMs) return undefined
    const nextMs = dueAgain(timer, nowMs)
    this.#cells.timers.put(key, nextMs === undefined ? undefined : { dueMs: nextMs, everyMs: timer.everyMs })
    return timer
  }

  /** The slot at `nowMs` in which a timer had fired failed: one that does not repeat rings again, later each time. */
  ringAgain({ key, everyMs, failures: before = 0 }: HeldTimer, nowMs: number): void {
    if (everyMs !== undefined) return
    const pauseMs = TIMER_INTERVAL_MIN_MS * 2 ** Math.min(before, DOUBLED_MAX)
    this.#cells.timers.put(key, { dueMs: nowMs + pauseMs, everyMs, failures: before + 1 })
  }
}

/** When a timer that fires now is due next, if it repeats: firings that were missed are not made up. */
function dueAgain({ dueMs, everyMs }: Timer, nowMs: number): number | undefined {
  if (everyMs === undefined) return undefined
  const missed = Math.floor((nowMs - dueMs) / everyMs)
  const nextMs = dueMs + (missed + 1) * everyMs
  return Number.isSafeInteger(nextMs) ? nextMs : undefined
}
