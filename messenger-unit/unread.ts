import type { Push, PushCore } from '../protocol/index.ts'
import type { PairLaneParts } from './pair-lane-parts.ts'

/** What of one pair waits and is not in memory: all from some seq on. It is read from results when its turn comes. */
export class Unread {
  #part: { readonly first: PushCore; readonly before: number } | undefined

  get isEmpty(): boolean {
    return this.#part === undefined
  }

  /** Whether a push is one of those. */
  holds({ core }: Push): boolean {
    return this.#part !== undefined && core.seq >= this.#part.first.seq
  }

  add({ core }: Push): void {
    const { first, before } = this.#part ?? { first: core, before: 0 }
    this.#part = { first: core.seq < first.seq ? core : first, before: Math.max(before, core.seq + 1) }
  }

  /** Takes the first of it out. @throws {Failure} as reading results */
  async take({ sentFrom }: Pick<PairLaneParts, 'sentFrom'>): Promise<readonly Push[]> {
    const part = this.#part
    if (part === undefined) return []
    const { first } = part
    const pushes = await sentFrom(first.from, first.to, first.seq, part.before, first.slot)
    if (this.#part === undefined) return []
    // More may have been added meanwhile.
    const { before } = this.#part
    const last = pushes.at(-1)?.core ?? { ...first, seq: part.before - 1 }
    this.#part = last.seq + 1 < before ? { first: { ...last, seq: last.seq + 1 }, before } : undefined
    return pushes
  }

  clear(): void {
    this.#part = undefined
  }
}
