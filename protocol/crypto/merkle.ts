import { concatBytes, toUtf8 } from '../codec/bytes.ts'
import { sha256, sha256Each } from './crypto.ts'

/**
 * A hash tree with up to four children a node: proofs are nearly as short as with two, for half of the hashing.
 *
 * 1. The root of no leaves is 32 zero bytes; the root of one leaf is that leaf.
 * 2. Level by level, each run of four nodes (the last run may be shorter) becomes
 *    sha256(0x01 ‖ node ‖ node …); a run of one is carried up unchanged.
 * 3. Leaves are hashes already, made by `leafHash`, so no leaf can pose as a node.
 * 4. The number of leaves is signed beside the root by whoever signs it.
 */
export const MERKLE_ARITY = 4

const HASH_BYTES = 32
const NODE_BYTES = MERKLE_ARITY * HASH_BYTES

/** The root of no leaves. */
export const EMPTY_ROOT: Uint8Array = new Uint8Array(32)

const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

/** sha256(0x00 ‖ bytes). */
export function leafHash(bytes: Uint8Array): Uint8Array {
  return prefixedHash(LEAF, bytes)
}

/** The leaves, one behind the other, of bytes [bounds[2 n], bounds[2 n + 1]). */
export function leafHashes(bytes: Uint8Array, bounds: readonly number[]): Uint8Array {
  return sha256Each(LEAF, bytes, bounds)
}

/** sha256(0x01 ‖ children), up to four; or the child itself if there is only one. */
export function nodeHash(children: readonly Uint8Array[]): Uint8Array {
  const [first] = children
  if (children.length === 1 && first !== undefined) return first
  let offset = 1
  for (const child of children) {
    node.set(child, offset)
    offset += HASH_BYTES
  }
  return sha256(node.subarray(0, offset))
}

/** A node is put together here: making room for it anew costs more than its hash. */
const node = new Uint8Array(1 + NODE_BYTES)
node[0] = 1

/** All levels of a tree from the leaves up to the root, each with its hashes one behind the other. */
export type MerkleLevels = readonly Uint8Array[]

/** The tree over leaves that lie one behind the other. */
export function merkleLevels(leaves: Uint8Array): MerkleLevels {
  const levels = [leaves]
  for (let level = leaves; level.length > HASH_BYTES; levels.push(level)) level = levelAbove(level)
  return levels
}

function levelAbove(level: Uint8Array): Uint8Array {
  const bounds: number[] = []
  const whole = level.length - (level.length % NODE_BYTES)
  for (let start = 0; start < whole; start += NODE_BYTES) bounds.push(start, start + NODE_BYTES)
  const isCarried = level.length - whole === HASH_BYTES
  if (whole < level.length && !isCarried) bounds.push(whole, level.length)
  const nodes = sha256Each(NODE, level, bounds)
  return isCarried ? concatBytes(nodes, level.subarray(whole)) : nodes
}

/** The root over leaves that lie one behind the other. */
export function rootOfLeaves(leaves: Uint8Array): Uint8Array {
  return leaves.length === 0 ? EMPTY_ROOT : (merkleLevels(leaves).at(-1) ?? EMPTY_ROOT)
}

/** The root over `leaves`, each 32 bytes. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  return rootOfLeaves(concatBytes(...leaves))
}

/** For each level from the leaves up, the other children of the node on the way, in order. */
export type MerklePath = readonly (readonly Uint8Array[])[]

/** The path that proves leaf `index` of a tree. */
export function pathIn(levels: MerkleLevels, index: number): MerklePath {
  let position = index
  return levels.slice(0, -1).map(level => {
    const start = position - (position % MERKLE_ARITY)
    const end = Math.min(start + MERKLE_ARITY, level.length / HASH_BYTES)
    const siblings: Uint8Array[] = []
    for (let at = start; at < end; at++) {
      if (at !== position) siblings.push(level.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES))
    }
    position = Math.floor(position / MERKLE_ARITY)
    return siblings
  })
}

/** The path that proves leaf `index` of `leaves`. */
export function merklePath(leaves: readonly Uint8Array[], index: number): MerklePath {
  return pathIn(merkleLevels(concatBytes(...leaves)), index)
}

/** The root that `path` leads to from `leaf` at `index` of `count`, or nothing if the path has another shape. */
export function rootFromPath(leaf: Uint8Array, index: number, count: number, path: MerklePath): Uint8Array | undefined {
  if (index < 0 || index >= count) return undefined
  let [node, position, width, level] = [leaf, index, count, 0]
  while (width > 1) {
    const start = position - (position % MERKLE_ARITY)
    const siblings = path[level]
    if (siblings === undefined || siblings.length !== Math.min(MERKLE_ARITY, width - start) - 1) return undefined
    if (siblings.some(sibling => sibling.length !== 32)) return undefined
    node = nodeHash([...siblings.slice(0, position - start), node, ...siblings.slice(position - start)])
    position = Math.floor(position / MERKLE_ARITY)
    width = Math.ceil(width / MERKLE_ARITY)
    level += 1
  }
  return level === path.length ? node : undefined
}

/** A domain-separated hash: sha256(utf8(domain) ‖ 0x00 ‖ bytes). */
export function domainHash(domain: string, bytes: Uint8Array): Uint8Array {
  return prefixedHash(domainPrefix(domain), bytes)
}

/** What stands before the bytes of a domain-separated hash. */
export function domainPrefix(domain: string): Uint8Array {
  const known = prefixes.get(domain)
  if (known !== undefined) return known
  const prefix = toUtf8(`${domain}\0`)
  prefixes.set(domain, prefix)
  return prefix
}

/** The domains of the protocol: a dozen. */
const prefixes = new Map<string, Uint8Array>()

function prefixedHash(prefix: Uint8Array, bytes: Uint8Array): Uint8Array {
  return sha256Each(prefix, bytes, [0, bytes.length])
}
