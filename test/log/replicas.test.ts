import type Hypercore from 'hypercore'
import { expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import {
  asMessageId,
  encodeEnvelope,
  encodeFrame,
  type FeedSpec,
  type StoreChange,
  toUtf8,
} from '../../protocol/index.ts'
import { bytesOf, foreign, pieceOf } from '../conformance/log-replicas.ts'
import { messageItem } from '../fakes/signed-items.ts'
import { collect, NODE_SEED } from '../conformance/log.ts'
import { tempFolder } from './temp-folder.ts'

/** What is used here of a Hypercore beyond what the log uses. */
interface WholeHypercore extends Hypercore {
  readonly contiguousLength: number
  readonly core: Hypercore['core'] & { audit(): Promise<Record<string, number | boolean>> }
}

const openCore = async (log: HypercoreLog, feed: FeedSpec): Promise<WholeHypercore> => {
  const core = log.corestore.get({ key: Buffer.from(log.feedKey(feed)) }) as WholeHypercore
  await core.ready()
  return core
}

test('what was taken over is an ordinary Hypercore, whole or in part, and is there after a restart', async () => {
  await using folder = await tempFolder()
  const options = { directory: folder.path, keySeed: NODE_SEED }
  const [whole, part] = [foreign('whole'), foreign('part', 'results')]
  const all = bytesOf(whole, 300)
  const some = bytesOf(part, 100)
  {
    await using log = await HypercoreLog.open(options)
    for (const to of [1, 2, 7, 64, 65, 300])
      await log.take(whole, pieceOf(whole, all.slice(0, to), await log.length(whole)))
    for (const to of [3, 40, 41]) await log.take(part, pieceOf(part, some, await log.length(part), to))
    expect(log.figures.openFeeds).toBe(0)
  }
  await using log = await HypercoreLog.open(options)
  expect(await collect(log.blocks(whole, 0))).toEqual(all)
  expect(await collect(log.blocks(part, 0))).toEqual(some.slice(0, 41))
  expect((await log.head(whole))?.length).toBe(300)
  const [wholeCore, partCore] = [await openCore(log, whole), await openCore(log, part)]
  expect([wholeCore.length, wholeCore.contiguousLength]).toEqual([300, 300])
  expect([partCore.length, partCore.contiguousLength]).toEqual([100, 41])
  for (const [core, blocks] of [
    [wholeCore, 300],
    [partCore, 41],
  ] as const)
    expect(await core.core.audit()).toMatchObject({
      blocks,
      bits: blocks,
      droppedTreeNodes: 0,
      droppedBlocks: 0,
      droppedBits: 0,
      corrupt: false,
    })
  expect(Buffer.from((await partCore.get(40, { wait: false })) ?? [])).toEqual(Buffer.from(some[40] ?? []))
  await Promise.all([wholeCore.close(), partCore.close()])
  // It goes on where it was.
  expect(await log.take(part, pieceOf(part, some, 41))).toEqual({ status: 'taken', length: 100 })
  await log.drain()
  expect((await log.head(part))?.length).toBe(100)
})

test('it grows while somebody has its Hypercore open', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const feed = foreign('a')
  const all = bytesOf(feed, 40)
  await log.take(feed, pieceOf(feed, all.slice(0, 5), 0))
  await log.drain()
  const core = await openCore(log, feed)
  await log.take(feed, pieceOf(feed, all.slice(0, 9), 5))
  await log.drain()
  expect([core.length, core.closed]).toEqual([9, false])
  // A head of more than is taken: the Hypercore cannot be given that, so whoever has it open comes again.
  await log.take(feed, pieceOf(feed, all, 9, 20))
  await log.drain()
  expect(core.closed).toBe(true)
  const again = await openCore(log, feed)
  expect([again.length, again.contiguousLength]).toEqual([40, 20])
  await log.take(feed, pieceOf(feed, all, 20))
  await log.drain()
  expect(await collect(log.blocks(feed, 0))).toEqual(all)
  await again.close()
})

test('the message index gets back what it lost of feeds that were taken over', async () => {
  await using folder = await tempFolder()
  const options = { directory: folder.path, keySeed: NODE_SEED }
  const feed = foreign('a')
  const items = Array.from({ length: 5 }, (_, n) => messageItem(feed.process, { data: `message ${n}` }))
  const frames = items.map(({ bytes }, slot) =>
    encodeFrame(slot, [{ timestampMs: 1, envelopeBytes: encodeEnvelope({ kind: 'item', item: bytes }) }]),
  )
  const slotsIn = (log: HypercoreLog): Promise<unknown> =>
    log.messages.slotsOf(
      feed.process,
      items.map(({ id }) => asMessageId(id)),
    )
  {
    await using log = await HypercoreLog.open(options)
    await log.take(feed, pieceOf(feed, frames, 0))
    expect(await slotsIn(log)).toEqual([0, 1, 2, 3, 4])
    await log.drain()
    // As a program leaves it that ended between the feed and its index.
    const lost: StoreChange[] = []
    for await (const { key } of log.store.range({ gte: toUtf8('log/i/'), lt: toUtf8('log/i0') }))
      lost.push({ key, value: undefined })
    for await (const { key } of log.store.range({ gte: toUtf8('log/replica/'), lt: toUtf8('log/replica0') }))
      lost.push({ key, value: new Uint8Array([0, 0, 0, 0, 0, 2]) })
    expect(lost).toHaveLength(6)
    log.store.write(lost)
    await log.store.flush()
  }
  await using log = await HypercoreLog.open(options)
  expect(await slotsIn(log)).toEqual([undefined, undefined, 2, 3, 4])
})
