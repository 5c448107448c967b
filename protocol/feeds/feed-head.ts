import { concatBytes, equalBytes, fromBase64Url, MalformedBytes, toUtf8 } from '../codec/bytes.ts'
import { encodeCbor } from '../codec/cbor.ts'
import { blake2b256, ed25519Verify } from '../crypto/crypto.ts'
import { FRAME_SIZE_BYTES } from '../limits/limits.ts'
import { decodeMultiSignature, type SignerProof } from '../crypto/multi-signature.ts'
import type { FeedHead, FeedSpec, FeedSubtree } from '../ports.ts'

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
    this.#push(1, block.length, blockHash(block))
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

  #push(leaves: number, bytes: number, hash: Uint8Array): void {
    let node: TreeRoot = { index: 2 * this.#length + leaves - 1, size: bytes, leaves, hash }
    for (let left = this.#roots.at(-1); left?.leaves === node.leaves; left = this.#roots.at(-1)) {
      this.#roots.pop()
      const size = left.size + node.size
      node = {
        index: (left.index + node.index) / 2,
        size,
        leaves: 2 * node.leaves,
        hash: parentHash(left, node),
      }
    }
    this.#roots.push(node)
    this.#length += leaves
  }

  hash(): Uint8Array {
    return treeHash(this.#roots)
  }

  /** The tree with blocks behind it; this one stays as it is. */
  with(blocks: readonly Uint8Array[]): FeedTree {
    const tree = new FeedTree()
    tree.#roots.push(...this.#roots)
    tree.#length = this.#length
    for (const block of blocks) tree.append(block)
    return tree
  }
}

interface TreeRoot extends TreeNode {
  readonly index: number
  readonly leaves: number
}

/** A node of a feed's tree; `size` is the bytes of all blocks below it. */
export interface TreeNode {
  readonly size: number
  readonly hash: Uint8Array
}

/** What a signature over a feed is about. */
export interface SignedTree {
  readonly length: number
  hash(): Uint8Array
}

/** The leaf of a block. */
export function blockHash(block: Uint8Array): Uint8Array {
  const end = LEAF_HEAD_BYTES + block.length
  if (end > leaf.length) return hash256(LEAF, uint64(block.length), block)
  leafView.setUint32(LEAF.length, block.length, true)
  leaf.set(block, LEAF_HEAD_BYTES)
  return blake2b256(leaf.subarray(0, end))
}

export function parentHash(left: TreeNode, right: TreeNode): Uint8Array {
  const size = left.size + right.size
  parentView.setUint32(1, size >>> 0, true)
  parentView.setUint32(5, Math.floor(size / 0x100000000), true)
  parent.set(left.hash, LEAF_HEAD_BYTES)
  parent.set(right.hash, LEAF_HEAD_BYTES + HASH_BYTES)
  return blake2b256(parent)
}

/** The hash of whole subtrees side by side, largest first; `index` is the place of each in flat order. */
export function treeHash(roots: readonly (TreeNode & { readonly index: number })[]): Uint8Array {
  return hash256(ROOTS, ...roots.flatMap(({ hash, index, size }) => [hash, uint64(index), uint64(size)]))
}

/** The key of a feed, 32 bytes: the hash of its manifest. For up to 252 signers. */
export function feedKey({ kind, process, epoch, signers, quorum, prologue }: FeedSpec): Uint8Array {
  const userData = encodeCbor([kind, fromBase64Url(process), epoch])
  const keys = signers.map(key => concatBytes(new Uint8Array([0]), namespace(SIGNER), fromBase64Url(key)))
  const flags = prologue === undefined ? 8 : 8 + 2
  const begin = prologue === undefined ? [] : [prologue.hash, compactUint(prologue.length)]
  const manifest = [
    new Uint8Array([2, flags, 0, quorum, keys.length]),
    ...keys,
    ...begin,
    new Uint8Array([userData.length]),
    userData,
  ]
  return hash256(namespace(MANIFEST), ...manifest)
}

/** As Hypercore writes numbers: one byte, or a mark and 2, 4 or 8 bytes, least significant first. */
function compactUint(value: number): Uint8Array {
  if (value <= 0xfc) return new Uint8Array([value])
  const size = value <= 0xffff ? 2 : value <= 0xffffffff ? 4 : 8
  return concatBytes(new Uint8Array([size === 2 ? 0xfd : size === 4 ? 0xfe : 0xff]), uint64(value).subarray(0, size))
}

/**
 * Whether the signers of a feed signed exactly the blocks in `tree`: its one signer, or as many of several as its quorum
 * asks for, each once. The blocks of a prologue are proven by the feed's key alone, and nothing else is shorter.
 */
export function feedHeadHolds(feed: FeedSpec, tree: SignedTree, { length, signature }: FeedHead): boolean {
  if (tree.length !== length) return false
  const { prologue } = feed
  if (prologue !== undefined && length <= prologue.length) {
    return length === prologue.length && signature.length === 0 && equalBytes(tree.hash(), prologue.hash)
  }
  const proofs = proofsOf(feed, signature)
  if (proofs.length < 1 || proofs.length !== feed.quorum) return false
  const message = feedHeadMessage(feed, tree)
  return proofs.every(proof => signerHolds(feed, message, proof))
}

/** Whether one signer of a feed signed `message`, a head of it. */
export function signerHolds({ signers }: FeedSpec, message: Uint8Array, { signer, signature }: SignerProof): boolean {
  const key = signers[signer]
  return key !== undefined && ed25519Verify(fromBase64Url(key), message, signature)
}

/** The signatures in a head; none if they have not the form that the feed asks for. */
function proofsOf({ signers }: FeedSpec, signature: Uint8Array): readonly SignerProof[] {
  if (signers.length === 1) return [{ signer: 0, signature }]
  try {
    return decodeMultiSignature(signature)
  } catch (error) {
    if (error instanceof MalformedBytes) return []
    throw error
  }
}

/** What a signer of a feed signs: key, tree and length; the last is the fork, which is always 0. */
export function feedHeadMessage(feed: FeedSpec, tree: SignedTree): Uint8Array {
  return concatBytes(namespace(TREE), feedKey(feed), tree.hash(), uint64(tree.length), uint64(0))
}

const [LEAF, ROOTS] = [new Uint8Array([0]), new Uint8Array([2])]
const PARENT = 1
const HASH_BYTES = 32

/** Leaves of up to a full frame are put together here: making room for one costs as much as its hash. Of the length only the low half is ever set. */
const LEAF_HEAD_BYTES = LEAF.length + 8
/** Version, first slot and count come on top of what a frame is cut by. */
const FRAME_HEAD_MAX_BYTES = 16
const leaf = new Uint8Array(LEAF_HEAD_BYTES + FRAME_SIZE_BYTES + FRAME_HEAD_MAX_BYTES)
const leafView = new DataView(leaf.buffer)
/** And parents here. */
const parent = new Uint8Array(new ArrayBuffer(LEAF_HEAD_BYTES + 2 * HASH_BYTES))
parent[0] = PARENT
const parentView = new DataView(parent.buffer)

/** Hypercore tells by these what a key signs or a hash is of. */
const [TREE, MANIFEST, SIGNER] = [0, 3, 4] as const
const namespaces: Uint8Array[] = []

/** Made when it is needed: a program that starts has no fast hashes yet. */
function namespace(number: number): Uint8Array {
  return (namespaces[number] ??= hash256(hash256(toUtf8('hypercore')), new Uint8Array([number])))
}

function hash256(...parts: readonly Uint8Array[]): Uint8Array {
  return blake2b256(concatBytes(...parts))
}

function uint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true)
  return bytes
}
