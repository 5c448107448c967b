import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import {
  blockOf,
  collect,
  logConformance,
  messagesOf,
  NODE_SEED,
  resultsOf,
  processNamed,
  spawnNamed,
  moduleNamed,
} from '../conformance/log.ts'
import { replicaConformance } from '../conformance/log-replicas.ts'
import { Failure, toUtf8 } from '../../protocol/index.ts'
import { tempFolder } from './temp-folder.ts'

const folders: string[] = []
afterAll(() => Promise.all(folders.map(path => rm(path, { recursive: true, force: true }))))

async function openInNewFolder(): Promise<HypercoreLog> {
  const { path } = await tempFolder()
  folders.push(path)
  return await HypercoreLog.open({ directory: path, keySeed: NODE_SEED })
}

describe('a log on Hypercore', () => {
  logConformance(openInNewFolder)
  replicaConformance(openInNewFolder)

  test('holds everything after it was closed and opened again', async () => {
    await using folder = await tempFolder()
    const feed = messagesOf('a')
    const spawn = spawnNamed('p')
    const module = moduleNamed('m')
    const blocks = Array.from({ length: 40 }, (_, index) => blockOf(feed, index))
    {
      await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
      for (const block of blocks) await log.commit([block])
      await log.append(resultsOf('a'), 0, [toUtf8('x')])
      await log.directory.addProcess(spawn.description, spawn.envelope)
      await log.directory.addModule(module)
      log.store.write([{ key: toUtf8('test/k'), value: toUtf8('v') }])
    }
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    expect(log.recovered).toEqual([])
    expect(await collect(log.blocks(feed, 0))).toEqual(blocks.map(({ bytes }) => bytes))
    expect(await collect(log.blocks(resultsOf('a'), 0))).toEqual([toUtf8('x')])
    expect(await log.messages.slotOf(feed.process, blocks[39]?.ids[0] ?? ('' as never))).toBe(39)
    expect(await log.directory.process(spawn.description.id)).toEqual(spawn.description)
    expect(await log.directory.moduleItem(module.id as never)).toEqual(module.bytes)
    expect(await log.store.get(toUtf8('test/k'))).toEqual(toUtf8('v'))
    await log.commit([blockOf(feed, 40)])
    expect(await log.length(feed)).toBe(41)
  })

  test('shows a block before its Hypercore has it', async () => {
    await using log = await openInNewFolder()
    const feed = messagesOf('a')
    await log.commit([blockOf(feed, 0), blockOf(feed, 1)])
    expect(log.figures.behindBytes).toBeGreaterThan(0)
    expect(await collect(log.blocks(feed, 0))).toHaveLength(2)
    await log.drain()
    expect(log.figures.behindBytes).toBe(0)
    expect(await collect(log.blocks(feed, 0))).toEqual([blockOf(feed, 0).bytes, blockOf(feed, 1).bytes])
  })

  test('holds few of many feeds open, and forgets what it can read again', async () => {
    await using folder = await tempFolder()
    const options = {
      directory: folder.path,
      keySeed: NODE_SEED,
      feedsKnownMax: 300,
    }
    await using log = await HypercoreLog.open(options)
    const feeds = Array.from({ length: 3_000 }, (_, i) => messagesOf(`feed ${i}`))
    for (const index of [0, 1]) {
      for (let at = 0; at < feeds.length; at += 500) {
        await Promise.all(feeds.slice(at, at + 500).map(feed => log.commit([blockOf(feed, index)])))
      }
    }
    await log.drain()
    expect(log.figures.openFeeds).toBe(0)
    expect(log.figures.knownFeeds).toBeLessThanOrEqual(300)
    for (const feed of feeds.filter((_, i) => i % 10 === 0)) {
      expect(await log.length({ ...feed })).toBe(2)
      expect(await log.block(feed, 1)).toEqual(blockOf(feed, 1).bytes)
    }
    expect(log.figures.openFeeds).toBe(0)
    expect(log.figures.knownFeeds).toBeLessThanOrEqual(300)
  })

  test('writes through Hypercores that others hold open, and holds none of them itself', async () => {
    await using log = await openInNewFolder()
    const feeds = Array.from({ length: 300 }, (_, i) => messagesOf(`feed ${i}`))
    const cores = feeds.map(feed => log.corestore.get({ key: Buffer.from(log.feedKey(feed)) }))
    await Promise.all(cores.map(core => core.ready()))
    await Promise.all(feeds.map(feed => log.commit([blockOf(feed, 0)])))
    await log.drain()
    expect(new Set(cores.map(core => core.length))).toEqual(new Set([1]))
    expect(log.figures.openFeeds).toBe(0)
  })

  test('has a process that was written, though its program ends at once', async () => {
    await using folder = await tempFolder()
    await using copy = await tempFolder()
    const options = { directory: folder.path, keySeed: NODE_SEED }
    await using log = await HypercoreLog.open(options)
    const { description, envelope } = spawnNamed('p')
    await log.directory.addProcess(description, envelope)
    await log.directory.written([description.id, processNamed('none')])
    await cp(folder.path, copy.path, { recursive: true })
    await using again = await HypercoreLog.open({ ...options, directory: copy.path, acceptRestored: true })
    expect(await again.directory.process(description.id)).toEqual(description)
  })

  test('lets go of recovered blocks when told to', async () => {
    await using folder = await tempFolder()
    const options = { directory: folder.path, keySeed: NODE_SEED }
    const feed = messagesOf('a')
    const log = await HypercoreLog.open(options)
    await log.commit([blockOf(feed, 0)])
    await using copy = await tempFolder()
    await cp(folder.path, copy.path, { recursive: true })
    await log[Symbol.asyncDispose]()
    await using again = await HypercoreLog.open({
      ...options,
      directory: copy.path,
      acceptRestored: true,
    })
    expect(again.recovered).toEqual([blockOf(feed, 0)])
    again.forgetRecovered()
    expect(again.recovered).toEqual([])
    expect(await again.block(feed, 0)).toEqual(blockOf(feed, 0).bytes)
  })

  test('refuses to write feeds that others sign', async () => {
    await using log = await openInNewFolder()
    const feed = { ...messagesOf('a'), signers: [messagesOf('b').process as never] }
    await expect(log.commit([blockOf(feed, 0)])).rejects.toSatisfy(error => Failure.is(error, 'not-scheduler'))
    expect(await log.length(feed)).toBe(0)
  })

  test('drops the segments of its journal that are no longer needed, and no others', async () => {
    await using folder = await tempFolder()
    const segments = async (): Promise<string[]> => await readdir(join(folder.path, 'journal'))
    const feed = messagesOf('a')
    {
      await using log = await HypercoreLog.open({
        directory: folder.path,
        keySeed: NODE_SEED,
        segmentBytes: 2_000,
      })
      for (let index = 0; index < 60; index++) await log.commit([blockOf(feed, index, 'x'.repeat(100))])
      await log.drain()
      await expect.poll(async () => (await segments()).length).toBeLessThanOrEqual(2)
    }
    expect(await segments()).toHaveLength(1)
    await using log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    expect(await collect(log.blocks(feed, 0))).toHaveLength(60)
  })

  test('lists 5,000 processes without a batch for each, most of them forgotten', async () => {
    await using log = await openInNewFolder()
    const spawned = Array.from({ length: 5_000 }, (_, i) => spawnNamed(`p${i}`))
    await Promise.all(spawned.map(({ description, envelope }) => log.directory.addProcess(description, envelope)))
    await log.drain()
    const page = await log.directory.processes({ limit: 100 })
    expect(page).toHaveLength(100)
    const next = await log.directory.processes({ after: page.at(-1)?.id, limit: 100 })
    expect(new Set([...page, ...next].map(({ id }) => id)).size).toBe(200)
  })
})
