import { cp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HypercoreLog, isOpen } from '../../log/index.ts'
import {
  asMessageId,
  encodeFrame,
  Failure,
  type FailureCode,
  messagesFeed,
  type NewBlock,
} from '../../protocol/index.ts'
import { collect, NODE_SEED, spawnNamed } from '../conformance/log.ts'
import { Acknowledged, copyAsCrashed, openCopy } from './damage.ts'
import { tempFolder } from './temp-folder.ts'

const open = (directory: string): Promise<HypercoreLog> => HypercoreLog.open({ directory, keySeed: NODE_SEED })
const isFailure = (code: FailureCode) => (error: unknown) => Failure.is(error, code)

test('a copy of the whole folder is refused, unless the operator vouches for it', async () => {
  await using folder = await tempFolder()
  const [original, copy] = [join(folder.path, 'original'), join(folder.path, 'copy')]
  const acknowledged = new Acknowledged(2)
  {
    await using log = await open(original)
    await acknowledged.grow(log)
  }
  await cp(original, copy, { recursive: true, preserveTimestamps: true })
  await expect(open(copy)).rejects.toSatisfy(isFailure('data-folder-moved'))
  {
    await using log = await openCopy(copy)
    await acknowledged.check(log, 'the copy')
  }
  // Once accepted it is the folder of record at its new place.
  await using log = await open(copy)
  await acknowledged.check(log, 'the copy, opened again')
})

test('a folder that was renamed is the same folder', async () => {
  await using folder = await tempFolder()
  const acknowledged = new Acknowledged(1)
  {
    await using log = await open(join(folder.path, 'old'))
    await acknowledged.grow(log)
  }
  await rename(join(folder.path, 'old'), join(folder.path, 'new'))
  await using log = await open(join(folder.path, 'new'))
  await acknowledged.check(log, 'renamed')
})

test('a second opener is refused with the name of the folder, and disturbs nothing', async () => {
  await using folder = await tempFolder()
  const acknowledged = new Acknowledged(2)
  await using log = await open(folder.path)
  await acknowledged.grow(log)
  await expect(open(folder.path)).rejects.toMatchObject({
    code: 'data-folder-locked',
    details: { folder: folder.path },
  })
  await acknowledged.grow(log)
  await acknowledged.check(log, 'the first opener')
})

test('who asks whether a folder is in use makes no log, and changes none', async () => {
  await using folder = await tempFolder()
  const [place, journal] = [join(folder.path, 'log'), join(folder.path, 'log', 'journal')]
  const acknowledged = new Acknowledged(2)
  expect(await isOpen(place)).toBe(false)
  expect(await readdir(folder.path)).toEqual([])
  {
    await using log = await open(place)
    await acknowledged.grow(log)
    expect(await isOpen(place)).toBe(true)
    await acknowledged.grow(log)
  }
  const [parts, segments] = [await readdir(place), await readdir(journal)]
  expect(await isOpen(place)).toBe(false)
  expect([await readdir(place), await readdir(journal)]).toEqual([parts, segments])
  await using log = await open(place)
  await acknowledged.check(log, 'the log, after it was asked for')
})

/** A folder, and a copy of it from before its journal's first segment was dropped. */
async function folderAndOlder(path: string): Promise<Acknowledged> {
  const acknowledged = new Acknowledged(3)
  const [folder, older] = [join(path, 'folder'), join(path, 'older')]
  {
    await using log = await open(folder)
    await acknowledged.grow(log)
    await log.drain()
    await copyAsCrashed(folder, older)
    await acknowledged.grow(log)
  }
  await using log = await open(folder)
  await acknowledged.grow(log)
  return acknowledged
}

for (const part of ['feeds', 'store', 'journal'] as const) {
  test(`an older copy of ${part}, put beside the rest, is refused`, async () => {
    await using folder = await tempFolder()
    await folderAndOlder(folder.path)
    const path = join(folder.path, 'folder')
    await rm(join(path, part), { recursive: true })
    await cp(join(folder.path, 'older', part), join(path, part), { recursive: true })
    await expect(openCopy(path)).rejects.toSatisfy(isFailure('data-folder-damaged'))
  })
}

for (const part of ['feeds', 'journal'] as const) {
  test(`a folder without its ${part} is refused`, async () => {
    await using folder = await tempFolder()
    await folderAndOlder(folder.path)
    const path = join(folder.path, 'folder')
    await rm(join(path, part), { recursive: true })
    await expect(openCopy(path)).rejects.toSatisfy(isFailure('data-folder-damaged'))
  })
}

test('an older copy of the feeds beside a journal that covers the difference loses nothing', async () => {
  await using folder = await tempFolder()
  const [path, crashed] = [join(folder.path, 'folder'), join(folder.path, 'crashed')]
  const acknowledged = new Acknowledged(3)
  {
    await using log = await open(path)
    await acknowledged.grow(log)
    await log.drain()
    await copyAsCrashed(join(path, 'feeds'), join(folder.path, 'feeds'))
    await acknowledged.grow(log)
    await log.drain()
    await copyAsCrashed(path, crashed)
  }
  await rm(join(crashed, 'feeds'), { recursive: true })
  await rename(join(folder.path, 'feeds'), join(crashed, 'feeds'))
  await using log = await openCopy(crashed)
  expect(await acknowledged.check(log, 'older feeds')).toBe(0)
  await acknowledged.grow(log)
})

test('a store that was removed is made anew out of the feeds', async () => {
  await using folder = await tempFolder()
  const spawn = spawnNamed('p')
  const feed = messagesFeed(spawn.description)
  const { item } = spawn
  const blocks: NewBlock[] = [0, 1, 2].map(index => ({
    feed,
    index,
    firstSlot: index * 2,
    bytes: encodeFrame(index * 2, [
      { timestampMs: 1, envelopeBytes: spawn.envelope },
      { timestampMs: 1, envelopeBytes: spawnNamed(`m${index}`).envelope },
    ]),
    ids: [asMessageId(spawn.description.id), asMessageId(spawnNamed(`m${index}`).description.id)],
  }))
  {
    await using log = await open(folder.path)
    await log.commit(blocks)
  }
  await rm(join(folder.path, 'store'), { recursive: true })
  await using log = await open(folder.path)
  expect(await log.messages.slotOf(feed.process, asMessageId(spawn.description.id))).toBe(0)
  expect(await log.messages.slotOf(feed.process, asMessageId(spawnNamed('m2').description.id))).toBe(5)
  expect(await log.directory.spawnEnvelope(spawn.description.id)).toEqual(spawn.envelope)
  expect(item.length).toBeGreaterThan(0)
  expect(await collect(log.blocks(feed, 0))).toHaveLength(3)
})

test('a folder whose folder.json cannot be read, or is gone, is refused', async () => {
  await using folder = await tempFolder()
  {
    await using log = await open(folder.path)
    await new Acknowledged(1).grow(log)
  }
  await writeFile(join(folder.path, 'folder.json'), '{"version":2}')
  await expect(open(folder.path)).rejects.toSatisfy(isFailure('data-folder-damaged'))
  await rm(join(folder.path, 'folder.json'))
  await expect(open(folder.path)).rejects.toSatisfy(isFailure('data-folder-damaged'))
})
