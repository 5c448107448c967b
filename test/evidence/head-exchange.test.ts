import { expect, test } from 'vitest'
import { HeadExchange } from '../../evidence/index.ts'
import { type EvidenceEntry, Failure, HEADS_EVERY_MS, type KeyId } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem } from '../fakes/signed-items.ts'

const [slow, quick] = [keyOf(21), keyOf(22)]

test('a peer that takes nothing keeps no other from being shown what is new', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  await process.log.directory.addProcess(process.description, process.spawn)
  const clock = new ManualClock()
  const shown: number[] = []
  const never = new Promise<never>(() => undefined)
  const peers = {
    // Whoever connected first is the slow one.
    peers: [slow, quick] as readonly KeyId[],
    showHeads: async (to: KeyId, heads: readonly { prefix: { length: number } }[]) => {
      if (to === slow) return never
      shown.push(...heads.map(({ prefix }) => prefix.length))
    },
    prefix: async () => undefined,
    tell: () => never,
    lacks: () => never,
  }
  using _exchange = new HeadExchange({
    log: process.log,
    clock,
    peers,
    book: { toTell: () => ({ proofs: [], complaints: [] }), conflict: async () => undefined } as never,
    trouble: () => undefined,
  })
  await settle()
  expect(shown).toEqual([1])
  for (const length of [2, 3]) {
    await process.add([{ kind: 'item', item: messageItem(process.id, { data: `${length}` }).bytes }])
    clock.advance(HEADS_EVERY_MS)
    await settle()
    expect(shown.at(-1)).toBe(length)
  }
})

test('a peer that is just starting is shown everything once it takes it, evidence too', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  await process.log.directory.addProcess(process.description, process.spawn)
  const clock = new ManualClock()
  const [told, shown]: [Uint8Array[], number[]] = [[], []]
  const proof = { kind: 'fault', bytes: Uint8Array.of(1) } as EvidenceEntry
  let failure: 'busy' | 'bad-evidence' | undefined = 'busy'
  const unlessFailing = (): void => {
    if (failure !== undefined) throw new Failure(failure)
  }
  using exchange = new HeadExchange({
    log: process.log,
    clock,
    peers: {
      peers: [quick],
      showHeads: async (_, heads) => {
        unlessFailing()
        shown.push(...heads.map(({ prefix }) => prefix.length))
      },
      prefix: async () => undefined,
      tell: async (_, bytes) => {
        unlessFailing()
        told.push(bytes)
      },
      lacks: async () => [],
    },
    book: { toTell: () => ({ proofs: [proof], complaints: [] }), conflict: async () => undefined } as never,
    trouble: () => undefined,
  })
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= HEADS_EVERY_MS) {
      clock.advance(HEADS_EVERY_MS)
      await settle()
    }
  }
  await settle()
  await pass(3 * HEADS_EVERY_MS)
  expect([told, shown]).toEqual([[], []])
  failure = undefined
  await pass(10 * HEADS_EVERY_MS)
  expect([told, shown]).toEqual([[Uint8Array.of(1)], [1]])
  // Evidence that came up later and was not taken is told when the peer is met again.
  for (const code of ['busy', 'bad-evidence'] as const) {
    failure = code
    exchange.share(proof, undefined)
    await settle()
  }
  failure = undefined
  await pass(10 * HEADS_EVERY_MS)
  expect([told.length, shown]).toEqual([2, [1, 1]])
})

test('what is not hashed yet is shown in a later round, though the feed does not grow any more', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  await process.log.directory.addProcess(process.description, process.spawn)
  const clock = new ManualClock()
  const shown: number[] = []
  let hashed = 1
  const { log } = process
  using _exchange = new HeadExchange({
    log: {
      trees: log.trees,
      directory: log.directory,
      compare: (...asked) => log.compare(...asked),
      length: feed => log.length(feed),
      watch: grew => log.watch(grew),
      prefix: async (feed, length = hashed) => log.prefix(feed, length),
    },
    clock,
    peers: {
      peers: [quick],
      showHeads: async (_, heads) => void shown.push(...heads.map(({ prefix }) => prefix.length)),
      prefix: async () => undefined,
      tell: async () => undefined,
      lacks: async () => [],
    },
    book: { toTell: () => ({ proofs: [], complaints: [] }), conflict: async () => undefined } as never,
    trouble: () => undefined,
  })
  await settle()
  await process.add([{ kind: 'item', item: messageItem(process.id, { data: 'more' }).bytes }])
  clock.advance(HEADS_EVERY_MS)
  await settle()
  expect(shown.at(-1)).toBe(1)
  hashed = 2
  clock.advance(HEADS_EVERY_MS)
  await settle()
  expect(shown.at(-1)).toBe(2)
  const { length } = shown
  clock.advance(HEADS_EVERY_MS)
  await settle()
  expect(shown).toHaveLength(length)
})
