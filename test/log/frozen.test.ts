import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { OpenFeeds } from '../../log/feeds/open-feeds.ts'
import { Failure, type FeedSpec, toUtf8 } from '../../protocol/index.ts'
import { blockOf, collect, messagesOf, NODE_SEED, resultsOf } from '../conformance/log.ts'
import { Acknowledged, copyAsCrashed, filesOf, openCopy } from './damage.ts'
import { tempFolder } from './temp-folder.ts'

const isFrozen = (error: unknown): boolean => Failure.is(error, 'feed-frozen')

/** A folder in which the journal has another third block of `torn` than its feed. */
async function contradicting(folder: string, torn: FeedSpec, sound: FeedSpec): Promise<string> {
  const [base, one, two] = ['base', 'one', 'two'].map(name => join(folder, name)) as [string, string, string]
  {
    await using log = await HypercoreLog.open({ directory: base, keySeed: NODE_SEED })
    await log.commit([blockOf(torn, 0), blockOf(torn, 1), blockOf(sound, 0)])
    await log.drain()
    await copyAsCrashed(base, one)
    await copyAsCrashed(base, two)
  }
  for (const [path, text] of [
    [one, 'one'],
    [two, 'two'],
  ] as const) {
    await using log = await openCopy(path)
    await log.commit([blockOf(torn, 2, text), blockOf(sound, 1)])
    await log.drain()
    await copyAsCrashed(path, `${path}-crashed`)
  }
  const mixed = `${one}-crashed`
  await rm(join(mixed, 'feeds'), { recursive: true })
  await rename(join(`${two}-crashed`, 'feeds'), join(mixed, 'feeds'))
  return mixed
}

test('a feed that contradicts the journal is frozen where they part, and the others go on', async () => {
  await using folder = await tempFolder()
  const [torn, sound] = [messagesOf('torn'), messagesOf('sound')]
  const mixed = await contradicting(folder.path, torn, sound)
  for (let opening = 0; opening < 2; opening++) {
    await using log = await openCopy(mixed)
    expect(log.frozen.map(({ feed, failure }) => [feed.process, failure.code])).toEqual([[torn.process, 'feed-frozen']])
    expect(await collect(log.blocks(torn, 0))).toEqual([blockOf(torn, 0).bytes, blockOf(torn, 1).bytes])
    await expect(log.commit([blockOf(torn, 2)])).rejects.toSatisfy(isFrozen)
    await log.commit([blockOf(sound, await log.length(sound))])
  }
})

test('what the journal has of a frozen feed is kept and holds no segments: each new one begins with it', async () => {
  await using folder = await tempFolder()
  const [torn, sound] = [messagesOf('torn'), messagesOf('sound')]
  const path = await contradicting(folder.path, torn, sound)
  const segments = (): Promise<string[]> => filesOf(join(path, 'journal'), '.journal')
  for (let opening = 0; opening < 3; opening++) {
    await using log = await openCopy(path, { segmentBytes: 2_000 })
    expect(log.frozen.map(({ feed }) => feed.process)).toEqual([torn.process])
    expect(await collect(log.blocks(torn, 0))).toEqual([blockOf(torn, 0).bytes, blockOf(torn, 1).bytes])
    for (let i = 0; i < 50; i++) await log.commit([blockOf(sound, await log.length(sound))])
    await log.drain()
    await expect.poll(async () => (await segments()).length).toBeLessThan(3)
    for (const segment of await segments())
      expect((await readFile(segment)).includes(Buffer.from(blockOf(torn, 2, 'one').bytes))).toBe(true)
  }
})

test('a feed that its Hypercore stops to take while the node runs holds no segments either, and is there at the next start', async () => {
  await using folder = await tempFolder()
  const [path, crashed] = ['folder', 'crashed'].map(name => join(folder.path, name)) as [string, string]
  const [torn, sound] = [messagesOf('torn'), messagesOf('sound')]
  const append = OpenFeeds.prototype.append
  // Somebody else wrote to the feed, right below the log.
  using appending = vi.spyOn(OpenFeeds.prototype, 'append').mockImplementation(async function (
    this: OpenFeeds,
    state,
    from,
    ...rest
  ) {
    if (state.feed.process === torn.process && from === 1) await append.call(this, state, 1, [toUtf8('another')])
    return append.call(this, state, from, ...rest)
  })
  const segments = (): Promise<string[]> => filesOf(join(path, 'journal'), '.journal')
  const acknowledged = [0, 1, 2].map(index => blockOf(torn, index))
  {
    await using log = await openCopy(path, { segmentBytes: 2_000 })
    await log.commit(acknowledged.slice(0, 1))
    await log.drain()
    for (const block of acknowledged.slice(1)) await log.commit([block])
    await log.drain()
    expect(log.frozen.map(({ feed }) => feed.process)).toEqual([torn.process])
    await expect(log.commit([blockOf(torn, 3)])).rejects.toSatisfy(isFrozen)
    for (let i = 0; i < 50; i++) {
      await log.commit([blockOf(sound, i)])
      await log.drain()
    }
    await expect.poll(async () => (await segments()).length).toBeLessThan(3)
    for (const segment of await segments())
      for (const block of acknowledged.slice(1))
        expect((await readFile(segment)).includes(Buffer.from(block.bytes))).toBe(true)
    await copyAsCrashed(path, crashed)
  }
  appending.mockRestore()
  await using log = await openCopy(crashed)
  expect(log.frozen.map(({ feed }) => feed.process)).toEqual([torn.process])
  expect(await log.length(sound)).toBe(50)
})

test('what was carried along for a frozen feed goes back into it once it is no longer frozen', async () => {
  await using folder = await tempFolder()
  const [base, crashed] = ['base', 'crashed'].map(name => join(folder.path, name)) as [string, string]
  const feed = messagesOf('kept')
  const blocks = [0, 1, 2].map(index => blockOf(feed, index))
  {
    await using log = await HypercoreLog.open({ directory: base, keySeed: NODE_SEED })
    for (const block of blocks) await log.commit([block])
    await copyAsCrashed(base, crashed)
  }
  for (let opening = 0; opening < 2; opening++) {
    await using log = await openCopy(crashed, { keySeed: new Uint8Array(32).fill(7) })
    expect(log.frozen).toHaveLength(1)
  }
  for (const length of [3, 4]) {
    await using log = await openCopy(crashed)
    expect(log.frozen).toEqual([])
    expect(await log.length(feed)).toBe(length)
    expect(await collect(log.blocks(feed, 0, 3))).toEqual(blocks.map(({ bytes }) => bytes))
    await log.commit([blockOf(feed, length)])
  }
})

test('results that contradict what is there freeze their feed, which stays readable', async () => {
  await using folder = await tempFolder()
  await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
  const feed = resultsOf('a')
  await log.append(feed, 0, [toUtf8('x'), toUtf8('y')])
  await log.drain()
  await expect(log.append(feed, 1, [toUtf8('z')])).rejects.toSatisfy(isFrozen)
  await expect(log.append(feed, 2, [toUtf8('z')])).rejects.toSatisfy(isFrozen)
  expect(log.frozen).toHaveLength(1)
  expect(await collect(log.blocks(feed, 0))).toEqual([toUtf8('x'), toUtf8('y')])
})

test('feeds whose write-ahead log was dropped are written to again without waiting for peers', async () => {
  await using folder = await tempFolder()
  const [path, crashed] = [join(folder.path, 'folder'), join(folder.path, 'crashed')]
  const acknowledged = new Acknowledged(3)
  const database = join(crashed, 'feeds', 'db')
  let logs: string[] = []
  {
    await using log = await HypercoreLog.open({ directory: path, keySeed: NODE_SEED })
    await acknowledged.grow(log)
  }
  {
    await using log = await HypercoreLog.open({ directory: path, keySeed: NODE_SEED })
    // RocksDB may just have flushed its log away; then there is a new one after some more writes.
    for (let tries = 0; tries < 10 && logs.length === 0; tries++) {
      await acknowledged.grow(log)
      await log.drain()
      await rm(crashed, { recursive: true, force: true })
      await copyAsCrashed(path, crashed)
      logs = await filesOf(database, '.log')
    }
  }
  expect(logs.length).toBeGreaterThan(0)
  // What hypercore-storage does when RocksDB refuses a broken log.
  for (const log of logs) await rm(log)
  await writeFile(join(database, 'RECOVERING'), '')
  await using log = await openCopy(crashed)
  expect(await acknowledged.check(log, 'dropped')).toBe(0)
  await acknowledged.grow(log)
  await log.drain()
  await acknowledged.check(log, 'grown')
})
