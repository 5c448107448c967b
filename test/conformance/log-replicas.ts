import { expect, test } from 'vitest'
import {
  ed25519Sign,
  Failure,
  feedHeadHolds,
  feedHeadMessage,
  type FeedSpec,
  type FeedSubtree,
  FeedTree,
  type Log,
  type PieceBounds,
  type SignedBlocks,
  signedBlocksHold,
  signedPrefixHash,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { seedOf } from '../fakes/signed-items.ts'
import { blockOf, collect, messagesOf } from './log.ts'

/** Of whoever signs `foreign` feeds. */
export const OTHER_SEED = seedOf(71)
const bytes = (most: number): PieceBounds => ({ bytes: most, blocks: 1_000 })

/** A feed that somebody else signs. */
export function foreign(name: string, kind: FeedSpec['kind'] = 'messages'): FeedSpec {
  return { ...messagesOf(name), kind, signers: [keyOf(71)] }
}

export function bytesOf(feed: FeedSpec, count: number, text = ''): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => blockOf(feed, index, text).bytes)
}

export function treeOf(blocks: readonly Uint8Array[]): FeedTree {
  const tree = new FeedTree()
  for (const block of blocks) tree.append(block)
  return tree
}

/** Blocks [from, to) of `all`, under a head by `seed` over all of them. */
export function pieceOf(
  feed: FeedSpec,
  all: readonly Uint8Array[],
  from: number,
  to = all.length,
  seed = OTHER_SEED,
): SignedBlocks {
  const signature = ed25519Sign(seed, feedHeadMessage(feed, treeOf(all)))
  const rest = all.slice(to).flatMap(block => treeOf([block]).roots)
  return { from, blocks: all.slice(from, to), head: { length: all.length, signature }, rest }
}

/** What every log does with feeds of others. `open` gives an empty one. */
export function replicaConformance(open: () => Promise<Log>): void {
  test('blocks under a head of their signer are taken over, read like others, and told of', async () => {
    await using log = await open()
    const feed = foreign('a')
    const all = bytesOf(feed, 9)
    const told: number[] = []
    using _watch = log.watch(({ length }) => told.push(length))
    expect(await log.take(feed, pieceOf(feed, all.slice(0, 4), 0))).toEqual({ status: 'taken', length: 4 })
    expect(await log.take(feed, pieceOf(feed, all, 2))).toEqual({ status: 'taken', length: 9 })
    expect(await log.take(feed, pieceOf(feed, all.slice(0, 7), 3))).toEqual({ status: 'taken', length: 9 })
    expect(await log.length(feed)).toBe(9)
    expect(await collect(log.blocks(feed, 0))).toEqual(all)
    expect(told.at(-1)).toBe(9)
    const head = await log.head(feed)
    expect(head && feedHeadHolds(feed, treeOf(all), head)).toBe(true)
  })

  test('a part of what a head covers is taken over with the hashes of the rest, and handed on', async () => {
    await using log = await open()
    const feed = foreign('a', 'results')
    const all = bytesOf(feed, 21)
    for (const [from, to] of [
      [0, 3],
      [3, 4],
      [4, 11],
    ] as const)
      expect(await log.take(feed, pieceOf(feed, all, from, to))).toEqual({ status: 'taken', length: to })
    expect(await log.head(feed)).toBeUndefined()
    for (const from of [0, 5, 10]) {
      const piece = await log.signed(feed, from, bytes(1))
      expect(piece?.blocks).toEqual(all.slice(from, from + 1))
      expect(piece && signedBlocksHold(feed, treeOf(all.slice(0, from)).roots, piece)).toBeDefined()
    }
    const prefix = await log.prefix(feed, 7)
    expect(prefix && signedPrefixHash(feed, prefix)).toEqual(treeOf(all.slice(0, 7)).hash())
    expect(await log.prefix(feed, 12)).toBeUndefined()
    expect(await log.signed(feed, 11, bytes(100))).toBeUndefined()
    expect(await log.take(feed, pieceOf(feed, all, 11))).toEqual({ status: 'taken', length: 21 })
    expect((await log.head(feed))?.length).toBe(21)
  })

  test('what its head does not prove is not taken', async () => {
    await using log = await open()
    const feed = foreign('a')
    const all = bytesOf(feed, 8)
    await log.take(feed, pieceOf(feed, all.slice(0, 3), 0))
    const good = pieceOf(feed, all, 3)
    const part = pieceOf(feed, all, 3, 6)
    const flipped = good.blocks.map((block, at) => (at === 2 ? block.map(byte => byte ^ 1) : block))
    const [first, ...others] = part.rest as [FeedSubtree, ...FeedSubtree[]]
    const wrong: [string, SignedBlocks][] = [
      ['a flipped bit', { ...good, blocks: flipped }],
      ['fewer blocks', { ...good, blocks: good.blocks.slice(0, -1) }],
      ['swapped blocks', { ...good, blocks: [...good.blocks].reverse() }],
      ['another length', { ...good, head: { ...good.head, length: 9 } }],
      ['another signer', pieceOf(feed, all, 3, 8, seedOf(9))],
      ['a head of another feed', { ...good, head: pieceOf(foreign('b'), all, 3).head }],
      ['a cut signature', { ...good, head: { ...good.head, signature: good.head.signature.slice(1) } }],
      [
        'a hash of the rest that is wrong',
        { ...part, rest: [{ ...first, hash: first.hash.map(byte => byte ^ 1) }, ...others] },
      ],
      ['a subtree that does not begin there', { ...part, rest: [{ ...first, leaves: 4 }, ...others] }],
      ['a rest that is missing', { ...part, rest: [] }],
    ]
    for (const [what, piece] of wrong) {
      expect(await log.take(feed, piece), what).toEqual({ status: 'unproven', length: 3 })
      expect(await log.length(feed), what).toBe(3)
    }
    expect(await log.take(feed, pieceOf(feed, all, 5))).toEqual({ status: 'gap', length: 3 })
    expect(await log.take(feed, good)).toEqual({ status: 'taken', length: 8 })
  })

  test('two heads of one signer that contradict each other are shown, and nothing more is taken', async () => {
    for (const theirs of [3, 5, 9]) {
      await using log = await open()
      const feed = foreign('a')
      const [ours, other] = [bytesOf(feed, 6), bytesOf(feed, theirs, 'x')]
      const shared = [...ours.slice(0, 2), ...other.slice(2)]
      await log.take(feed, pieceOf(feed, ours, 0))
      const answer = await log.take(feed, pieceOf(feed, shared, 1))
      if (answer.status !== 'conflict') throw new TypeError(`expected a conflict, got ${answer.status}`)
      const { held, seen } = answer.conflict
      expect(held.length, 'the first block that differs is the last of both').toBe(3)
      expect(signedPrefixHash(feed, held)).toEqual(treeOf(ours.slice(0, held.length)).hash())
      expect(signedPrefixHash(feed, seen)).toEqual(treeOf(shared.slice(0, held.length)).hash())
      await expect(log.take(feed, pieceOf(feed, [...ours, ...other], 6))).rejects.toSatisfy(error =>
        Failure.is(error, 'feed-frozen'),
      )
      expect((await collect(log.blocks(feed, 0))).slice(0, 2)).toEqual(ours.slice(0, 2))
    }
  })

  test('a prefix that somebody shows is compared with what is held', async () => {
    await using log = await open()
    const feed = foreign('a')
    const [ours, other] = [bytesOf(feed, 6), bytesOf(feed, 8, 'x')]
    await log.take(feed, pieceOf(feed, ours, 0))
    const shown = (all: readonly Uint8Array[], length: number) => {
      const { head, rest } = pieceOf(feed, all, length, length)
      return { length, roots: treeOf(all.slice(0, length)).roots, head, rest }
    }
    expect(await log.compare(feed, shown([...ours, ...other], 4))).toBeUndefined()
    expect(await log.compare(feed, shown(other, 7))).toBeUndefined()
    const { head } = pieceOf(foreign('b'), other, 0)
    expect(await log.compare(feed, { ...shown(other, 4), head })).toBeUndefined()
    const conflict = await log.compare(feed, shown(other, 4))
    expect(conflict && signedPrefixHash(feed, conflict.seen)).toEqual(treeOf(other.slice(0, 4)).hash())
    expect(conflict && signedPrefixHash(feed, conflict.held)).toEqual(treeOf(ours.slice(0, 4)).hash())
  })

  test('blocks of a feed of its own are given with a head that covers them', async () => {
    await using log = await open()
    const feed = messagesOf('a')
    const blocks = Array.from({ length: 13 }, (_, index) => blockOf(feed, index))
    for (const block of blocks) await log.commit([block])
    const all = blocks.map(({ bytes }) => bytes)
    const whole = await log.signed(feed, 0, bytes(1_000_000))
    expect(whole?.blocks).toEqual(all)
    expect(whole && signedBlocksHold(feed, [], whole)).toBeDefined()
    const few = await log.signed(feed, 2, { bytes: 1_000_000, blocks: 3 })
    expect(few?.blocks).toEqual(all.slice(2, 5))
    expect(few && signedBlocksHold(feed, treeOf(all.slice(0, 2)).roots, few)).toBeDefined()
    const piece = await log.signed(feed, 5, bytes(200))
    expect(piece?.blocks.length).toBeLessThan(8)
    expect(piece && signedBlocksHold(feed, treeOf(all.slice(0, 5)).roots, piece)).toBeDefined()
    const prefix = await log.prefix(feed, 6)
    expect(prefix && signedPrefixHash(feed, prefix)).toEqual(treeOf(all.slice(0, 6)).hash())
    expect(await log.signed(feed, 13, bytes(1))).toBeUndefined()
    expect(await log.signed(messagesOf('none'), 0, bytes(1))).toBeUndefined()
  })
}
