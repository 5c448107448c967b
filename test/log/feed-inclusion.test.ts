import { describe, expect, test } from 'vitest'
import { HypercoreLog } from '../../log/index.ts'
import {
  blockHash,
  CborReader,
  CborWriter,
  type FeedInclusion,
  FeedTree,
  type FeedTrees,
  includedIn,
  type Log,
  proveInclusion,
  readInclusion,
  toHex,
  treeAt,
  writeInclusion,
} from '../../protocol/index.ts'
import { blockOf, messagesOf, NODE_SEED } from '../conformance/log.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { tempFolder } from './temp-folder.ts'

const LENGTH = 21
const feed = messagesOf('a')

/** A feed of blocks of many sizes, one of them empty of text; gives the tree of each length. */
async function fill(log: Log): Promise<string[]> {
  const tree = new FeedTree()
  const hashes: string[] = []
  for (let index = 0; index < LENGTH; index++) {
    const block = blockOf(feed, index, 'x'.repeat(index * 7))
    await log.commit([block])
    tree.append(block.bytes)
    hashes.push(toHex(tree.hash()))
  }
  return hashes
}

async function proven(trees: FeedTrees, index: number, length: number): Promise<FeedInclusion> {
  const inclusion = await proveInclusion(trees, feed, index, length)
  if (inclusion === undefined) throw new TypeError('expected a proof')
  return inclusion
}

describe.each(['hypercore', 'memory'])('inclusion in a feed of the %s log', kind => {
  test('is proven for every block at every length since, and the tree of each length is told', async () => {
    await using folder = await tempFolder()
    await using log: Log =
      kind === 'memory' ? MemoryLog.open() : await HypercoreLog.open({ directory: folder.path, keySeed: NODE_SEED })
    const hashes = await fill(log)
    for (let length = 1; length <= LENGTH; length++) {
      const tree = await treeAt(log.trees, feed, length)
      expect(tree && toHex(tree.hash()), `length ${length}`).toBe(hashes[length - 1])
      for (let index = 0; index < length; index++) {
        const block = await log.block(feed, index)
        const inclusion = await proven(log.trees, index, length)
        const found = includedIn(blockHash(block ?? new Uint8Array(0)), inclusion)
        expect(found && toHex(found.hash()), `${index} of ${length}`).toBe(hashes[length - 1])
      }
    }
    expect(await treeAt(log.trees, feed, LENGTH + 1)).toBeUndefined()
    expect(await proveInclusion(log.trees, feed, LENGTH, LENGTH + 1)).toBeUndefined()
    expect(await proveInclusion(log.trees, messagesOf('nobody'), 0, 1)).toBeUndefined()
  })
})

describe('a proof of inclusion', () => {
  test('leads elsewhere once anything in it is changed', async () => {
    const log = MemoryLog.open()
    const hashes = await fill(log)
    const leaf = blockHash((await log.block(feed, 5)) ?? new Uint8Array(0))
    const inclusion = await proven(log.trees, 5, LENGTH)
    const leadsTo = (changed: Partial<FeedInclusion>, from = leaf): string | undefined => {
      const tree = includedIn(from, { ...inclusion, ...changed })
      return tree && toHex(tree.hash())
    }
    expect(leadsTo({})).toBe(hashes.at(-1))
    const [first] = inclusion.path
    const bent = { size: first?.size ?? 0, hash: (first?.hash ?? leaf).map(byte => byte ^ 1) }
    for (const wrong of [
      leadsTo({ index: 4 }),
      leadsTo({ index: 7 }),
      leadsTo({ size: inclusion.size + 1 }),
      leadsTo({ length: LENGTH - 1 }),
      leadsTo({ length: LENGTH + 1 }),
      leadsTo({ path: inclusion.path.slice(1) }),
      leadsTo({ path: [bent, ...inclusion.path.slice(1)] }),
      leadsTo({ roots: [...inclusion.roots].reverse() }),
      leadsTo({ roots: [] }),
      leadsTo({ index: -1 }),
      leadsTo({ index: LENGTH }),
      leadsTo({ length: 2 ** 53 - 1 }),
      leadsTo(
        {},
        leaf.map(byte => byte ^ 1),
      ),
    ]) {
      expect(wrong).not.toBe(hashes.at(-1))
    }
  })

  test('goes there and back as bytes, of about 34 for each bit of the length', async () => {
    const log = MemoryLog.open()
    await fill(log)
    const inclusion = await proven(log.trees, 5, LENGTH)
    const writer = new CborWriter()
    writeInclusion(writer, inclusion)
    const bytes = writer.finish()
    expect(readInclusion(new CborReader(bytes))).toEqual(inclusion)
    expect(bytes.length).toBeLessThan(40 * (inclusion.path.length + inclusion.roots.length) + 12)
  })
})
