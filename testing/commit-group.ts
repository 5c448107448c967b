import type { Commitment, NewBlock } from '../protocol/index.ts'

interface Waiting {
  readonly blocks: readonly NewBlock[]
  readonly commitment: Commitment | undefined
  resolve(): void
  reject(error: unknown): void
}

/** Commits on their way to disk, as in the journal of a node: one write at a time, and the next takes all that came meanwhile. */
export class CommitGroup {
  readonly #turn: () => Promise<void>
  readonly #write: (blocks: readonly NewBlock[], commitment: Commitment | undefined) => void
  #waiting: Waiting[] = []
  #isWriting = false

  /** `turn` is waited for before and after a write; `write` throws if these blocks may not be written. */
  constructor(turn: () => Promise<void>, write: (blocks: readonly NewBlock[], commitment: Commitment | undefined) => void) {
    this.#turn = turn
    this.#write = write
  }

  /** Resolves when the blocks are durable and it is known. */
  add(blocks: readonly NewBlock[], commitment?: Commitment): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ blocks, commitment, resolve, reject })
    if (!this.#isWriting) void this.#run()
    return promise
  }

  async #run(): Promise<void> {
    this.#isWriting = true
    while (this.#waiting.length > 0) {
      await this.#turn()
      const written = this.#waiting.splice(0).filter(waiting => this.#writes(waiting))
      // It is durable, and nobody knows yet.
      await this.#turn()
      for (const { resolve } of written) resolve()
    }
    this.#isWriting = false
  }

  #writes({ blocks, commitment, reject }: Waiting): boolean {
    try {
      this.#write(blocks, commitment)
      return true
    } catch (error) {
      reject(error)
      return false
    }
  }
}
