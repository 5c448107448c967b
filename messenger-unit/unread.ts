import { Failure, type Push, type PushCore } from '../protocol/index.ts'
import type { PairLaneParts } from './pair-lane-parts.ts'

/** What of one pair waits and is not in memory: all from some seq on. It is read from results when its turn comes. */
export class Unread {
  #part: { readonly first: PushCore; readonly before: number } | undefined

  get isEmpty(): boolean {
    return this.#part === undefined
  }

  get first(): Pick<Push, 'core'> | undefined {
    return this.#part && { core: this.#part.first }
  }

  /** Whether a push is one of those. */
  holds({ core }: Push): boolean {
    return this.#part !== undefined && core.seq >= this.#part.first.seq
  }

  add({ core }: Push): void {
    const { first, before } = this.#part ?? { first: core, before: 0 }
    this.#part = { first: core.seq < first.seq ? core : first, before: Math.max(before, core.seq + 1) }
  }

  /** Takes the first of it out. @throws {Failure} as reading results; `busy`, if it is not there yet */
  async take({ sentFrom }: Pick<PairLaneParts, 'sentFrom'>): Promise<readonly Push[]> {
    const part = this.#part
    if (part === undefined) return []
    const { first } = part
    const pushes = await sentFrom(first.from, first.to, first.seq, part.before, first.slot)
    if (this.#part === undefined) return []
    // More may have been added meanwhile.
    const { before } = this.#part
    const last = pushes.at(-1)?.core
    // It was sent early, and its result is only about to be there.
    if (last === undefined)
      throw new Failure('busy', { process: first.from }, { note: 'what it sent is not there yet' })
    this.#part = last.seq + 1 < before ? { first: { ...last, seq: last.seq + 1 }, before } : undefined
    return pushes
  }

  clear(): void {
    this.#part = undefined
  }
}
