import {
  type Clock,
  type Computer,
  Failure,
  LINE_MAX,
  LINE_READ_MAX_BYTES,
  type ProcessId,
  type Push,
  type Slot,
} from '../protocol/index.ts'

/** A rest is so many times as long as the reading before it. */
const REST_FACTOR = 20

/**
 * Reads what a process gave, perhaps all of it, to find what somebody says is missing. Whoever schedules a receiver can say so again and again:
 * one such reading is under way at a time, and they take a small part of the time.
 */
export class LongLooks {
  readonly #clock: Pick<Clock, 'now'>
  #isUnderWay = false
  #restsUntilMs = 0

  constructor(clock: Pick<Clock, 'now'>) {
    this.#clock = clock
  }

  /** @throws {Failure} `busy` */
  async look<T>(read: () => Promise<T>): Promise<T> {
    const beganMs = this.#clock.now()
    if (this.#isUnderWay || beganMs < this.#restsUntilMs)
      throw new Failure('busy', {}, { note: 'what others miss is being looked for' })
    this.#isUnderWay = true
    try {
      return await read()
    } finally {
      this.#isUnderWay = false
      const nowMs = this.#clock.now()
      this.#restsUntilMs = nowMs + REST_FACTOR * (nowMs - beganMs)
    }
  }
}

export interface SentFromParts {
  readonly computer: Pick<Computer, 'results' | 'evaluated'>
  readonly longLooks: LongLooks
  readonly from: ProcessId
  /** Below it all was delivered, but for what was let go. */
  readonly lowest: Slot | undefined
  /** Where the first of it was sent, if that is known. */
  readonly slot: Slot | undefined
}

/**
 * What a process sent to another from seq `seq` on, up to `before`, in order; the first part of it, if it is much. Most of that was
 * sent in slot `lowest` or later; only what was let go is older, and not looked for unless something is missing without it.
 * @throws {Failure} `busy` if it has to be looked for, and that has to wait
 */
export async function sentFrom(
  { computer, longLooks, from, lowest = 0, slot }: SentFromParts,
  to: ProcessId,
  seq: number,
  before: number,
): Promise<readonly Push[]> {
  const sentSince = async (start: Slot): Promise<readonly Push[]> => {
    const sent: Push[] = []
    let bytes = 0
    for await (const { outbox } of computer.results(from, start, await computer.evaluated(from))) {
      const pushes = outbox.filter(({ core }) => core.to === to)
      for (const push of pushes) {
        if (push.core.seq < seq || push.core.seq >= before) continue
        if (sent.length >= LINE_MAX || bytes >= LINE_READ_MAX_BYTES) return sent
        sent.push(push)
        bytes += push.bodyBytes.length
      }
      if (pushes.some(({ core }) => core.seq >= before - 1)) break
    }
    return sent
  }
  if (slot !== undefined) return sentSince(slot)
  return longLooks.look(async () => {
    const late = await sentSince(lowest)
    return lowest === 0 || late[0]?.core.seq === seq ? late : sentSince(0)
  })
}
