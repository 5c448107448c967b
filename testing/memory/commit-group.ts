import { type Commitment, Failure, type NewBlock } from '../../protocol/index.ts'

interface Waiting {
  readonly blocks: readonly NewBlock[]
  readonly commitment: Commitment | undefined
  resolve(): void
  reject(error: unknown): void
}

/** Commits on their way to disk, as in the journal of a node: one write at a time, and the next takes all that came meanwhile. */
export class CommitGroup {
  readonly #turn: () => Promise<void>
  readonly #write: (blocks: readonly NewBlock[]) => void
  #waiting: Waiting[] = []
  #isWriting = false

  /** `turn` is waited for before and after a write; `write` throws if these blocks may not be written. */
  constructor(turn: () => Promise<void>, write: (blocks: readonly NewBlock[]) => void) {
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
      founded(commitment, () => this.#write(blocks))
      return true
    } catch (error) {
      reject(error)
      return false
    }
  }
}

/** Has something written if all is that it builds on, and tells what became of it: what is written is durable at once. */
export function founded(commitment: Commitment | undefined, write: () => void): void {
  try {
    if (commitment?.isFounded === false)
      throw new Failure('busy', {}, { note: 'what it builds on did not become durable' })
    write()
    commitment?.settle('durable')
  } catch (error) {
    commitment?.settle('failed')
    throw error
  }
}
