import { blake2b } from '@noble/hashes/blake2.js'
import { concatBytes, fromBase64Url, MalformedBytes, toUtf8 } from './bytes.ts'
import { encodeCbor } from './cbor.ts'
import { ed25519Verify } from './crypto.ts'
import type { FeedHead, FeedSpec, FeedSubtree, SignedBlocks, SignedPrefix } from './ports.ts'

/**
 * What a signature over a feed covers, computed from its blocks alone: Hypercore's tree, in its words.
 *
 * 1. A leaf is blake2b(0x00 ‖ size ‖ block), a node blake2b(0x01 ‖ size ‖ left ‖ right), sizes being those of all blocks below.
 * 2. Whole subtrees stand side by side, largest first; the tree hash is blake2b(0x02 ‖ (hash ‖ index ‖ size) of each).
 * 3. Signed is the tree hash with the feed's key and length, so one signature is about all blocks and their order.
 */
export class FeedTree {
  readonly #roots: TreeRoot[] = []
  #length = 0

  /** The tree of a feed whose whole subtrees are given, left to right. @throws {MalformedBytes} */
  static from(roots: readonly FeedSubtree[]): FeedTree {
    const tree = new FeedTree()
    for (const root of roots) tree.appendSubtree(root)
    return tree
  }

  /** Blocks so far. */
  get length(): number {
    return this.#length
  }

  /** Its whole subtrees, left to right. */
  get roots(): readonly FeedSubtree[] {
    return this.#roots.map(({ leaves, size, hash }) => ({ leaves, sizeBytes: size, hash }))
  }

  append(block: Uint8Array): void {
    this.#push(1, block.length, hash256(LEAF, uint64(block.length), block))
  }

  /**
   * Appends blocks of which only the hash of their whole subtree is known: a power of two of them, from a multiple
   * of that number on. @throws {MalformedBytes} if no subtree begins there
   */
  appendSubtree({ leaves, sizeBytes, hash }: FeedSubtree): void {
    const isPower = Number.isSafeInteger(leaves) && leaves > 0 && Number.isInteger(Math.log2(leaves))
    if (!isPower || this.#length % leaves !== 0 || hash.length !== 32)
      throw new MalformedBytes('no subtree of a feed begins there', 0)
    this.#push(leaves, sizeBytes, hash)
  }

  #push(leaves: number, size: number, hash: Uint8Array): void {
    let node: TreeRoot = { index: 2 * this.#length + leaves - 1, size, leaves, hash }
    for (let left = this.#roots.at(-1); left?.leaves === node.leaves; left = this.#roots.at(-1)) {
      this.#roots.pop()
      const size = left.size + node.size
      node = {
        index: (left.index + node.index) / 2,
        size,
        leaves: 2 * node.leaves,
        hash: hash256(PARENT, uint64(size), left.hash, node.hash),
      }
    }
    this.#roots.push(node)
    this.#length += leaves
  }

  hash(): Uint8Array {
    return hash256(ROOTS, ...this.#roots.flatMap(({ hash, index, size }) => [hash, uint64(index), uint64(size)]))
  }
}

interface TreeRoot {
  readonly index: number
  readonly size: number
  readonly leaves: number
  readonly hash: Uint8Array
}

/** The key of a feed, 32 bytes: the hash of its manifest. Only for one signer and quorum 1. */
export function feedKey({ kind, process, epoch, signers, quorum }: FeedSpec): Uint8Array {
  const userData = encodeCbor([kind, fromBase64Url(process), epoch])
  const keys = signers.map(key => concatBytes(new Uint8Array([0]), NAMESPACES.signer, fromBase64Url(key)))
  const manifest = [new Uint8Array([2, 8, 0, quorum, keys.length]), ...keys, new Uint8Array([userData.length]), userData]
  return hash256(NAMESPACES.manifest, ...manifest)
}

/** Whether the signer of a feed of one signer signed exactly the blocks in `tree`. */
export function feedHeadHolds(feed: FeedSpec, tree: FeedTree, { length, signature }: FeedHead): boolean {
  const [signer, ...others] = feed.signers
  if (signer === undefined || others.length > 0 || feed.quorum !== 1 || tree.length !== length) return false
  return ed25519Verify(fromBase64Url(signer), feedHeadMessage(feed, tree), signature)
}

/**
 * Whether blocks follow a tree of their feed, and the head that came with them covers both. Gives the tree with the
 * blocks, without what stands behind them; nothing, if the head does not hold.
 */
export function signedBlocksHold(
  feed: FeedSpec,
  before: readonly FeedSubtree[],
  { from, blocks, head, rest }: SignedBlocks,
): FeedTree | undefined {
  try {
    const tree = FeedTree.from(before)
    if (tree.length !== from) return undefined
    for (const block of blocks) tree.append(block)
    return feedHeadHolds(feed, treeWith(tree, rest), head) ? tree : undefined
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** The tree hash of a prefix that its own signed head covers; nothing, if it does not hold. */
export function signedPrefixHash(feed: FeedSpec, { length, roots, head, rest }: SignedPrefix): Uint8Array | undefined {
  const tree = signedBlocksHold(feed, roots, { from: length, blocks: [], head, rest })
  return tree?.hash()
}

/** A tree with what stands behind it; the tree itself stays as it is. */
function treeWith(tree: FeedTree, rest: readonly FeedSubtree[]): FeedTree {
  if (rest.length === 0) return tree
  const whole = FeedTree.from(tree.roots)
  for (const subtree of rest) whole.appendSubtree(subtree)
  return whole
}

/** What a signer of a feed signs: key, tree and length; the last is the fork, which is always 0. */
export function feedHeadMessage(feed: FeedSpec, tree: FeedTree): Uint8Array {
  return concatBytes(NAMESPACES.tree, feedKey(feed), tree.hash(), uint64(tree.length), uint64(0))
}

const [LEAF, PARENT, ROOTS] = [new Uint8Array([0]), new Uint8Array([1]), new Uint8Array([2])]

/** Hypercore tells by these what a key signs or a hash is of. */
const NAMESPACES = { tree: namespace(0), manifest: namespace(3), signer: namespace(4) }

function namespace(number: number): Uint8Array {
  return hash256(hash256(toUtf8('hypercore')), new Uint8Array([number]))
}

function hash256(...parts: readonly Uint8Array[]): Uint8Array {
  return blake2b(concatBytes(...parts), { dkLen: 32 })
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true)
  return bytes
}
