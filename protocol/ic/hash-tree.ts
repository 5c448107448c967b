/**
 * The hash trees of the IC (IC interface specification, "Certificate").
 *
 * 1. A node is empty, a fork of two, a labelled tree, a leaf, or pruned: the hash of what stood there.
 * 2. Labels of one level increase from left to right; a tree in which they do not proves nothing.
 * 3. A look-up finds a value, or shows that there is none, or says that the tree hides it.
 */
import { compareBytes, concatBytes, MalformedBytes } from '../codec/bytes.ts'
import { sha256 } from '../crypto/crypto.ts'
import type { IcValue } from './ic-value.ts'
import { separator } from './separator.ts'

export type HashTree =
  | readonly [0]
  | readonly [1, HashTree, HashTree]
  | readonly [2, Uint8Array, HashTree]
  | readonly [3, Uint8Array]
  | readonly [4, Uint8Array]

export type LookUp = { readonly status: 'found'; readonly tree: HashTree } | { readonly status: 'absent' | 'unknown' }

/** Levels of forks and labels in one tree that is read: a balanced one of 2^64 entries has fewer. */
export const HASH_TREE_DEPTH_MAX = 256

const EMPTY_HASH = sha256(separator('ic-hashtree-empty'))
const FORK = separator('ic-hashtree-fork')
const LABELED = separator('ic-hashtree-labeled')
const LEAF = separator('ic-hashtree-leaf')

export function emptyHash(): Uint8Array {
  return EMPTY_HASH
}

export function forkHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(concatBytes(FORK, left, right))
}

export function labeledHash(label: Uint8Array, below: Uint8Array): Uint8Array {
  return sha256(concatBytes(LABELED, label, below))
}

export function leafValueHash(value: Uint8Array): Uint8Array {
  return sha256(concatBytes(LEAF, value))
}

export function hashTreeRoot(tree: HashTree): Uint8Array {
  switch (tree[0]) {
    case 0:
      return EMPTY_HASH
    case 1:
      return forkHash(hashTreeRoot(tree[1]), hashTreeRoot(tree[2]))
    case 2:
      return labeledHash(tree[1], hashTreeRoot(tree[2]))
    case 3:
      return leafValueHash(tree[1])
    case 4:
      return tree[1]
  }
}

/** Takes a decoded value for a tree, checking its form and the order of its labels. @throws {MalformedBytes} */
export function readHashTree(value: IcValue | undefined): HashTree {
  const tree = shapeOf(value)
  checkOrder(tree)
  return tree
}

function shapeOf(value: IcValue | undefined): HashTree {
  if (Array.isArray(value)) {
    const [kind, first, second] = value as readonly IcValue[]
    if (kind === 0 && value.length === 1) return [0]
    if (kind === 1 && value.length === 3) return [1, shapeOf(first), shapeOf(second)]
    if (kind === 2 && value.length === 3 && first instanceof Uint8Array) return [2, first, shapeOf(second)]
    if (kind === 3 && value.length === 2 && first instanceof Uint8Array) return [3, first]
    if (kind === 4 && value.length === 2 && first instanceof Uint8Array && first.length === 32) return [4, first]
  }
  throw new MalformedBytes('hash tree: not a node', 0)
}

/** Labels of one level, from left to right, and of the levels below. */
function checkOrder(tree: HashTree): void {
  let previous: Uint8Array | undefined
  const visit = (node: HashTree): void => {
    if (node[0] === 1) {
      visit(node[1])
      visit(node[2])
    } else if (node[0] === 2) {
      if (previous !== undefined && compareBytes(previous, node[1]) >= 0)
        throw new MalformedBytes('hash tree: labels out of order', 0)
      previous = node[1]
      checkOrder(node[2])
    } else if (node[0] === 3 && previous !== undefined) throw new MalformedBytes('hash tree: a leaf beside labels', 0)
  }
  visit(tree)
}

/** The node at a path. */
export function lookUpNode(tree: HashTree, path: readonly Uint8Array[]): LookUp {
  let at: HashTree = tree
  for (const label of path) {
    const found = findLabel(at, label)
    if (typeof found === 'string') return { status: found === 'unknown' ? 'unknown' : 'absent' }
    at = found
  }
  return { status: 'found', tree: at }
}

/** The value at a path, if it is there and a leaf. */
export function lookUpValue(tree: HashTree, path: readonly Uint8Array[]): Uint8Array | undefined {
  const found = lookUpNode(tree, path)
  return found.status === 'found' && found.tree[0] === 3 ? found.tree[1] : undefined
}

/** The labels of a level and what is below each, if all of them are shown. */
export function entriesOf(tree: HashTree): readonly (readonly [label: Uint8Array, tree: HashTree])[] {
  if (tree[0] === 1) return [...entriesOf(tree[1]), ...entriesOf(tree[2])]
  return tree[0] === 2 ? [[tree[1], tree[2]]] : []
}

/** `before`, `after`: the label would stand there. `none`: nothing stands here. */
function findLabel(tree: HashTree, label: Uint8Array): HashTree | 'before' | 'after' | 'absent' | 'unknown' | 'none' {
  switch (tree[0]) {
    case 1: {
      const left = findLabel(tree[1], label)
      if (left !== 'after' && left !== 'unknown' && left !== 'none') return left
      const right = findLabel(tree[2], label)
      if (right === 'none') return left
      if (right !== 'before' || left === 'none') return right
      return left === 'unknown' ? 'unknown' : 'absent'
    }
    case 2: {
      const order = compareBytes(label, tree[1])
      return order === 0 ? tree[2] : order < 0 ? 'before' : 'after'
    }
    case 4:
      return 'unknown'
    default:
      return 'none'
  }
}
