import { type Commitment, LINE_MAX, LINE_MAX_BYTES, LINES_MAX_BYTES, type Push } from '../protocol/index.ts'
import { Unread } from './unread.ts'

/** A push that waits its turn. */
export interface Entry {
  readonly push: Push
  /** Set if what it comes from was not durable when it came here. */
  readonly after: Commitment | undefined
  /** It was handed over in vain, and is not before that is durable. */
  readonly isMissed?: boolean
  /** It was brought back to fill a gap: it was counted as delivered before. */
  readonly isAgain?: boolean
}

/** What it comes from did not become durable: it is not asked for any more. */
const isLost = ({ after }: Entry): boolean => after?.state === 'failed'

export const isDurable = ({ after }: Entry): boolean => after === undefined || after.state === 'durable'

/** What a push costs in memory besides its body. */
const ENTRY_BYTES = 512

/** Bytes that wait in the lines of all pairs. */
export class Lines {
  bytes = 0

  get isFull(): boolean {
    return this.bytes >= LINES_MAX_BYTES
  }
}

/**
 * Pushes of one pair, in the order of their seqs, however they come: what an earlier run left is read while newer ones come.
 * Those at the head that are under way stay there. Of very many the first are in memory; those behind them, all from one seq on, are
 * read again when their turn comes.
 */
export class Line {
  #entries: Entry[] = []
  #underWay = 0
  #bytes = 0
  readonly #lines: Lines
  readonly #unread = new Unread()

  constructor(lines: Lines) {
    this.#lines = lines
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#unread.isEmpty
  }

  /** As many wait in memory as should, or more. */
  get isFull(): boolean {
    return !this.#unread.isEmpty || this.#isOver(0)
  }

  /** Whether it has so many more than it should have. */
  #isOver(by: number): boolean {
    const isHeavy = this.#bytes >= LINE_MAX_BYTES || this.#lines.isFull
    return this.#entries.length >= LINE_MAX + by || (isHeavy && this.#entries.length > by)
  }

  /** Those in memory. */
  get length(): number {
    return this.#entries.length
  }

  get head(): Entry | undefined {
    return this.#entries[0]
  }

  /** Whose turn it is, be it in memory or not. */
  get first(): Pick<Push, 'core'> | undefined {
    return this.head?.push ?? this.#unread.first
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
    if (this.#unread.holds(entry.push)) return this.#unread.add(entry.push)
    const { seq } = entry.push.core
    const before = this.#entries.findLastIndex(({ push }) => push.core.seq <= seq)
    this.#entries.splice(Math.max(this.#underWay, before + 1), 0, entry)
    this.#count([entry], 1)
    while (this.#isOver(1) && this.#letGo());
  }

  /** Lets go of the last, if it can be read again, and is not under way. */
  #letGo(): boolean {
    const last = this.#entries.length > Math.max(1, this.#underWay) ? this.#entries.at(-1) : undefined
    if (last === undefined || !isDurable(last) || last.isAgain === true) return false
    this.#unread.add(last.push)
    this.#count(this.#entries.splice(-1), -1)
    return true
  }

  /** Brings the first of what is not in memory, if nothing is. @throws {Failure} as reading results */
  async read(parts: Parameters<Unread['take']>[0]): Promise<void> {
    if (this.#entries.length > 0 || this.#unread.isEmpty) return
    const pushes = await this.#unread.take(parts)
    this.bringBack(pushes.map(push => ({ push, after: undefined })))
  }

  /** Puts several in their places; none may be under way. */
  bringBack(entries: readonly Entry[]): void {
    this.#entries.unshift(...entries)
    this.#count(entries, 1)
    this.#sort()
  }

  /** Takes the first `count` out. */
  take(count: number): readonly Entry[] {
    const taken = this.#entries.splice(0, count)
    this.#count(taken, -1)
    return taken
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
    this.take(1)
    this.#underWay = Math.max(0, this.#underWay - 1)
  }

  /** The head of the line, `max` at most, as far as what it comes from is durable. */
  durable(max: number): Push[] {
    const window: Push[] = []
    for (const entry of this.#entries) {
      if (window.length >= max || !isDurable(entry)) break
      window.push(entry.push)
    }
    return window
  }

  /** Lets go of what can never be handed over. */
  dropLost(): void {
    if (!this.#entries.some(isLost)) return
    this.#count(this.#entries.filter(isLost), -1)
    this.#entries = this.#entries.filter(entry => !isLost(entry))
  }

  clear(): void {
    this.take(this.#entries.length)
    this.#underWay = 0
    this.#unread.clear()
  }

  #count(entries: readonly Entry[], sign: 1 | -1): void {
    const bytes = entries.reduce((sum, { push }) => sum + push.bodyBytes.length + ENTRY_BYTES, 0)
    this.#bytes += sign * bytes
    this.#lines.bytes += sign * bytes
  }

  #sort(): void {
    const isSorted = this.#entries.every(
      ({ push }, at) => at === 0 || (this.#entries[at - 1]?.push.core.seq ?? 0) <= push.core.seq,
    )
    if (!isSorted) this.#entries.sort((a, b) => a.push.core.seq - b.push.core.seq)
  }
}
