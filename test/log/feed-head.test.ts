import { describe, expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import {
  asKeyId,
  blake2b256,
  blockHash,
  concatBytes,
  ed25519PublicKey,
  Failure,
  type FeedHead,
  feedHeadHolds,
  feedKey,
  type FeedSpec,
  FeedTree,
  FRAME_SIZE_BYTES,
  keyId,
  toHex,
} from '../../protocol/index.ts'
import { seedOf } from '../fakes/signed-items.ts'
import { blockOf, collect, messagesOf, NODE_SEED, resultsOf } from '../conformance/log.ts'
import { tempFolder } from './temp-folder.ts'

function treeOf(blocks: readonly Uint8Array[]): FeedTree {
  const tree = new FeedTree()
  for (const block of blocks) tree.append(block)
  return tree
}

async function signed(log: HypercoreLog, feed: FeedSpec): Promise<{ head: FeedHead; blocks: Uint8Array[] }> {
  const head = await log.head(feed)
  if (head === undefined) throw new TypeError('expected a head')
  return { head, blocks: await collect(log.blocks(feed, 0)) }
}

// The longest first: the others are hashed where it stood.
test.each([3 * FRAME_SIZE_BYTES, FRAME_SIZE_BYTES + 17, FRAME_SIZE_BYTES + 16, 4096, 1, 0])(
  'the leaf of a block of %i bytes is the hash of zero, its size and its bytes',
  length => {
    const block = new Uint8Array(length).fill(1 + (length % 250))
    const size = new Uint8Array(8)
    new DataView(size.buffer).setUint32(0, length, true)
    expect(toHex(blockHash(block))).toBe(toHex(blake2b256(concatBytes(new Uint8Array(1), size, block))))
  },
)

describe('the head of a feed', () => {
  test('is signed over all blocks, also over those that had not reached their Hypercore', async () => {
    await using folder = await tempFolder()
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    const feed = messagesOf('a')
    expect(await log.head(feed)).toBeUndefined()
    for (let index = 0; index < 21; index++) {
      await log.commit([blockOf(feed, index, 'x'.repeat(index * 7))])
      const { head, blocks } = await signed(log, feed)
      expect(head.length).toBe(index + 1)
      expect(feedHeadHolds(feed, treeOf(blocks), head), `length ${index + 1}`).toBe(true)
    }
    await log.append(resultsOf('a'), 0, [new Uint8Array(3), new Uint8Array(300)])
    const results = await signed(log, resultsOf('a'))
    expect(feedHeadHolds(resultsOf('a'), treeOf(results.blocks), results.head)).toBe(true)
  })

  test('holds for no other blocks, order, length, feed or signer', async () => {
    await using folder = await tempFolder()
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    const feed = messagesOf('a')
    for (let index = 0; index < 6; index++) await log.commit([blockOf(feed, index)])
    const { head, blocks } = await signed(log, feed)
    const changed = blocks.map((block, at) => (at === 3 ? block.map(byte => byte ^ 1) : block))
    const swapped = blocks.toSpliced(1, 2, ...blocks.slice(1, 3).reverse())
    const stranger = asKeyId(keyId(ed25519PublicKey(seedOf(99))))
    const wrong: [string, FeedSpec, readonly Uint8Array[]][] = [
      ['a changed block', feed, changed],
      ['another order', feed, swapped],
      ['fewer blocks', feed, blocks.slice(0, -1)],
      ['more blocks', feed, [...blocks, new Uint8Array(1)]],
      ['another feed', messagesOf('b'), blocks],
      ['another kind', { ...feed, kind: 'results' }, blocks],
      ['another signer', { ...feed, signers: [stranger] }, blocks],
      ['several signers', { ...feed, signers: [...feed.signers, stranger] }, blocks],
    ]
    for (const [what, spec, held] of wrong) {
      expect(feedHeadHolds(spec, treeOf(held), head), what).toBe(false)
      expect(feedHeadHolds(spec, treeOf(held), { ...head, length: held.length }), what).toBe(false)
    }
    expect(feedHeadHolds(feed, treeOf(blocks), head)).toBe(true)
  })

  test('belongs to a key that is computed as Hypercore computes it', async () => {
    await using folder = await tempFolder()
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    for (const feed of [messagesOf('a'), resultsOf('b'), { ...messagesOf('c'), epoch: 70_000 }]) {
      expect(toHex(feedKey(feed))).toBe(toHex(log.feedKey(feed)))
    }
  })
})

test('without a length, the tree of a feed is that of what was hashed on its way to its Hypercore', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const feed = messagesOf('a')
  const lengthOf = async (): Promise<number | undefined> => (await log.prefix(feed))?.length
  await log.commit([blockOf(feed, 0), blockOf(feed, 1)])
  // A new feed is short.
  expect(await lengthOf()).toBe(2)
  await log.drain()
  await log.commit([blockOf(feed, 2), blockOf(feed, 3)])
  expect(await lengthOf()).toBe(2)
  expect((await log.prefix(feed, 4))?.length).toBe(4)
  await log.drain()
  expect(await lengthOf()).toBe(4)
  await log.commit([blockOf(feed, 4)])
  log.freeze(feed, 5, new Failure('equivocated'))
  expect(await lengthOf()).toBe(5)
})
