import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import { Failure, toUtf8 } from '../../protocol/index.ts'
import { blockOf, collect, messagesOf, NODE_SEED, resultsOf } from '../conformance/log.ts'
import { Acknowledged, copyAsCrashed, filesOf, openCopy } from './damage.ts'
import { tempFolder } from './temp-folder.ts'

const isFrozen = (error: unknown): boolean => Failure.is(error, 'feed-frozen')

test('a feed that contradicts the journal is frozen where they part, and the others go on', async () => {
  await using folder = await tempFolder()
  const [base, one, two] = ['base', 'one', 'two'].map(name => join(folder.path, name)) as [string, string, string]
  const [torn, sound] = [messagesOf('torn'), messagesOf('sound')]
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
  for (let opening = 0; opening < 2; opening++) {
    await using log = await openCopy(mixed)
    expect(log.frozen.map(({ feed, failure }) => [feed.process, failure.code])).toEqual([[torn.process, 'feed-frozen']])
    expect(await collect(log.blocks(torn, 0))).toEqual([blockOf(torn, 0).bytes, blockOf(torn, 1).bytes])
    await expect(log.commit([blockOf(torn, 2)])).rejects.toSatisfy(isFrozen)
    await log.commit([blockOf(sound, await log.length(sound))])
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
