import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { Commitment, Failure } from '../../protocol/index.ts'
import { blockOf, collect, messagesOf, NODE_SEED } from '../conformance/log.ts'
import { FaultyFiles } from '../fakes/faulty-files.ts'
import { copyAsCrashed, openCopy } from './damage.ts'
import { tempFolder } from './temp-folder.ts'

const feeds = Array.from({ length: 100 }, (_, i) => messagesOf(`feed ${i}`))
const isFull = (error: unknown): boolean => Failure.is(error, 'disk-full')

async function openWith(files: FaultyFiles, directory: string): Promise<HypercoreLog> {
  return await HypercoreLog.open({ directory, keySeed: NODE_SEED, files })
}

test('many callers share one fdatasync, and what comes meanwhile shares the next', async () => {
  await using folder = await tempFolder()
  const files = new FaultyFiles()
  await using log = await openWith(files, folder.path)
  for (const feed of feeds) await log.length(feed)
  const before = files.datasyncs
  files.hold()
  const first = feeds.map(feed => log.commit([blockOf(feed, 0)]))
  await expect.poll(() => files.datasyncs).toBe(before + 1)
  const second = feeds.map(feed => log.commit([blockOf(feed, 1)]))
  files.release()
  await Promise.all([...first, ...second])
  expect(files.datasyncs - before).toBe(2)
  for (const feed of feeds) expect(await log.length(feed)).toBe(2)
})

test('a commit resolves only after its fdatasync, and shows nothing before', async () => {
  await using folder = await tempFolder()
  const files = new FaultyFiles()
  await using log = await openWith(files, folder.path)
  const feed = messagesOf('a')
  files.hold()
  const before = files.datasyncs
  let resolved = false
  const commit = log.commit([blockOf(feed, 0)]).then(() => {
    resolved = true
  })
  await expect.poll(() => files.datasyncs).toBe(before + 1)
  expect(resolved).toBe(false)
  expect(await log.length(feed)).toBe(0)
  files.release()
  await commit
  expect(await log.length(feed)).toBe(1)
})

test('a full disk refuses commits, keeps nothing of them, and takes them again when there is room', async () => {
  await using folder = await tempFolder()
  const files = new FaultyFiles()
  const [a, b] = [messagesOf('a'), messagesOf('b')]
  {
    await using log = await openWith(files, `${folder.path}/data`)
    await log.commit([blockOf(a, 0)])
    // Room for a part of a group: half of it stands in the file.
    files.room = 30
    await expect(log.commit([blockOf(a, 1, 'lost')])).rejects.toSatisfy(isFull)
    await expect(Promise.all([log.commit([blockOf(a, 1)]), log.commit([blockOf(b, 0)])])).rejects.toSatisfy(isFull)
    expect(await log.length(a)).toBe(1)
    expect(await log.block(a, 0)).toEqual(blockOf(a, 0).bytes)
    files.room = Number.POSITIVE_INFINITY
    await log.commit([blockOf(a, 1, 'kept')])
    await log.commit([blockOf(b, 0)])
    await copyAsCrashed(`${folder.path}/data`, `${folder.path}/crashed`)
  }
  for (const open of [() => openWith(files, `${folder.path}/data`), () => openCopy(`${folder.path}/crashed`)]) {
    await using log = await open()
    expect(await collect(log.blocks(a, 0))).toEqual([blockOf(a, 0).bytes, blockOf(a, 1, 'kept').bytes])
    expect(await collect(log.blocks(b, 0))).toHaveLength(1)
  }
})

test('after a failed fdatasync the group does not count, even if it reached the disk', async () => {
  await using folder = await tempFolder()
  const files = new FaultyFiles()
  const feed = messagesOf('a')
  await using log = await openWith(files, `${folder.path}/data`)
  await log.commit([blockOf(feed, 0)])
  files.failingSyncs.push('EIO')
  await expect(log.commit([blockOf(feed, 1, 'in doubt')])).rejects.toSatisfy(error => Failure.is(error, 'disk-fault'))
  await log.commit([blockOf(feed, 1, 'acknowledged')])
  await copyAsCrashed(`${folder.path}/data`, `${folder.path}/crashed`)
  await using crashed = await openCopy(`${folder.path}/crashed`)
  expect(crashed.frozen).toEqual([])
  expect(await crashed.block(feed, 1)).toEqual(blockOf(feed, 1, 'acknowledged').bytes)
  expect(crashed.recovered.map(({ index }) => index)).toEqual([0, 1])
})

test('a caller that waits behind a failed group is refused with it, not told of a gap', async () => {
  await using folder = await tempFolder()
  const files = new FaultyFiles()
  const feed = messagesOf('a')
  await using log = await openWith(files, folder.path)
  await log.length(feed)
  files.hold()
  const before = files.datasyncs
  const first = log.commit([blockOf(feed, 0)])
  await expect.poll(() => files.datasyncs).toBe(before + 1)
  const second = log.commit([blockOf(feed, 1)])
  files.failingSyncs.push('EIO')
  files.release()
  for (const result of await Promise.allSettled([first, second])) {
    expect(result.status === 'rejected' && Failure.is(result.reason, 'disk-fault')).toBe(true)
  }
  await log.commit([blockOf(feed, 0)])
})

test('what builds on a commit that is refused is refused with it, though its own feed would take it', async () => {
  await using folder = await tempFolder()
  await using log = await openWith(new FaultyFiles(), folder.path)
  const [a, b, c] = [messagesOf('a'), messagesOf('b'), messagesOf('c')]
  for (const feed of [a, b, c]) await log.length(feed)
  const gap = new Commitment()
  const [built, above, alone] = [new Commitment([gap]), new Commitment(), new Commitment()]
  const refused = await Promise.allSettled([
    log.commit([blockOf(a, 1)], gap),
    log.commit([blockOf(b, 0)], built),
    log.commit([blockOf(b, 1)], above),
    log.commit([blockOf(c, 0)], alone),
  ])
  expect(refused.map(one => (one.status === 'rejected' ? Failure.from(one.reason).code : 'durable'))).toEqual([
    'feed-frozen',
    'busy',
    'feed-frozen',
    'durable',
  ])
  expect([gap, built, above, alone].map(({ state }) => state)).toEqual(['failed', 'failed', 'failed', 'durable'])
  expect(await log.length(b)).toBe(0)
  // What the journal was never given is no foundation either, but what is durable is.
  await expect(log.commit([blockOf(b, 0)], new Commitment([new Commitment()]))).rejects.toMatchObject({ code: 'busy' })
  await log.commit([blockOf(b, 0)], new Commitment([alone]))
})

test('the journal is sealed when it is quiet, not between commits of a client that sends one after the other', async () => {
  await using folder = await tempFolder()
  const files = new FaultyFiles()
  await using log = await openWith(files, folder.path)
  const feed = messagesOf('a')
  await log.length(feed)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const passed = async (ms: number): Promise<void> => {
    await turn()
    vi.advanceTimersByTime(ms)
    await turn()
  }
  files.room = 1_000_000
  for (const index of [0, 1, 2]) {
    await log.commit([blockOf(feed, index)])
    const { room } = files
    await passed(50)
    expect(files.room).toBe(room)
  }
  const { room } = files
  await passed(100)
  expect(files.room).toBeLessThan(room)
})
