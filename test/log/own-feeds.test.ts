import { join } from 'node:path'
import Corestore from 'corestore'
import Hypercore from 'hypercore'
import HypercoreStorage from 'hypercore-storage'
import Verifier from 'hypercore/lib/verifier.js'
import { expect, onTestFinished, test, vi } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { type FeedSpec, toUtf8 } from '../../protocol/index.ts'
import { blockOf, collect, messagesOf, NODE_SEED, resultsOf } from '../conformance/log.ts'
import { tempFolder } from './temp-folder.ts'

/** What is used here of a Hypercore beyond what the log uses. */
interface WholeHypercore extends Hypercore {
  readonly contiguousLength: number
  has(from: number, to: number): Promise<boolean>
  treeHash(length?: number): Promise<Uint8Array>
}

interface WholeCore {
  audit(): Promise<Record<string, number | boolean>>
}

const opened = async (log: HypercoreLog, feed: FeedSpec): Promise<WholeHypercore> => {
  const core = log.corestore.get({ key: Buffer.from(log.feedKey(feed)) }) as WholeHypercore
  await core.ready()
  return core
}

/** All that is wrong with a feed as its Hypercore sees it. */
async function expectWhole(core: WholeHypercore, blocks: readonly Uint8Array[]): Promise<void> {
  expect(core.length).toBe(blocks.length)
  expect(core.contiguousLength).toBe(blocks.length)
  expect(await core.has(0, blocks.length)).toBe(true)
  const inner = core.core as unknown as WholeCore
  expect(await inner.audit()).toMatchObject({
    blocks: blocks.length,
    bits: blocks.length,
    droppedTreeNodes: 0,
    droppedBlocks: 0,
    droppedBits: 0,
    corrupt: false,
  })
  for (const index of new Set([0, blocks.length >> 1, blocks.length - 1]))
    expect(Buffer.from((await core.get(index, { wait: false })) ?? [])).toEqual(Buffer.from(blocks[index] ?? []))
}

test('what is written without a Hypercore is what a Hypercore writes', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const feed = messagesOf('a')
  const blocks = Array.from({ length: 37 }, (_, index) => blockOf(feed, index))
  for (const size of [1, 1, 2, 3, 5, 8, 17]) {
    const done = await log.length(feed)
    await log.commit(blocks.slice(done, done + size))
    await log.drain()
  }
  expect(log.figures.openFeeds).toBe(0)
  const core = await opened(log, feed)
  await expectWhole(
    core,
    blocks.map(({ bytes }) => bytes),
  )

  // another Hypercore, with other keys, over the same blocks has the same tree
  await using other = await tempFolder()
  const store = new Corestore(new HypercoreStorage(join(other.path, 'store')))
  const reference = store.get({ name: 'reference' }) as WholeHypercore
  await reference.ready()
  const append = reference.append.bind(reference) as (blocks: readonly Uint8Array[]) => Promise<unknown>
  await append(blocks.map(({ bytes }) => bytes))
  for (const length of [1, 2, 7, 36, 37]) expect(await core.treeHash(length)).toEqual(await reference.treeHash(length))
  await store.close()
})

test('peers believe it: signatures and proofs of every block hold', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const feed = messagesOf('a')
  for (let index = 0; index < 9; index++) {
    await log.commit([blockOf(feed, index)])
    if (index % 3 === 0) await log.drain()
  }
  await log.drain()
  await using other = await tempFolder()
  const store = new Corestore(new HypercoreStorage(join(other.path, 'store')))
  const copy = store.get({ key: Buffer.from(log.feedKey(feed)) })
  await copy.ready()
  const [here, there] = [log.corestore.replicate(true), store.replicate(false)]
  here.pipe(there).pipe(here)
  const core = await opened(log, feed)
  const get = copy.get.bind(copy) as (index: number) => Promise<Uint8Array>
  for (let index = 0; index < 9; index++)
    expect(Buffer.from(await get(index))).toEqual(Buffer.from(blockOf(feed, index).bytes))

  // what is appended while it is open goes to peers, too
  await log.commit([blockOf(feed, 9)])
  await log.drain()
  expect(core.length).toBe(10)
  expect(Buffer.from(await get(9))).toEqual(Buffer.from(blockOf(feed, 9).bytes))
  await store.close()
})

test('a Hypercore and the log take turns at one feed', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const feed = messagesOf('a')
  const blocks = Array.from({ length: 4 }, (_, index) => blockOf(feed, index))
  for (let at = 0; at < blocks.length; at += 2) {
    await log.commit(blocks.slice(at, at + 1))
    await log.drain()
    const core = await opened(log, feed)
    expect(core.length).toBe(at + 1)
    await log.commit(blocks.slice(at + 1, at + 2))
    await log.drain()
    await expectWhole(
      core,
      blocks.slice(0, at + 2).map(({ bytes }) => bytes),
    )
    await core.close()
    // it lingers; at its last round it goes
    core.core.gc = 3
    await expect.poll(() => log.corestore.cores.get(Hypercore.discoveryKey(core.key)), { timeout: 60_000 }).toBeNull()
    expect(await collect(log.blocks(feed, 0))).toHaveLength(at + 2)
  }
}, 180_000)

test('a Hypercore that opens in the middle of an append sees all of it or none, and misses nothing', async () => {
  await using folder = await tempFolder()
  const options = { directory: folder.path, keySeed: NODE_SEED }
  const feeds = Array.from({ length: 120 }, (_, i) => messagesOf(`feed ${i}`))
  {
    await using log = await HypercoreLog.open(options)
    await Promise.all(feeds.map(feed => log.commit([blockOf(feed, 0)])))
  }
  // A log that knows nothing yet looks first where the feeds end, so an append takes several turns.
  await using log = await HypercoreLog.open(options)
  await Promise.all(feeds.map(feed => log.commit([blockOf(feed, 1), blockOf(feed, 2)])))
  const draining = log.drain()
  const cores: WholeHypercore[] = []
  // all appends begin at once, and the Hypercores come at all times of them
  for (const [i, feed] of feeds.entries()) {
    cores.push(log.corestore.get({ key: Buffer.from(log.feedKey(feed)) }) as WholeHypercore)
    if (i % 4 === 3) await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(cores.map(core => core.ready()))
  await draining
  await Promise.all(feeds.map(feed => log.commit([blockOf(feed, 3)])))
  await log.drain()
  for (const [i, feed] of feeds.entries()) {
    const core = cores[i]
    if (core === undefined) throw new Error('no core')
    await expectWhole(
      core,
      [0, 1, 2, 3].map(index => blockOf(feed, index).bytes),
    )
  }
}, 180_000)

test('the bitfield goes on over the edge of a page', async () => {
  await using folder = await tempFolder()
  const feed = resultsOf('long')
  const blocks = Array.from({ length: 32_768 + 70 }, (_, index) => toUtf8(String(index)))
  {
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    for (let at = 0; at < blocks.length; at += 4_000) {
      await log.append(feed, at, blocks.slice(at, at + 4_000))
      await log.drain()
    }
    for (let at = await log.length(feed); at < blocks.length; at++)
      await log.append(feed, at, [blocks[at] ?? toUtf8('')])
    await log.drain()
  }
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const core = await opened(log, feed)
  await expectWhole(core, blocks)
}, 180_000)

test('a head that somebody was given is the one that is written', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const signing = vi.spyOn(Verifier.prototype, 'sign')
  onTestFinished(() => signing.mockRestore())
  const feed = messagesOf('a')
  await log.commit([blockOf(feed, 0), blockOf(feed, 1)])
  const given = await log.signed(feed, 0, { bytes: 65_536, blocks: 8 })
  await log.drain()
  expect(signing).toHaveBeenCalledOnce()
  const core = await opened(log, feed)
  await expectWhole(core, [blockOf(feed, 0).bytes, blockOf(feed, 1).bytes])
  expect(given?.head).toEqual(await log.head(feed))
  await core.close()
})

test('a feed that is followed is not looked up again, though more are used than are kept', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED, feedsKnownMax: 8 })
  const feed = messagesOf('a')
  using _held = log.hold(feed)
  await log.commit([blockOf(feed, 0)])
  await log.drain()
  const reading = vi.spyOn(HypercoreStorage.prototype, 'getInfos')
  onTestFinished(() => reading.mockRestore())
  for (let nth = 0; nth < 40; nth++) await log.length(messagesOf(`other ${nth}`))
  reading.mockClear()
  await log.commit([blockOf(feed, 1)])
  await log.drain()
  expect(reading).not.toHaveBeenCalled()
  expect(await collect(log.blocks(feed, 0))).toHaveLength(2)
})
