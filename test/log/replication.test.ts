import { Duplex } from 'node:stream'
import { join } from 'node:path'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import Corestore from 'corestore'
import type Hypercore from 'hypercore'
import HypercoreStorage from 'hypercore-storage'
import { expect, onTestFinished, test } from 'vitest'
import { manifestOf } from '../../log/feeds/feed-manifest.ts'
import { HypercoreLog } from '../../log/index.ts'
import { keyPairOf } from '../../log/key-pair.ts'
import type { FeedSpec } from '../../protocol/index.ts'
import { bytesOf, foreign, OTHER_SEED, pieceOf } from '../conformance/log-replicas.ts'
import { blockOf, collect, messagesOf, NODE_SEED } from '../conformance/log.ts'
import { tempFolder } from './temp-folder.ts'

/** What is used here of a Hypercore beyond what the log uses. */
interface ClientCore extends Hypercore {
  readonly discoveryKey: Uint8Array
  update(options: { wait: true }): Promise<boolean>
  on(event: 'append', listener: () => void): this
}
/** A Hypercore whose key pair its owner has. */
interface WriterCore extends ClientCore {
  readonly key: Uint8Array
  readonly fork: number
  append(blocks: readonly Uint8Array[]): Promise<{ length: number }>
  truncate(length: number): Promise<void>
}
interface ClientOptions {
  readonly key: Buffer
  readonly allowPush?: boolean
}

/** A program with a Corestore of its own that knows nothing of this one but keys of feeds. */
async function client(log: HypercoreLog): Promise<{
  readonly store: Corestore
  readonly stream: NoiseSecretStream
  get(feed: FeedSpec, allowPush?: boolean): Promise<ClientCore>
}> {
  const folder = await tempFolder()
  const store = new Corestore(new HypercoreStorage(join(folder.path, 'client')))
  await store.ready()
  const [here, there] = duplexPair()
  log.replicate(here)
  const stream = new NoiseSecretStream(true, there, { keepAlive: 0 })
  stream.on('error', () => undefined)
  store.replicate(stream as unknown as Duplex)
  onTestFinished(async () => {
    stream.destroy()
    await store.close()
    await folder[Symbol.asyncDispose]()
  })
  return {
    store,
    stream,
    get: async (feed, allowPush = false) => {
      const options: ClientOptions = { key: Buffer.from(log.feedKey(feed)), allowPush }
      const core = store.get(options) as ClientCore
      await core.ready()
      return core
    },
  }
}

function duplexPair(): readonly [Duplex, Duplex] {
  const ends: Duplex[] = []
  const make = (other: number): Duplex =>
    new Duplex({
      allowHalfOpen: false,
      read: () => undefined,
      write: (bytes, _, done) => {
        ends[other]?.push(bytes)
        setImmediate(done)
      },
      destroy: (_, done) => {
        ends[other]?.destroy()
        done(null)
      },
    })
  const [left, right] = [make(1), make(0)]
  ends.push(left, right)
  return [left, right]
}

const read = async (core: Hypercore, index: number): Promise<Buffer> =>
  Buffer.from((await (core as unknown as { get(index: number): Promise<Uint8Array | null> }).get(index)) ?? [])

async function openLog(feedsReplicatedMax?: number): Promise<HypercoreLog> {
  const folder = await tempFolder()
  const log = await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED, feedsReplicatedMax })
  onTestFinished(async () => {
    await log[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  })
  return log
}

test('whoever knows the key of a feed replicates it as it is now, though its Hypercore lags behind', async () => {
  const log = await openLog()
  const feed = messagesOf('a')
  for (let index = 0; index < 20; index++) await log.commit([blockOf(feed, index)])
  const { get } = await client(log)
  const core = await get(feed)
  expect(await read(core, 19)).toEqual(Buffer.from(blockOf(feed, 19).bytes))
  expect(core.length).toBe(20)
  expect(await read(core, 3)).toEqual(Buffer.from(blockOf(feed, 3).bytes))
})

test('a writer that cuts its feed and goes on otherwise changes nothing in a replica, nor gives it anything', async () => {
  const log = await openLog()
  const feed = foreign('a')
  const all = bytesOf(feed, 5)
  await log.take(feed, pieceOf(feed, all, 0))
  const honest = messagesOf('b')
  await log.commit([blockOf(honest, 0)])
  const { store, get } = await client(log)
  const writer = store.get({ manifest: manifestOf(feed), keyPair: keyPairOf(OTHER_SEED) }) as unknown as WriterCore
  await writer.ready()
  expect(new Uint8Array(writer.key)).toEqual(log.feedKey(feed))
  await writer.append(all.map(bytes => Buffer.from(bytes)))
  await writer.truncate(3)
  await writer.append(['another', 'and another', 'and more', 'than it had'].map(text => Buffer.from(text)))
  expect([writer.length, writer.fork]).toEqual([7, 1])
  await writer.update({ wait: true }).catch(() => undefined)
  // What is asked later over the same stream was answered: so was the writer's own feed looked at.
  expect(await read(await get(honest), 0)).toEqual(Buffer.from(blockOf(honest, 0).bytes))
  await log.drain()
  expect(await collect(log.blocks(feed, 0))).toEqual(all)
  expect(log.frozen).toEqual([])
  // Nor by pieces: a head of less says nothing new, and another block behind what is shared is a proof.
  expect(await log.take(feed, pieceOf(feed, all.slice(0, 3), 0))).toEqual({ status: 'taken', length: 5 })
  const other = [...all.slice(0, 3), ...bytesOf(feed, 4, 'other').slice(3)]
  expect(await log.take(feed, pieceOf(feed, other, 3))).toMatchObject({ status: 'conflict', length: 3 })
  expect(await collect(log.blocks(feed, 0))).toEqual(all.slice(0, 3))
})

test('new blocks come by themselves, pushed to those who allow it', async () => {
  const log = await openLog()
  const feed = messagesOf('a')
  await log.commit([blockOf(feed, 0)])
  const { get } = await client(log)
  const core = await get(feed, true)
  await read(core, 0)
  const appended = new Promise<void>(resolve => core.on('append', () => resolve()))
  await log.commit([blockOf(feed, 1)])
  await appended
  expect(core.length).toBe(2)
  await expect.poll(() => core.get(1, { wait: false })).toEqual(Buffer.from(blockOf(feed, 1).bytes))
})

test('feeds that were taken over from others are given on', async () => {
  const log = await openLog()
  const feed = foreign('a')
  const all = bytesOf(feed, 30)
  await log.take(feed, pieceOf(feed, all.slice(0, 12), 0))
  const { get } = await client(log)
  const core = await get(feed)
  expect(await read(core, 11)).toEqual(Buffer.from(all[11] ?? []))
  await log.take(feed, pieceOf(feed, all, 12))
  await expect.poll(() => core.length).toBe(30)
  expect(await read(core, 29)).toEqual(Buffer.from(all[29] ?? []))
})

test('Hypercores are open only as long as somebody replicates them', async () => {
  const log = await openLog()
  const feeds = ['a', 'b', 'c'].map(messagesOf)
  for (const feed of feeds) await log.commit([blockOf(feed, 0)])
  const { get, stream } = await client(log)
  for (const feed of feeds) await read(await get(feed), 0)
  expect(log.figures.replicated).toBe(3)
  stream.destroy()
  await expect.poll(() => log.figures.replicated).toBe(0)
  for (const feed of feeds) await log.commit([blockOf(feed, 1)])
  await log.drain()
  expect(await log.length(feeds[0] ?? messagesOf('a'))).toBe(2)
})

test('many streams together have so many Hypercores open, and no more', async () => {
  const log = await openLog(2)
  const feeds = Array.from({ length: 9 }, (_, at) => messagesOf(`feed ${at}`))
  for (const feed of feeds) await log.commit([blockOf(feed, 0)])
  await log.drain()
  const of = (at: number): FeedSpec => feeds[at] ?? messagesOf('')
  for (let at = 0; at < 8; at += 2) {
    const { get } = await client(log)
    for (const one of [at, at + 1]) await read(await get(of(one)), 0)
  }
  expect(log.figures.replicated).toBe(8)
  // Feeds that are open are given to more; others wait.
  const { get } = await client(log)
  await get(of(8))
  expect(await read(await get(of(0)), 0)).toEqual(Buffer.from(blockOf(of(0), 0).bytes))
  expect(log.figures.replicated).toBe(8)
})

test('what is no feed is not given, and whoever asks for too much is cut', async () => {
  const log = await openLog(20)
  await log.commit([blockOf(messagesOf('a'), 0)])
  await log.drain()
  const directory = log.corestore.get({ name: 'directory' })
  await directory.ready()
  const { get, stream } = await client(log)
  const other = { ...messagesOf('a'), epoch: 7 }
  const asked = await Promise.all([get(other), get(messagesOf('nowhere'))])
  await expect(
    Promise.race([...asked.map(core => core.update({ wait: true })), new Promise(resolve => setTimeout(resolve, 300))]),
  ).resolves.not.toBe(true)
  expect(log.figures.replicated).toBe(0)
  expect(stream.destroyed).toBe(false)
  for (let at = 0; at < 20; at++) void get({ ...messagesOf('a'), epoch: at + 100 }).catch(() => undefined)
  await expect.poll(() => stream.destroyed, { timeout: 60_000 }).toBe(true)
  await directory.close()
})
