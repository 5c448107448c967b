import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import RocksDB from 'rocksdb-native'
import { expect, onTestFinished, test, vi } from 'vitest'
import { RocksStore } from '../../log/store/rocks-store.ts'
import { toUtf8 } from '../../protocol/index.ts'
import { tempFolder } from './temp-folder.ts'

test('a store that is closed while it is opened anew leaves nothing open', async () => {
  onTestFinished(() => void vi.restoreAllMocks())
  await using folder = await tempFolder()
  const store = await RocksStore.open(folder.path)
  const writing = vi.spyOn(RocksDB.prototype, 'write').mockImplementationOnce(() => {
    throw new Error('No space left on device')
  })
  store.write([{ key: toUtf8('k'), value: toUtf8('v') }])
  await expect(store.flush()).rejects.toMatchObject({ code: 'disk-full' })
  writing.mockRestore()
  const { promise, resolve } = Promise.withResolvers<void>()
  const { ready } = RocksDB.prototype
  const opening = vi.spyOn(RocksDB.prototype, 'ready').mockImplementation(async function (this: RocksDB) {
    await ready.call(this)
    await promise
  })
  await expect.poll(() => opening.mock.calls.length, { timeout: 60_000 }).toBe(1)
  const closed = store[Symbol.asyncDispose]().catch((error: unknown) => error)
  resolve()
  expect(await closed).toMatchObject({ code: 'disk-full' })
  opening.mockRestore()
  await using again = await RocksStore.open(folder.path)
  expect(await again.get(toUtf8('k'))).toBeUndefined()
})

test('whoever has it flushed waits for what it was given before, and not for what comes meanwhile', async () => {
  await using folder = await tempFolder()
  await using store = await RocksStore.open(folder.path)
  const put = (name: string): void => store.write([{ key: toUtf8(name), value: toUtf8('v') }])
  put('first')
  let isFlushed = false
  void store.flush().then(() => {
    isFlushed = true
  })
  // Somebody writes without a pause.
  for (let at = 0; !isFlushed; at++) {
    put(`next ${at}`)
    await new Promise<void>(resolve => setImmediate(resolve))
  }
  expect(await store.get(toUtf8('first'))).toBeDefined()
})

test('what is superseded by a change of a later batch is written all the same: a crash between both leaves it there', async () => {
  onTestFinished(() => void vi.restoreAllMocks())
  await using folder = await tempFolder()
  await using store = await RocksStore.open(folder.path)
  const batches: number[] = []
  const watched = new WeakSet<object>()
  const { write } = RocksDB.prototype
  vi.spyOn(RocksDB.prototype, 'write').mockImplementation(function (this: RocksDB, options) {
    const batch = write.call(this, options)
    batches.push(0)
    // They are used again.
    if (watched.has(batch)) return batch
    watched.add(batch)
    const put = batch.tryPut.bind(batch)
    batch.tryPut = (key, value) => {
      batches.push((batches.pop() ?? 0) + 1)
      put(key, value)
    }
    return batch
  })
  const key = (at: number): Uint8Array => toUtf8(String(at % 8_000))
  store.write(Array.from({ length: 8_001 }, (_, at) => ({ key: key(at), value: toUtf8(String(at)) })))
  await store.flush()
  expect(batches).toEqual([8_000, 1])
  expect(await store.get(key(0))).toEqual(toUtf8('8000'))
  batches.length = 0
  store.write(Array.from({ length: 100 }, (_, at) => ({ key: key(0), value: toUtf8(String(at)) })))
  await store.flush()
  expect(batches).toEqual([1])
})

test('whoever has it flushed while a run writes waits for what the next run took before', async () => {
  onTestFinished(() => void vi.restoreAllMocks())
  await using folder = await tempFolder()
  await using store = await RocksStore.open(folder.path)
  const batches: { readonly ended: PromiseWithResolvers<void>; isWritten: boolean }[] = []
  const held = new WeakSet<object>()
  const { write } = RocksDB.prototype
  vi.spyOn(RocksDB.prototype, 'write').mockImplementation(function (this: RocksDB, options) {
    const batch = write.call(this, options)
    // They are used again.
    if (held.has(batch)) return batch
    held.add(batch)
    const flush = batch.flush.bind(batch)
    batch.flush = async () => {
      const run = { ended: Promise.withResolvers<void>(), isWritten: false }
      batches.push(run)
      await run.ended.promise
      await flush()
      run.isWritten = true
    }
    return batch
  })
  const many = (name: string): void =>
    store.write(Array.from({ length: 300 }, (_, at) => ({ key: toUtf8(`${name} ${at}`), value: toUtf8('v') })))
  many('first')
  await expect.poll(() => batches.length, { timeout: 60_000 }).toBe(1)
  many('second')
  const flushed = store.flush().then(() => batches.map(({ isWritten }) => isWritten))
  batches[0]?.ended.resolve()
  await expect.poll(() => batches.length, { timeout: 60_000 }).toBe(2)
  // Whoever goes on too early does so now.
  for (let turn = 0; turn < 10; turn++) await new Promise<void>(resolve => setImmediate(resolve))
  batches[1]?.ended.resolve()
  expect(await flushed).toEqual([true, true])
})

test('of changes that the database has nothing outlives a collection of young objects, though the store has outlived many (0043)', async () => {
  setFlagsFromString('--expose-gc')
  setFlagsFromString('--no-allocation-site-pretenuring')
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void
  await using folder = await tempFolder()
  await using store = await RocksStore.open(folder.path)
  const key = (number: number): Uint8Array => Buffer.from(String(number).padStart(64, '0'))
  const [rounds, changes] = [150, 64]
  const pass = async (from: number): Promise<void> => {
    for (let round = from; round < from + rounds; round++) {
      store.write(Array.from({ length: changes }, (_, at) => ({ key: key(round * changes + at), value: key(at) })))
      await store.flush()
    }
  }
  await pass(0)
  collect()
  const before = process.memoryUsage().heapUsed
  await pass(rounds)
  collect({ type: 'minor' })
  collect({ type: 'minor' })
  const kept = process.memoryUsage().heapUsed - before
  // Left behind, each takes more than 300 bytes.
  expect(kept / (rounds * changes)).toBeLessThan(100)
})
