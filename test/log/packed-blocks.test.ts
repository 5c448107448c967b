import streams from 'hypercore-storage/lib/streams.js'
import transfers from 'hypercore-storage/lib/tx.js'
import View from 'hypercore-storage/lib/view.js'
import { expect, test } from 'vitest'
import { EMPTY_FEED, grown } from '../../log/feeds/feed-end.ts'
import { discoveryKeyOf } from '../../log/feeds/feed-manifest.ts'
import { HypercoreLog } from '../../log/index.ts'
import { packedEnd } from '../../log/feeds/packed-blocks.ts'
import type { FeedSpec } from '../../protocol/index.ts'
import { blockOf, collect, NODE_SEED, resultsOf } from '../conformance/log.ts'
import { tempFolder } from './temp-folder.ts'

const feed = resultsOf('a')

function blocksOf(count: number, text = ''): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => blockOf(feed, index, text.repeat(index % 7)).bytes)
}

/** How many packs of a feed lie in storage. */
async function packsOf({ corestore }: HypercoreLog, of: FeedSpec): Promise<number> {
  const { db } = (corestore as unknown as { storage: { db: never } }).storage
  const rx = new transfers.CorestoreRX(db, new View())
  const found = rx.getCore(discoveryKeyOf(of))
  rx.tryFlush()
  const core = await found
  if (core === null) return 0
  const pointers = { ...core, dependencies: [] }
  return (await Array.fromAsync(streams.createLocalStream(pointers, db, new View()))).length
}

test('a feed is written up to where a pack is full, if one is', () => {
  expect([packedEnd(0, 15), packedEnd(0, 16), packedEnd(0, 31), packedEnd(0, 33)]).toEqual([15, 16, 16, 32])
  expect([packedEnd(5, 20), packedEnd(5, 31), packedEnd(5, 32), packedEnd(5, 40)]).toEqual([20, 31, 32, 32])
  expect([packedEnd(16, 31), packedEnd(16, 47)]).toEqual([31, 32])
})

test('what comes together lies together, and is read as it would be from a Hypercore', async () => {
  await using folder = await tempFolder()
  const options = { directory: folder.path, keySeed: NODE_SEED }
  const blocks = blocksOf(100, 'x')
  {
    await using log = await HypercoreLog.open(options)
    // three by themselves, and the end of the pack that they are in
    await log.append(feed, 0, blocks.slice(0, 3))
    await log.drain()
    await log.append(feed, 3, blocks.slice(3))
    await log.drain()
    expect(await packsOf(log, feed)).toBe(5)
  }
  await using log = await HypercoreLog.open(options)
  expect(await collect(log.blocks(feed, 0))).toEqual(blocks)
  for (const index of [0, 2, 3, 15, 16, 31, 47, 95, 96, 99]) expect(await log.block(feed, index)).toEqual(blocks[index])
  const { nodes } = grown(EMPTY_FEED, blocks)
  const held = await log.trees.nodes(
    feed,
    nodes.map(({ index }) => index),
  )
  expect(held.map(node => node?.size)).toEqual(nodes.map(({ size }) => size))
  expect(held.map(node => Buffer.from(node?.hash ?? []))).toEqual(nodes.map(({ hash }) => Buffer.from(hash)))
})

test('whoever opens the Hypercore finds all of it there, and nothing packed', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const blocks = blocksOf(700)
  await log.append(feed, 0, blocks.slice(0, 650))
  await log.drain()
  expect(await packsOf(log, feed)).toBe(40)
  const core = log.corestore.get({ key: Buffer.from(log.feedKey(feed)) })
  await core.ready()
  expect(await packsOf(log, feed)).toBe(0)
  for (const [index, block] of blocks.slice(0, 650).entries())
    expect(Buffer.from((await core.get(index, { wait: false })) ?? [])).toEqual(Buffer.from(block))
  const inner = core.core as unknown as { audit(): Promise<Record<string, unknown>> }
  expect(await inner.audit()).toMatchObject({ blocks: 650, droppedTreeNodes: 0, droppedBlocks: 0, corrupt: false })

  // it is the writer while it is open
  await log.append(feed, 650, blocks.slice(650))
  await log.drain()
  expect(core.length).toBe(700)
  expect(await packsOf(log, feed)).toBe(0)
  expect(await collect(log.blocks(feed, 0))).toEqual(blocks)
})

test('large blocks have keys of their own', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const blocks = Array.from({ length: 48 }, (_, index) =>
    new Uint8Array(index < 16 || index > 31 ? 10 : 5_000).fill(index),
  )
  await log.append(feed, 0, blocks)
  await log.drain()
  expect(await packsOf(log, feed)).toBe(2)
  expect(await collect(log.blocks(feed, 0))).toEqual(blocks)
})
