import { blockHash, FeedTree, parentHash, type TreeNode } from '../../protocol/index.ts'
import type { MemoryBlocks } from './memory-blocks.ts'

/** The blocks of one feed, and of its tree what somebody asked for: each node is computed once. */
export class MemoryFeed {
  readonly #blocks: MemoryBlocks
  /** By which number each block is read. */
  readonly #numbers: number[]
  /** By level from the leaves up: a node at place i of level k is over leaves [i 2^k, (i + 1) 2^k). */
  readonly #levels: (TreeNode | undefined)[][] = []

  constructor(blocks: MemoryBlocks, numbers: readonly number[] = []) {
    this.#blocks = blocks
    this.#numbers = [...numbers]
  }

  /** The same blocks; the two go on apart. */
  copy(): MemoryFeed {
    return new MemoryFeed(this.#blocks, this.#numbers)
  }

  get length(): number {
    return this.#numbers.length
  }

  block(index: number): Uint8Array | undefined {
    const number = this.#numbers[index]
    return number === undefined ? undefined : this.#blocks.read(number)
  }

  /** Blocks [from, to), as far as there are any. */
  slice(from = 0, to?: number): Uint8Array[] {
    return this.#numbers.slice(from, to).map(number => this.#blocks.read(number))
  }

  /** Appends a block by its number; gives the length. */
  push(number: number): number {
    return this.#numbers.push(number)
  }

  /** Drops all blocks from `length` on. */
  cut(length: number): void {
    this.#numbers.length = Math.min(length, this.#numbers.length)
    for (const [level, nodes] of this.#levels.entries()) nodes.length = Math.min(nodes.length, length >> level)
  }

  /** The tree of the first `length` blocks. */
  tree(length: number = this.length): FeedTree {
    const roots = []
    let from = 0
    for (let level = 31 - Math.clz32(length); level >= 0; level--) {
      const leaves = 2 ** level
      if ((length & leaves) === 0) continue
      const node = this.#node(level, from / leaves)
      if (node === undefined) throw new RangeError(`expected at least ${length} blocks, got ${this.length}`)
      roots.push({ leaves, sizeBytes: node.size, hash: node.hash })
      from += leaves
    }
    return FeedTree.from(roots)
  }

  /** A node by its place in flat order: one over 2^d leaves has d ones at the end of it. */
  nodeAt(index: number): TreeNode | undefined {
    let [level, place] = [0, index]
    for (; place % 2 === 1; place = (place - 1) / 2) level += 1
    return this.#node(level, place / 2)
  }

  #node(level: number, place: number): TreeNode | undefined {
    const nodes = (this.#levels[level] ??= [])
    return (nodes[place] ??= this.#make(level, place))
  }

  #make(level: number, place: number): TreeNode | undefined {
    if (level === 0) {
      const block = this.block(place)
      return block && { size: block.length, hash: blockHash(block) }
    }
    const [left, right] = [this.#node(level - 1, 2 * place), this.#node(level - 1, 2 * place + 1)]
    if (left === undefined || right === undefined) return undefined
    return { size: left.size + right.size, hash: parentHash(left, right) }
  }
}
