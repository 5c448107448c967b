/**
 * Two heads that the schedulers of a process signed and that contradict each other: they have two feeds of one key. Whoever
 * knows the process can check it, and nobody who is honest can be accused by it.
 *
 * `[1, 0, bytes process, uint epoch, uint length, trees, head, head]`, trees being `[bytes hash, bytes hash]`, or the whole
 * subtrees of both as `[nodes they share, nodes of one, nodes of the other]`; a head is `[uint length, bytes signature, nodes]`,
 * and nodes are `[uint size, bytes hash, …]`
 *
 * 1. Both are about the first `length` blocks of the feed. Their hashes are enough where both heads are of that very length;
 *    else subtrees stand for them, left to right, and with each head those from there to its end.
 * 2. How many blocks a subtree has follows from the lengths: the largest power of two that fits and begins there.
 * 3. The two trees differ, and as many schedulers as the process asks for signed each head.
 */
import { equalBytes, MalformedBytes } from '../codec/bytes.ts'
import { CborMajor, CborReader, CborWriter } from '../codec/cbor.ts'
import { feedHeadHolds, FeedTree, parentHash } from '../feeds/feed-head.ts'
import { feedOfEpoch } from '../epochs/epoch-policy.ts'
import { asProcessId, type ProcessId } from '../ids.ts'
import type { FeedConflict, FeedHead, FeedSpec, FeedSubtree, SignedPrefix } from '../ports.ts'
import type { ProcessDescription } from '../process/process.ts'
import { readHash, readId, readSmall } from '../process/push.ts'
import { signedPrefixHash } from '../feeds/signed-blocks.ts'

export interface EquivocationProof {
  readonly process: ProcessId
  readonly epoch: number
  /** Of both trees. They may have been one up to any block before it. */
  readonly length: number
  readonly sides: readonly [EquivocationSide, EquivocationSide]
}

/** One of two trees of the same length, and a head that covers it. */
export interface EquivocationSide {
  /** The hash of the tree, or its whole subtrees; both sides have the same. */
  readonly tree: Uint8Array | readonly FeedSubtree[]
  readonly head: FeedHead
  readonly rest: readonly FeedSubtree[]
}

/** The proof in what a log found; hashes stand for trees where they can. */
export function equivocationOf({ feed, held, seen }: FeedConflict): EquivocationProof {
  const { length } = held
  const asHash = held.head.length === length && seen.head.length === length
  const side = ({ roots, head, rest }: SignedPrefix): EquivocationSide => {
    const tree = asHash ? FeedTree.from(roots).hash() : roots
    return { tree, head, rest: joined(rest, length, head.length) }
  }
  return { process: feed.process, epoch: feed.epoch, length, sides: [side(held), side(seen)] }
}

/** Why the proof shows nothing; or nothing, if it holds. `process` is proven by its own spawn message. */
export function refuteEquivocation(proof: EquivocationProof, process: ProcessDescription): string | undefined {
  if (proof.process !== process.id) return 'it is about another process'
  const feed = feedOfEpoch(process, proof.epoch)
  if (feed === undefined) return 'it is of an epoch that is not known here'
  const [first, second] = proof.sides.map(side => signedTree(feed, proof.length, side))
  if (first === undefined || second === undefined) return 'a head is not signed by the schedulers of the process'
  return equalBytes(first, second) ? 'both heads are of one feed' : undefined
}

/** The hash of the tree of a side, if its head holds. */
function signedTree(feed: FeedSpec, length: number, { tree, head, rest }: EquivocationSide): Uint8Array | undefined {
  if (!(tree instanceof Uint8Array)) return signedPrefixHash(feed, { length, roots: tree, head, rest })
  const isSigned = rest.length === 0 && feedHeadHolds(feed, { length, hash: () => tree }, head)
  return isSigned ? tree : undefined
}

export function encodeEquivocation({ process, epoch, length, sides }: EquivocationProof): Uint8Array {
  const writer = new CborWriter()
  writer.array(8)
  writer.uint(1)
  writer.uint(0)
  writer.base64Url(process)
  writer.uint(epoch)
  writer.uint(length)
  writeTrees(writer, sides)
  for (const { head, rest } of sides) {
    writer.array(3)
    writer.uint(head.length)
    writer.bytes(head.signature)
    writeNodes(writer, rest)
  }
  return writer.finish()
}

function writeTrees(writer: CborWriter, [{ tree: one }, { tree: other }]: EquivocationProof['sides']): void {
  if (one instanceof Uint8Array || other instanceof Uint8Array) {
    writer.array(2)
    for (const tree of [one, other]) writer.bytes(tree instanceof Uint8Array ? tree : FeedTree.from(tree).hash())
    return
  }
  const differs = one.findIndex((root, at) => !sameNode(root, other[at]))
  const shared = differs < 0 ? one.length : differs
  writer.array(3)
  writeNodes(writer, one.slice(0, shared))
  writeNodes(writer, one.slice(shared))
  writeNodes(writer, other.slice(shared))
}

function sameNode(a: FeedSubtree, b: FeedSubtree | undefined): boolean {
  return b !== undefined && a.sizeBytes === b.sizeBytes && equalBytes(a.hash, b.hash)
}

function writeNodes(writer: CborWriter, nodes: readonly FeedSubtree[]): void {
  writer.array(2 * nodes.length)
  for (const { sizeBytes, hash } of nodes) {
    writer.uint(sizeBytes)
    writer.bytes(hash)
  }
}

/** @throws {MalformedBytes} */
export function decodeEquivocation(bytes: Uint8Array): EquivocationProof {
  const reader = new CborReader(bytes)
  if (reader.array() !== 8) throw new MalformedBytes('equivocation: expected 8 fields', 0)
  if (reader.uint() !== 1 || reader.uint() !== 0)
    throw new MalformedBytes('equivocation: unknown version', reader.offset)
  const process = asProcessId(readId(reader))
  const [epoch, length] = [readSmall(reader), readSmall(reader)]
  if (length < 1) throw new MalformedBytes('equivocation: an empty feed is no other', reader.offset)
  const trees = readTrees(reader, length)
  const sides = [readSide(reader, length, trees[0]), readSide(reader, length, trees[1])] as const
  reader.end()
  return { process, epoch, length, sides }
}

type Trees = readonly [EquivocationSide['tree'], EquivocationSide['tree']]

function readTrees(reader: CborReader, length: number): Trees {
  const parts = reader.array()
  if (parts === 2 && reader.peek() === CborMajor.bytes) return [readHash(reader), readHash(reader)]
  if (parts !== 3) throw new MalformedBytes('equivocation: expected two trees', reader.offset)
  const leaves = leavesBetween(0, length)
  const shared = readNodes(reader, leaves.slice(0, -1))
  const own = leaves.slice(shared.length)
  const [one, other] = [readNodes(reader, own), readNodes(reader, own)]
  const [first] = one
  if (one.length < own.length || other.length < own.length || (first !== undefined && sameNode(first, other[0]))) {
    throw new MalformedBytes('equivocation: not two trees', reader.offset)
  }
  return [
    [...shared, ...one],
    [...shared, ...other],
  ]
}

function readSide(reader: CborReader, length: number, tree: EquivocationSide['tree']): EquivocationSide {
  if (reader.array() !== 3) throw new MalformedBytes('equivocation: expected 3 fields of a head', reader.offset)
  const head = { length: readSmall(reader), signature: reader.bytes() }
  if (head.length < length) throw new MalformedBytes('equivocation: the head is too short', reader.offset)
  const leaves = leavesBetween(length, head.length)
  const rest = readNodes(reader, leaves)
  if (rest.length < leaves.length) throw new MalformedBytes('equivocation: nodes are missing', reader.offset)
  return { tree, head, rest }
}

/** As many nodes as there are; they have these numbers of blocks. */
function readNodes(reader: CborReader, leaves: readonly number[]): FeedSubtree[] {
  const parts = reader.array()
  if (parts % 2 !== 0 || parts > 2 * leaves.length)
    throw new MalformedBytes('equivocation: too many nodes', reader.offset)
  return leaves
    .slice(0, parts / 2)
    .map(count => ({ leaves: count, sizeBytes: readSmall(reader), hash: readHash(reader) }))
}

/** Numbers of blocks of the subtrees that cover blocks [from, to). */
function leavesBetween(from: number, to: number): number[] {
  const all: number[] = []
  for (let at = from; at < to; ) {
    let leaves = 1
    while (at % (2 * leaves) === 0 && at + 2 * leaves <= to) leaves *= 2
    all.push(leaves)
    at += leaves
  }
  return all
}

/** The same blocks in as few subtrees as can be. */
function joined(subtrees: readonly FeedSubtree[], from: number, to: number): FeedSubtree[] {
  let next = 0
  const take = (leaves: number): FeedSubtree => {
    const given = subtrees[next]
    if (given === undefined || given.leaves > leaves) throw new MalformedBytes('equivocation: subtrees do not fit', 0)
    if (given.leaves === leaves) {
      next += 1
      return given
    }
    const [left, right] = [take(leaves / 2), take(leaves / 2)]
    const hash = parentHash({ size: left.sizeBytes, hash: left.hash }, { size: right.sizeBytes, hash: right.hash })
    return { leaves, sizeBytes: left.sizeBytes + right.sizeBytes, hash }
  }
  return leavesBetween(from, to).map(take)
}
