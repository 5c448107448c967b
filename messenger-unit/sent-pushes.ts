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
  readonly #clock: Pick<Clock, 'elapsed'>
  #isUnderWay = false
  #restsUntilMs = 0

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock
  }

  /** @throws {Failure} `busy` */
  async look<T>(read: () => Promise<T>): Promise<T> {
    const beganMs = this.#clock.elapsed()
    if (this.#isUnderWay || beganMs < this.#restsUntilMs)
      throw new Failure('busy', {}, { note: 'what others miss is being looked for' })
    this.#isUnderWay = true
    try {
      return await read()
    } finally {
      this.#isUnderWay = false
      const nowMs = this.#clock.elapsed()
      this.#restsUntilMs = nowMs + REST_FACTOR * (nowMs - beganMs)
    }
  }
}

/** What processes sent to others, read from their results. */
export class SentPushes {
  readonly #computer: Pick<Computer, 'results' | 'evaluated'>
  readonly #longLooks: LongLooks

  constructor({
    computer,
    clock,
  }: { readonly computer: Pick<Computer, 'results' | 'evaluated'>; readonly clock: Clock }) {
    this.#computer = computer
    this.#longLooks = new LongLooks(clock)
  }

  /**
   * From seq `seq` on, up to `before`, in order; the first part of it, if it is much. It begins in `slot`, if that is known. Else most
   * of it was sent in slot `lowest` or later, below which all was delivered; only what was let go is older, and not looked for unless
   * something is missing without it.
   * @throws {Failure} `busy` if it has to be looked for, and that has to wait
   */
  async read(
    [from, to]: readonly [ProcessId, ProcessId],
    lowest = 0,
    [seq, before, slot]: readonly [number, number, (Slot | undefined)?],
  ): Promise<readonly Push[]> {
    const since = (start: Slot): Promise<readonly Push[]> => this.#since(start, [from, to], seq, before)
    if (slot !== undefined) return since(slot)
    return this.#longLooks.look(async () => {
      const late = await since(lowest)
      return lowest === 0 || late[0]?.core.seq === seq ? late : since(0)
    })
  }

  async #since(
    start: Slot,
    [from, to]: readonly [ProcessId, ProcessId],
    seq: number,
    before: number,
  ): Promise<readonly Push[]> {
    const sent: Push[] = []
    let bytes = 0
    for await (const { outbox } of this.#computer.results(from, start, await this.#computer.evaluated(from))) {
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
}
