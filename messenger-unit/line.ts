import type { Commitment, Push } from '../protocol/index.ts'

/** A push that waits its turn. */
export interface Entry {
  readonly push: Push
  /** Set if what it comes from was not durable when it came here. */
  readonly after: Commitment | undefined
  /** It was handed over in vain, and is not before that is durable. */
  readonly isMissed?: boolean
}

/** What it comes from did not become durable: it is not asked for any more. */
export const isLost = ({ after }: Entry): boolean => after?.state === 'failed'

export const isDurable = ({ after }: Entry): boolean => after === undefined || after.state === 'durable'

/**
 * Pushes of one pair, in the order of their seqs, however they come: what an earlier run left is read while newer ones come.
 * Those at the head that are under way stay there.
 */
export class Line {
  #entries: Entry[] = []
  #underWay = 0

  get length(): number {
    return this.#entries.length
  }

  get head(): Entry | undefined {
    return this.#entries[0]
  }

  [Symbol.iterator](): Iterator<Entry> {
    return this.#entries.values()
  }

  /** Those at the head with a smaller seq. */
  below(seq: number): readonly Entry[] {
    const end = this.#entries.findIndex(({ push }) => push.core.seq >= seq)
    return this.#entries.slice(0, end < 0 ? undefined : end)
  }

  add(entry: Entry): void {
    const { seq } = entry.push.core
    const before = this.#entries.findLastIndex(({ push }) => push.core.seq <= seq)
    this.#entries.splice(Math.max(this.#underWay, before + 1), 0, entry)
  }

  /** Puts several in their places; none may be under way. */
  bringBack(entries: readonly Entry[]): void {
    this.#entries.unshift(...entries)
    this.#sort()
  }

  /** Takes the first `count` out. */
  take(count: number): readonly Entry[] {
    return this.#entries.splice(0, count)
  }

  /** The first `count` are handed over now, and stay until each is done. */
  setOut(count: number): void {
    this.#underWay = count
  }

  /** Nothing is under way any more; what came meanwhile may belong before what did not arrive. */
  comeBack(): void {
    this.#underWay = 0
    this.#sort()
  }

  /** The first is done. */
  shift(): void {
    this.#entries.shift()
    this.#underWay = Math.max(0, this.#underWay - 1)
  }

  /** Lets go of what can never be handed over. */
  drop(isLost: (entry: Entry) => boolean): void {
    if (this.#entries.some(isLost)) this.#entries = this.#entries.filter(entry => !isLost(entry))
  }

  clear(): void {
    this.#entries = []
    this.#underWay = 0
  }

  #sort(): void {
    const isSorted = this.#entries.every(
      ({ push }, at) => at === 0 || (this.#entries[at - 1]?.push.core.seq ?? 0) <= push.core.seq,
    )
    if (!isSorted) this.#entries.sort((a, b) => a.push.core.seq - b.push.core.seq)
  }
}
