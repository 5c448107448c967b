import { equalBytes } from '../../protocol/index.ts'
import type { TailBlock } from '../feeds/feed-state.ts'
import type { Carried, Journal, JournalledBlock } from './journal.ts'

/** Bytes that are carried from segment to segment, each time again; more than that holds the segments where it stands. */
const CARRIED_MAX_BYTES = 16 * 1024 * 1024
/** What a block costs in a segment besides its bytes, and more. */
const BLOCK_OVERHEAD_BYTES = 1024

export interface CarriedBlocksParts {
  readonly journal: Pick<Journal, 'blocksOf'>
  /** So many blocks of a segment stand in another now. */
  readonly released: (generation: number, blocks: number) => void
}

/**
 * What the journal has of frozen feeds, and their Hypercores do not take. It is the evidence, and none of it may be lost: every new
 * segment begins with it, and once one does, older ones are no longer needed for it.
 */
export class CarriedBlocks implements Carried {
  readonly #parts: CarriedBlocksParts
  readonly #carried: (JournalledBlock & { readonly name: string })[] = []
  #bytes = 0
  /** How many of them stand in a segment besides the one they came with. */
  #standing = 0

  constructor(parts: CarriedBlocksParts) {
    this.#parts = parts
  }

  /** Takes blocks of a feed along, all or, if there is no room, none. */
  add(name: string, blocks: readonly JournalledBlock[]): void {
    const bytes = blocks.reduce((sum, { block }) => sum + block.bytes.length + BLOCK_OVERHEAD_BYTES, 0)
    if (this.#bytes + bytes > CARRIED_MAX_BYTES) return
    this.#bytes += bytes
    for (const block of blocks) this.#carried.push({ name, ...block })
  }

  /**
   * Takes along what a Hypercore did not take, from block `from` of its feed on, as the journal has it; a disk that does not give that
   * back leaves the segments held.
   */
  async left(name: string, from: number, blocks: readonly TailBlock[]): Promise<void> {
    const isLeft = ({ block }: JournalledBlock, generation: number): boolean => {
      const left = blocks[block.index - from]
      return left?.generation === generation && equalBytes(left.bytes, block.bytes)
    }
    for (const generation of new Set(blocks.map(block => block.generation))) {
      if (generation === 0) continue
      const found = await this.#parts.journal.blocksOf(generation, name).catch(() => [])
      this.add(
        name,
        found.filter(one => isLeft(one, generation)),
      )
    }
  }

  begin(): ReturnType<Carried['begin']> {
    const blocks = [...this.#carried]
    return { blocks, stand: () => this.#stand(blocks.length) }
  }

  #stand(count: number): void {
    const news = this.#carried.slice(this.#standing, count)
    this.#standing = Math.max(this.#standing, count)
    for (const { generation } of news) this.#parts.released(generation, 1)
  }
}
