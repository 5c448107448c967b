import { concatBytes } from './bytes.ts'
import { sha256 } from './crypto.ts'

/**
 * A hash tree with up to sixteen children a node: shallow, because a call of the hash costs more than its bytes.
 *
 * 1. The root of no leaves is 32 zero bytes; the root of one leaf is that leaf.
 * 2. Level by level, each run of sixteen nodes (the last run may be shorter) becomes
 *    sha256(0x01 ‖ node ‖ node …); a run of one is carried up unchanged.
 * 3. Leaves are hashes already, made by `leafHash`, so no leaf can pose as a node.
 * 4. The number of leaves is signed beside the root by whoever signs it.
 */
export const MERKLE_ARITY = 16

/** The root of no leaves. */
export const EMPTY_ROOT: Uint8Array = new Uint8Array(32)

/** sha256(0x00 ‖ bytes). */
export function leafHash(bytes: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(bytes.length + 1)
  prefixed.set(bytes, 1)
  return sha256(prefixed)
}

/** sha256(0x01 ‖ children), or the child itself if there is only one. */
export function nodeHash(children: readonly Uint8Array[]): Uint8Array {
  const [first] = children
  if (children.length === 1 && first !== undefined) return first
  const bytes = new Uint8Array(1 + children.length * 32)
  bytes[0] = 1
  let offset = 1
  for (const child of children) {
    bytes.set(child, offset)
    offset += 32
  }
  return sha256(bytes)
}

/** The root over `leaves`, each 32 bytes. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let level = leaves
  while (level.length > 1) level = nextLevel(level)
  return level[0] ?? EMPTY_ROOT
}

/** For each level from the leaves up, the other children of the node on the way, in order. */
export type MerklePath = readonly (readonly Uint8Array[])[]

/** The path that proves leaf `index` of `leaves`. */
export function merklePath(leaves: readonly Uint8Array[], index: number): MerklePath {
  const path: Uint8Array[][] = []
  let level = leaves
  let position = index
  while (level.length > 1) {
    const start = position - (position % MERKLE_ARITY)
    const siblings = level.slice(start, start + MERKLE_ARITY)
    siblings.splice(position - start, 1)
    path.push(siblings)
    level = nextLevel(level)
    position = Math.floor(position / MERKLE_ARITY)
  }
  return path
}

/** The root that `path` leads to from `leaf` at `index` of `count`, or nothing if the path has another shape. */
export function rootFromPath(
  leaf: Uint8Array,
  index: number,
  count: number,
  path: MerklePath,
): Uint8Array | undefined {
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

function nextLevel(level: readonly Uint8Array[]): Uint8Array[] {
  const up: Uint8Array[] = []
  for (let start = 0; start < level.length; start += MERKLE_ARITY) {
    up.push(nodeHash(level.slice(start, start + MERKLE_ARITY)))
  }
  return up
}

/** A domain-separated hash: sha256(utf8(domain) ‖ 0x00 ‖ bytes). */
export function domainHash(domain: string, bytes: Uint8Array): Uint8Array {
  let prefix = prefixes.get(domain)
  if (prefix === undefined) prefixes.set(domain, (prefix = new TextEncoder().encode(`${domain}\0`)))
  return sha256(concatBytes(prefix, bytes))
}

/** Domains as bytes; there are a handful. */
const prefixes = new Map<string, Uint8Array>()
