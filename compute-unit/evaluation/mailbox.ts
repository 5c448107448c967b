import {
  CborReader,
  CborWriter,
  type CellKey,
  fromBase64Url,
  type ProcessId,
  readSmall,
  type Timer,
  TIMER_INTERVAL_MIN_MS,
  TIMER_KEY_MAX_BYTES,
  TIMERS_MAX,
} from '../../protocol/index.ts'
import { type CellStore, GuestLimit, toCellKey } from './cells.ts'

/** Prefixes of cell keys. The guest's own cells and the mailbox's lie in one tree, so one root covers them. */
export const GUEST_CELLS = 'u'
const NEXT = 'n'
const SENT = 's'
const TIMER = 't'

/**
 * What makes effects happen once: which seq is next from each sender, which was last used to each
 * receiver, and which timers run. All of it is state, and in the state root.
 */
export class Mailbox {
  readonly #cells: CellStore

  constructor(cells: CellStore) {
    this.#cells = cells
  }

  /** The seq the next push from `sender` must have. */
  next(sender: ProcessId): number {
    return this.#count(NEXT, sender)
  }

  /** Notes that the push of that seq from `sender` has had its slot. */
  received(sender: ProcessId, seq: number): void {
    this.#cells.put(NEXT + idKey(sender), encodeCount(seq + 1))
  }

  /** Takes the next seq to `receiver`. */
  takeSeq(receiver: ProcessId): number {
    const seq = this.#count(SENT, receiver)
    this.#cells.put(SENT + idKey(receiver), encodeCount(seq + 1))
    return seq
  }

  timer(key: CellKey): Timer | undefined {
    const cell = this.#cells.get(TIMER + key)
    return cell === undefined ? undefined : decodeTimer(key, cell)
  }

  timers(): Timer[] {
    const timers: Timer[] = []
    for (const key of this.#cells.scan(TIMER, String.fromCharCode(TIMER.charCodeAt(0) + 1), TIMERS_MAX, false)) {
      const timer = this.timer(key.slice(1))
      if (timer !== undefined) timers.push(timer)
    }
    return timers
  }

  setTimer(timer: Timer): void {
    if (timer.key.length > TIMER_KEY_MAX_BYTES) throw new GuestLimit('timer-limit', 'key of a timer too long')
    if (!Number.isSafeInteger(timer.dueMs) || timer.dueMs < 0) throw new GuestLimit('timer-limit', 'due time out of range')
    if (timer.everyMs !== undefined && !(Number.isSafeInteger(timer.everyMs) && timer.everyMs >= TIMER_INTERVAL_MIN_MS)) {
      throw new GuestLimit('timer-limit', `interval below ${TIMER_INTERVAL_MIN_MS} ms, or out of range`)
    }
    const isNew = this.timer(timer.key) === undefined
    if (isNew && this.timers().length >= TIMERS_MAX) throw new GuestLimit('timer-limit', `more than ${TIMERS_MAX} timers`)
    this.#cells.put(TIMER + timer.key, encodeTimer(timer))
  }

  clearTimer(key: CellKey): void {
    this.#cells.put(TIMER + key, undefined)
  }

  /** A timer has fired at `nowMs`: it is gone, or due again after now. Firings that were missed are not made up. */
  fired(timer: Timer, nowMs: number): void {
    if (timer.everyMs === undefined) {
      this.clearTimer(timer.key)
      return
    }
    const missed = Math.floor((nowMs - timer.dueMs) / timer.everyMs)
    const dueMs = timer.dueMs + (missed + 1) * timer.everyMs
    if (!Number.isSafeInteger(dueMs)) {
      this.clearTimer(timer.key)
      return
    }
    this.#cells.put(TIMER + timer.key, encodeTimer({ ...timer, dueMs }))
  }

  #count(prefix: string, id: ProcessId): number {
    const cell = this.#cells.get(prefix + idKey(id))
    return cell === undefined ? 0 : readSmall(new CborReader(cell))
  }
}

const idKeys = new Map<ProcessId, CellKey>()

/** Ids recur; the spelling of the last ones is kept. */
function idKey(id: ProcessId): CellKey {
  const known = idKeys.get(id)
  if (known !== undefined) return known
  const key = toCellKey(fromBase64Url(id))
  if (idKeys.size >= 65_536) idKeys.clear()
  idKeys.set(id, key)
  return key
}

function encodeCount(count: number): Uint8Array {
  const writer = new CborWriter()
  writer.uint(count)
  return writer.finish()
}

function encodeTimer({ dueMs, everyMs }: Timer): Uint8Array {
  const writer = new CborWriter()
  writer.array(2)
  writer.uint(dueMs)
  if (everyMs === undefined) writer.null()
  else writer.uint(everyMs)
  return writer.finish()
}

function decodeTimer(key: CellKey, cell: Uint8Array): Timer {
  const reader = new CborReader(cell)
  reader.array()
  const dueMs = readSmall(reader)
  const everyMs = reader.isNull() ? undefined : readSmall(reader)
  return { key, dueMs, everyMs }
}
