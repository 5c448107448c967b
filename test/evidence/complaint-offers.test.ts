import { expect, onTestFinished, test } from 'vitest'
import { type Evidence, openEvidence } from '../../node/opening/open-evidence.ts'
import { asKeyId, encodeComplaint, Failure, HEADS_EVERY_MS, type KeyId, makeComplaint } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'

const witness = { seed: seedOf(50), key: Uint8Array.from(Buffer.from(keyOf(50), 'base64url')) }

/** Nodes that are all connected to each other. */
async function connected(count: number) {
  const process = await ProvenProcess.open([11], 1, [])
  const clock = new ManualClock(1_000_000)
  const nodes = new Map<KeyId, Evidence>()
  const given: [from: KeyId, to: KeyId][] = []
  const mute = new Set<KeyId>()
  for (let n = 0; n < count; n++) {
    const key = asKeyId(keyOf(30 + n))
    const at = (to: KeyId): Evidence => {
      const node = nodes.get(to)
      if (node === undefined || mute.has(to) || mute.has(key)) throw new Failure('unreachable')
      return node
    }
    const evidence = await openEvidence({
      key,
      seed: seedOf(30 + n),
      log: MemoryLog.open(),
      clock,
      describe: async id => (id === process.id ? process.description : undefined),
      trouble: () => undefined,
      peers: {
        get peers() {
          return [...nodes.keys()].filter(other => other !== key)
        },
        showHeads: async () => undefined,
        prefix: async () => undefined,
        lacks: async (to, ids) => at(to).book.lacks(ids),
        tell: async (to, bytes) => {
          given.push([key, to])
          await at(to).book.take(bytes, key)
        },
      },
    })
    nodes.set(key, evidence)
    onTestFinished(() => evidence[Symbol.dispose]())
  }
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= HEADS_EVERY_MS / 3) {
      clock.advance(HEADS_EVERY_MS / 3)
      await settle(60)
    }
  }
  await pass(2 * HEADS_EVERY_MS)
  const complaint = (): Uint8Array =>
    encodeComplaint(makeComplaint({ item: messageItem(process.id).bytes, sinceMs: 1_000, untilMs: 12_000, witness }))
  const known = (): number[] => Array.from(nodes.values(), ({ book }) => book.list({ kind: 'complaint' }).length)
  return { nodes, keys: [...nodes.keys()], given, mute, pass, complaint, known }
}

test('a complaint is given once to each node that lacks it, however many could give it', async () => {
  const { nodes, keys, given, pass, complaint, known } = await connected(6)
  const [first] = keys
  const book = first && nodes.get(first)?.book
  for (let n = 0; n < 3; n++) await book?.take(complaint())
  await pass(3 * HEADS_EVERY_MS)
  expect(known()).toEqual([3, 3, 3, 3, 3, 3])
  expect(given).toHaveLength(3 * 5)
})

test('whoever was not reached gets it when it is, and a complaint that its giver owes is had from another later', async () => {
  const { nodes, keys, mute, pass, complaint, known } = await connected(3)
  const [first, second, third] = keys as [KeyId, KeyId, KeyId]
  mute.add(third)
  const bytes = complaint()
  await nodes.get(first)?.book.take(bytes)
  await pass(3 * HEADS_EVERY_MS)
  expect(known()).toEqual([1, 1, 0])
  mute.delete(third)
  await pass(40 * HEADS_EVERY_MS)
  expect(known()).toEqual([1, 1, 1])
  // Somebody names it and never gives it.
  const owed = complaint()
  const [id] = nodes.get(second)?.book.lacks([(await nodes.get(first)?.book.take(owed))?.id ?? '']) ?? []
  expect(id).toBeDefined()
  expect(nodes.get(second)?.book.lacks([id ?? ''])).toEqual([])
  await pass(8 * HEADS_EVERY_MS)
  expect(nodes.get(second)?.book.lacks([id ?? ''])).toEqual([id])
})
