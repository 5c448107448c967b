import { domainPrefix, EMPTY_ROOT, sha256, sha256Each } from '../../protocol/index.ts'

/**
 * A commitment to a set of cells that does not depend on the order in which they came.
 *
 * 1. A cell sits at the path spelled by the sixteen-valued digits of sha256(key).
 * 2. Its leaf is leafHash(sha256(key) ‖ sha256(value)).
 * 3. A subtree with one cell is that cell's leaf, whatever its depth; with more it is a branch:
 *    sha256("atoll/branch/1" ‖ 0 ‖ 16-bit map of children, little-endian ‖ their hashes in order).
 * 4. The root of no cells is 32 zero bytes.
 *
 * Hashes are made when the root is asked for, only along paths that changed.
 */
interface Leaf {
  readonly keyHash: Uint8Array
  readonly hash: Uint8Array
}

interface Branch {
  readonly children: (Leaf | Branch | undefined)[]
  hash: Uint8Array | undefined
}

type Tree = Leaf | Branch | undefined

export class CellTree {
  #root: Tree = undefined

  /** Puts a cell, or takes it away if `value` is undefined. */
  put(key: Uint8Array, value: Uint8Array | undefined): void {
    this.putAt(sha256(key), value)
  }

  /** The same for a cell of whose key the hash is known. */
  putAt(keyHash: Uint8Array, value: Uint8Array | undefined): void {
    const leaf = value === undefined ? undefined : { keyHash, hash: leafOf(keyHash, value) }
    this.#root = place(this.#root, keyHash, leaf, 0)
  }

  root(): Uint8Array {
    return hashOf(this.#root)
  }
}

/** A leaf is put together here, and a branch below: making room for it anew costs as much as a hash. */
const pair = new Uint8Array(65)

function leafOf(keyHash: Uint8Array, value: Uint8Array): Uint8Array {
  const valueHash = hashOfValue(value)
  for (let at = 0; at < 32; at++) {
    pair[1 + at] = keyHash[at] ?? 0
    pair[33 + at] = valueHash[at] ?? 0
  }
  return sha256(pair)
}

/** Counts are short, and recur: these are hashed once. */
const SHORT_MAX_BYTES = 3
const SHORT_KEPT_MAX = 4096
const shortHashes = new Map<number, Uint8Array>()

function hashOfValue(value: Uint8Array): Uint8Array {
  const { length } = value
  if (length > SHORT_MAX_BYTES) return sha256(value)
  const spelled = (length << 24) | ((value[0] ?? 0) << 16) | ((value[1] ?? 0) << 8) | (value[2] ?? 0)
  const known = shortHashes.get(spelled)
  if (known !== undefined) return known
  const hash = sha256(value)
  if (shortHashes.size >= SHORT_KEPT_MAX) shortHashes.clear()
  shortHashes.set(spelled, hash)
  return hash
}

function place(tree: Tree, keyHash: Uint8Array, leaf: Leaf | undefined, depth: number): Tree {
  if (tree === undefined) return leaf
  if (!('children' in tree)) {
    if (sameKey(tree.keyHash, keyHash)) return leaf
    return leaf === undefined ? tree : split(tree, leaf, depth)
  }
  const digit = digitAt(keyHash, depth)
  tree.children[digit] = place(tree.children[digit], keyHash, leaf, depth + 1)
  tree.hash = undefined
  return leaf === undefined ? collapse(tree) : tree
}

function split(one: Leaf, other: Leaf, depth: number): Branch {
  const children: (Leaf | Branch | undefined)[] = new Array(16).fill(undefined)
  const [a, b] = [digitAt(one.keyHash, depth), digitAt(other.keyHash, depth)]
  if (a === b) children[a] = split(one, other, depth + 1)
  else {
    children[a] = one
    children[b] = other
  }
  return { children, hash: undefined }
}

/** A branch with a single leaf below it is that leaf. */
function collapse(branch: Branch): Tree {
  const held = branch.children.filter(child => child !== undefined)
  const [only] = held
  if (only === undefined) return undefined
  return held.length === 1 && !('children' in only) ? only : branch
}

function hashOf(tree: Tree): Uint8Array {
  if (tree === undefined) return EMPTY_ROOT
  if (!('children' in tree)) return tree.hash
  if (tree.hash !== undefined) return tree.hash
  for (const child of tree.children) hashOf(child)
  let map = 0
  let end = BRANCH_HEAD.length + 2
  for (let digit = 0; digit < 16; digit++) {
    const child = tree.children[digit]
    if (child === undefined) continue
    map |= 1 << digit
    const hash = hashOf(child)
    for (let at = 0; at < 32; at++) branch[end + at] = hash[at] ?? 0
    end += 32
  }
  branch[BRANCH_HEAD.length] = map & 0xff
  branch[BRANCH_HEAD.length + 1] = map >> 8
  tree.hash = sha256Each(NO_PREFIX, branch, [0, end])
  return tree.hash
}

const NO_PREFIX = new Uint8Array(0)
const BRANCH_HEAD = domainPrefix('atoll/branch/1')
const branch = new Uint8Array(BRANCH_HEAD.length + 2 + 16 * 32)
branch.set(BRANCH_HEAD)

function digitAt(keyHash: Uint8Array, depth: number): number {
  const byte = keyHash[depth >> 1] ?? 0
  return depth % 2 === 0 ? byte >> 4 : byte & 15
}

function sameKey(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < 32; i++) if (a[i] !== b[i]) return false
  return true
}
