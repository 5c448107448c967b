import type { Journal } from './journal.ts'

export interface SegmentKeeperParts {
  readonly journal: Journal
  /** Makes everything in segments up to `generation` safe without them, and marks that in both databases. */
  readonly settle: (generation: number) => Promise<void>
}

/** Counts the journalled blocks that are not in their feeds, and drops segments that nobody needs. */
export class SegmentKeeper {
  readonly #parts: SegmentKeeperParts
  /** Blocks not yet appended, by segment. */
  readonly #outstanding: Map<number, number>
  #dropped: number
  #newest = 0
  #dropping: Promise<void> | undefined

  constructor(parts: SegmentKeeperParts, outstanding: ReadonlyMap<number, number>) {
    this.#parts = parts
    this.#outstanding = new Map(outstanding)
    this.#dropped = (parts.journal.found[0] ?? 1) - 1
  }

  added(generation: number, blocks: number): void {
    this.#outstanding.set(generation, (this.#outstanding.get(generation) ?? 0) + blocks)
    if (generation === this.#newest) return
    // A new segment was begun: the one before it may have nothing left to wait for.
    this.#newest = generation
    this.look()
  }

  appended(generation: number, blocks: number): void {
    const left = (this.#outstanding.get(generation) ?? 0) - blocks
    if (left > 0) {
      this.#outstanding.set(generation, left)
      return
    }
    this.#outstanding.delete(generation)
    this.look()
  }

  /** Drops what can be dropped, in the background; a disk that fails leaves it for the next look. */
  look(): void {
    if (this.#dropping !== undefined || this.#droppable() <= this.#dropped) return
    this.#dropping = this.drop().then(
      () => {
        this.#dropping = undefined
        this.look()
      },
      () => {
        this.#dropping = undefined
      },
    )
  }

  /** Drops what can be dropped. @throws {Failure} `disk-full`, `disk-fault` */
  async drop(): Promise<void> {
    const upTo = this.#droppable()
    if (upTo <= this.#dropped) return
    await this.#parts.settle(upTo)
    await this.#parts.journal.drop(upTo)
    this.#dropped = upTo
  }

  /** Resolves when nothing is being dropped. */
  async drain(): Promise<void> {
    while (this.#dropping !== undefined) await this.#dropping
  }

  /** The last segment such that neither it nor any before it is needed. */
  #droppable(): number {
    const needed = Math.min(this.#parts.journal.generation, ...this.#outstanding.keys())
    return needed - 1
  }
}
