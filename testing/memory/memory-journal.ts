import type { FeedSpec, MessageId, NewBlock, Slot } from '../../protocol/index.ts'
import type { MemoryBlocks } from './memory-blocks.ts'
import { isMessages } from './memory-proofs.ts'

/** A block that was committed, and the number of its bytes. */
interface Journalled {
  readonly block: NewBlock
  readonly bytes: number
}

/** All that was committed, in order. An entry is a few numbers; a block is made of them when somebody asks, which only a crash does. */
export class MemoryJournal {
  readonly #blocks: MemoryBlocks
  readonly #feeds: FeedSpec[] = []
  readonly #indexes: number[] = []
  readonly #bytes: number[] = []
  readonly #firstSlots: Slot[] = []
  /** Most blocks hold one message. */
  readonly #ids: (MessageId | readonly MessageId[])[] = []
  readonly #signatures = new Map<number, Uint8Array>()

  constructor(blocks: MemoryBlocks) {
    this.#blocks = blocks
  }

  get length(): number {
    return this.#feeds.length
  }

  add({ feed, index, firstSlot, ids, signature }: NewBlock, bytes: number): void {
    if (signature !== undefined) this.#signatures.set(this.length, signature)
    this.#feeds.push(feed)
    this.#indexes.push(index)
    this.#bytes.push(bytes)
    this.#firstSlots.push(firstSlot)
    const [id] = ids
    this.#ids.push(ids.length === 1 && id !== undefined ? id : ids)
  }

  /** From the entry at `from` on. */
  *entries(from = 0): Generator<Journalled> {
    for (let at = from; at < this.length; at++) {
      const [feed, bytes = 0, ids = []] = [this.#feeds[at], this.#bytes[at], this.#ids[at]]
      if (feed === undefined) return
      const block = {
        feed,
        index: this.#indexes[at] ?? 0,
        bytes: this.#blocks.read(bytes),
        firstSlot: this.#firstSlots[at] ?? 0,
        ids: typeof ids === 'string' ? [ids] : ids,
        signature: this.#signatures.get(at),
      }
      yield { block, bytes }
    }
  }

  /** Those with messages. */
  messages(from = 0): NewBlock[] {
    return this.entries(from)
      .map(({ block }) => block)
      .filter(isMessages)
      .toArray()
  }
}
