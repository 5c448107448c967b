import { describe, expect, test } from 'vitest'
import { AssignmentChain } from '../../../gateway/ao/assignment-chain.ts'
import { readSlots, type SlotEntry } from '../../../gateway/ao/feed-reader.ts'
import {
  asMessageId,
  createDataItem,
  type Envelope,
  type Log,
  signDataItemSync,
  type DataItemFields,
} from '../../../protocol/index.ts'
import { MemoryLog } from '../../fakes/memory-log.ts'
import { findFault } from './check-assignments.ts'
import { FakeNode, NODE_KEY } from './fake-node.ts'
import { Sender } from './sender.ts'

const SEED = new Uint8Array(32).fill(1)

async function feedOf(slots: number) {
  const node = await FakeNode.open()
  const sender = new Sender(node)
  const process = await sender.spawn(await sender.module())
  const perFrame = 50
  for (let slot = 1; slot < slots; slot += perFrame) {
    node.nowMs += 1
    const items: Envelope[] = []
    for (let i = slot; i < Math.min(slot + perFrame, slots); i++) {
      const { bytes } = await sender.item({ target: process, pairs: ['Type', 'Message'] })
      items.push({ kind: 'item', item: bytes })
    }
    await node.write(process, ...items)
  }
  return { node, process: await node.description(process) }
}

function counted(log: MemoryLog) {
  let made = 0
  const signItem = (fields: DataItemFields) => {
    made++
    return signDataItemSync(fields, SEED)
  }
  return { chain: new AssignmentChain({ log, key: NODE_KEY, signItem }), made: () => made }
}

async function entriesOf(
  node: FakeNode,
  process: Parameters<typeof readSlots>[1],
  from = 0,
  to = Infinity,
): Promise<SlotEntry[]> {
  const entries: SlotEntry[] = []
  for await (const entry of readSlots(node.log, process, from, to)) entries.push(entry)
  return entries
}

describe('assignment items', () => {
  test('of 1,000 slots hold for a checker that shares no code with us', async () => {
    const { node, process } = await feedOf(1000)
    await using _ = node
    const { chain } = counted(node.log)
    const seen = await chain.assignments(process, await entriesOf(node, process))
    expect(seen).toHaveLength(1000)
    expect(findFault(process.id, seen)).toBeUndefined()
  })

  test('changed in any part are found by the checker', async () => {
    const { node, process } = await feedOf(3)
    await using _ = node
    const seen = await counted(node.log).chain.assignments(process, await entriesOf(node, process))
    const change = (name: string, value: string) =>
      seen.map((one, i) =>
        i !== 1 ? one : { ...one, tags: one.tags.map(tag => (tag.name === name ? { name, value } : tag)) },
      )
    expect(findFault(process.id, seen)).toBeUndefined()
    expect(findFault(process.id, change('Block-Height', '1'))).toBe('nonce 1: signature does not hold')
    expect(findFault(process.id, change('Message', process.id))).toBe('nonce 1: signature does not hold')
    expect(findFault(process.id, change('Hash-Chain', process.id))).toBe('nonce 1: hash chain broken')
    expect(findFault(process.id, seen.toSpliced(1, 1))).toContain('nonce 1')
    expect(findFault(NODE_KEY, seen)).toContain('another process')
  })

  test('are the same whenever they are made, and made once', async () => {
    const { node, process } = await feedOf(120)
    await using _ = node
    const entries = await entriesOf(node, process)
    const first = counted(node.log)
    const early = await first.chain.assignments(process, entries.slice(0, 30))
    const again = counted(node.log)
    const [all, late] = await Promise.all([
      again.chain.assignments(process, entries),
      again.chain.assignments(process, entries.slice(100)),
    ])
    expect(all.slice(0, 30)).toEqual(early)
    expect(late).toEqual(all.slice(100))
    expect(first.made()).toBe(30)
    expect(again.made()).toBe(90)
    // A store that lost its caches: the same items come out of the feed.
    const other = MemoryLog.open({ from: node.log })
    const spawn = await node.log.directory.spawnEnvelope(process.id)
    if (spawn === undefined) throw new Error('no spawn')
    await other.directory.addProcess(process, spawn)
    const fresh = counted(other)
    expect(await fresh.chain.assignments(process, entries)).toEqual(all)
    expect(fresh.made()).toBe(120)
  })

  test('that take long are waited for only so long, and are there later', async () => {
    const { node, process } = await feedOf(3)
    await using _ = node
    const entries = await entriesOf(node, process)
    const gate = Promise.withResolvers<void>()
    const blocks = node.log.blocks.bind(node.log)
    const slow: Log = Object.create(node.log, {
      blocks: {
        value: async function* (...args: Parameters<Log['blocks']>) {
          await gate.promise
          yield* blocks(...args)
        },
      },
      length: { value: node.log.length.bind(node.log) },
      block: { value: node.log.block.bind(node.log) },
    })
    const signItem = (fields: DataItemFields) => signDataItemSync(fields, SEED)
    const chain = new AssignmentChain({ log: slow, key: NODE_KEY, signItem, waitMs: 20 })
    await expect(chain.assignments(process, entries)).rejects.toMatchObject({ code: 'timeout' })
    await expect(chain.slotOf(process, NODE_KEY, 3)).rejects.toMatchObject({ code: 'timeout' })
    gate.resolve()
    const seen = await new AssignmentChain({ log: slow, key: NODE_KEY, signItem }).assignments(process, entries)
    expect(findFault(process.id, seen)).toBeUndefined()
  })

  test('name the message, but not for the process itself', async () => {
    const { node, process } = await feedOf(2)
    await using _ = node
    const [spawn, message] = await counted(node.log).chain.assignments(process, await entriesOf(node, process))
    expect(spawn?.tags.map(({ name }) => name)).toEqual([
      'Process',
      'Epoch',
      'Nonce',
      'Hash-Chain',
      'Block-Height',
      'Timestamp',
      'Data-Protocol',
      'Type',
      'Variant',
    ])
    expect(message?.tags.at(-1)?.name).toBe('Message')
    expect(await node.log.messages.slotOf(process.id, asMessageId(message?.tags.at(-1)?.value ?? ''))).toBe(1)
  })

  test('of assigned messages tell what was left out, and are found by the message and by their own id', async () => {
    const { node, process } = await feedOf(2)
    await using _ = node
    const item = await createDataItem({ data: 'x', tags: [], target: NODE_KEY }, new Sender(node, 5).signer)
    const { slot } = await node.write(process.id, {
      kind: 'assign',
      message: { kind: 'item', item: item.bytes },
      exclude: ['Data', 'Anchor'],
    })
    const { chain } = counted(node.log)
    const [seen] = await chain.assignments(process, await entriesOf(node, process, slot))
    expect(seen?.tags.slice(-3)).toEqual([
      { name: 'Message', value: item.id },
      { name: 'Exclude', value: 'Data' },
      { name: 'Exclude', value: 'Anchor' },
    ])
    expect(await chain.slotOf(process, item.id, slot + 1)).toBe(slot)
    expect(await chain.slotOf(process, seen?.id ?? '', slot + 1)).toBe(slot)
    expect(await chain.slotOf(process, NODE_KEY, slot + 1)).toBeUndefined()
  })
})
