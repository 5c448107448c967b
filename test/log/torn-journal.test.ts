import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HypercoreLog, type OpenProgress } from '../../log/index.ts'
import { decodeHeader } from '../../log/journal/journal-format.ts'
import { Failure } from '../../protocol/index.ts'
import { blockOf, collect, messagesOf, NODE_SEED } from '../conformance/log.ts'
import { copyAsCrashed, liveSegment, openCopy, sealed } from './damage.ts'
import { tempFolder } from './temp-folder.ts'

// Feeds that lack what the journal holds: only the journal can tell what was acknowledged.
const feed = messagesOf('a')
const blocks = [0, 1, 2].map(index => blockOf(feed, index, `text ${index} of the message`))
let folder: { path: string } & AsyncDisposable
let base: string

beforeAll(async () => {
  folder = await tempFolder()
  base = join(folder.path, 'base')
  const path = join(folder.path, 'folder')
  await using log = await HypercoreLog.open({ directory: path, keySeed: NODE_SEED })
  await copyAsCrashed(join(path, 'feeds'), join(folder.path, 'feeds'))
  for (const block of blocks) await log.commit([block])
  await log.drain()
  await sealed(path)
  await copyAsCrashed(path, base)
  await rm(join(base, 'feeds'), { recursive: true })
  await rename(join(folder.path, 'feeds'), join(base, 'feeds'))
})

afterAll(() => folder[Symbol.asyncDispose]())

/** Where groups begin, by their magic bytes. */
async function groupsIn(segment: string): Promise<number[]> {
  const bytes = await readFile(segment)
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(decodeHeader(bytes)?.groupMagic ?? 0)
  const found: number[] = []
  for (let at = bytes.indexOf(magic); at !== -1; at = bytes.indexOf(magic, at + 1)) found.push(at)
  return found
}

/** A copy of the crashed folder whose live segment was changed. */
async function changed(name: string, change: (bytes: Buffer, groups: readonly number[]) => Buffer): Promise<string> {
  const path = join(folder.path, name)
  await copyAsCrashed(base, path)
  const segment = await liveSegment(path)
  await writeFile(segment, change(await readFile(segment), await groupsIn(segment)))
  return path
}

const isDamaged = (error: unknown): boolean => Failure.is(error, 'data-folder-damaged')

test('what feeds lost is given back to them out of the journal', async () => {
  const progress: OpenProgress[] = []
  const path = await changed('unchanged', bytes => bytes)
  await using log = await openCopy(path, { onProgress: each => progress.push(each) })
  expect(progress.at(-1)).toEqual({ phase: 'journal', done: 3, total: 3 })
  expect(log.recovered).toEqual(blocks)
  expect(await collect(log.blocks(feed, 0))).toEqual(blocks.map(({ bytes }) => bytes))
})

test('a group that was written in part is dropped, and all before it is there', async () => {
  const path = await changed('torn', (bytes, groups) =>
    Buffer.concat([bytes, bytes.subarray(groups[0], (groups[1] ?? 0) - 5)]),
  )
  await using log = await openCopy(path)
  expect(await log.length(feed)).toBe(3)
  await log.commit([blockOf(feed, 3)])
})

test('the last acknowledged group, damaged, does not pass for a torn write', async () => {
  const path = await changed('flipped', bytes => {
    const at = bytes.lastIndexOf('text 2 of the message')
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return bytes
  })
  await expect(openCopy(path)).rejects.toSatisfy(isDamaged)
})

test('a damaged group in the middle is refused, never skipped', async () => {
  const path = await changed('middle', bytes => {
    const at = bytes.indexOf('text 1 of the message')
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return bytes
  })
  await expect(openCopy(path)).rejects.toSatisfy(isDamaged)
})

test('groups in another order are refused', async () => {
  const path = await changed('swapped', (bytes, groups) => {
    const [a, b, c] = groups
    return Buffer.concat([bytes.subarray(0, a), bytes.subarray(b, c), bytes.subarray(a, b), bytes.subarray(c)])
  })
  await expect(openCopy(path)).rejects.toSatisfy(isDamaged)
})

test('a journal that was written for another key is not signed with this one', async () => {
  const path = await changed('key', bytes => bytes)
  await using log = await openCopy(path, { keySeed: new Uint8Array(32).fill(7) })
  expect(log.frozen.map(({ feed: { process } }) => process)).toEqual([feed.process])
})
