import { describe, expect, test, vi } from 'vitest'
import { EvidenceRoom } from '../../evidence/evidence-room.ts'
import { EvidenceBook } from '../../evidence/index.ts'
import { HypercoreLog } from '../../log/index.ts'
import {
  decodeEquivocation,
  encodeEnvelope,
  encodeEquivocation,
  encodeFrame,
  type Envelope,
  envelopeId,
  type EquivocationProof,
  equivocationOf,
  type Failure,
  EVIDENCE_PER_PROCESS_MAX,
  type FeedConflict,
  FeedTree,
  type Log,
  messagesFeed,
  type ProcessDescription,
  refuteEquivocation,
  type SignedBlocks,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'
import { tempFolder } from '../log/temp-folder.ts'

const PAGE = { bytes: 1_000_000, blocks: 100_000 }
const refusedAs = (code: Failure['code']) => expect.objectContaining({ code })

/** One scheduler, twice: both have the same first blocks, and then each its own. */
async function twins(
  common: number,
  ...own: [number, number]
): Promise<{ process: ProcessDescription; spawn: Uint8Array; logs: MemoryLog[] }> {
  const { description: process, spawn } = await ProvenProcess.open([11, 12, 13], 2, [])
  const logs = own.map(() => MemoryLog.open())
  for (const log of logs) log.signWith(seedOf(1))
  const add = async (log: MemoryLog, index: number, envelope: Envelope): Promise<void> => {
    const bytes = encodeFrame(index, [{ timestampMs: 1000 + index, envelopeBytes: encodeEnvelope(envelope) }])
    await log.commit([
      { feed: messagesFeed(process), index, bytes, ids: [envelopeId(envelope, process.id, index)], firstSlot: index },
    ])
  }
  for (let index = 0; index < common; index++) {
    const envelope: Envelope = { kind: 'item', item: messageItem(process.id).bytes }
    for (const log of logs) await add(log, index, envelope)
  }
  for (const [at, log] of logs.entries())
    for (let index = common; index < common + (own[at] ?? 0); index++)
      await add(log, index, { kind: 'item', item: messageItem(process.id, { data: `${at}` }).bytes })
  return { process, spawn, logs }
}

async function allOf(log: Log, process: ProcessDescription, from = 0): Promise<SignedBlocks> {
  const piece = await log.signed(messagesFeed(process), from, PAGE)
  if (piece === undefined) throw new TypeError('expected blocks')
  return piece
}

/** What a follower of the first sees when the second's blocks come. */
async function conflictOf(
  common: number,
  ...own: [number, number]
): Promise<{ process: ProcessDescription; conflict: FeedConflict }> {
  const { process, logs } = await twins(common, ...own)
  const [one, other] = logs as [MemoryLog, MemoryLog]
  const follower = MemoryLog.open()
  await follower.take(messagesFeed(process), await allOf(one, process))
  const answer = await follower.take(messagesFeed(process), await allOf(other, process))
  if (answer.status !== 'conflict') throw new TypeError(`expected a conflict, got ${answer.status}`)
  return { process, conflict: answer.conflict }
}

describe('a proof of equivocation', () => {
  test.each([
    [1, 1, 1],
    [5, 3, 9],
    [64, 1, 40],
    [100, 7, 30],
    [300, 50, 3],
    [1023, 20, 20],
  ])(
    'after %i common blocks, with %i and %i more, has less than a kilobyte and convinces whoever knows the process',
    async (common, ...own) => {
      const { process, conflict } = await conflictOf(common, ...(own as [number, number]))
      const bytes = encodeEquivocation(equivocationOf(conflict))
      expect(bytes.length).toBeLessThanOrEqual(1024)
      const proof = decodeEquivocation(bytes)
      expect(encodeEquivocation(proof)).toEqual(bytes)
      expect(proof.length).toBe(common + 1)
      expect(refuteEquivocation(proof, process)).toBeUndefined()
    },
  )

  test('takes 352 bytes or so where both heads are of one length', async () => {
    const { process, logs } = await twins(20, 1, 1)
    const [held, seen] = await Promise.all(logs.map(log => log.prefix(messagesFeed(process), 21)))
    if (held === undefined || seen === undefined) throw new TypeError('expected prefixes')
    const bytes = encodeEquivocation(equivocationOf({ feed: messagesFeed(process), held, seen }))
    expect(bytes.length).toBeLessThan(300)
    expect(refuteEquivocation(decodeEquivocation(bytes), process)).toBeUndefined()
  })

  test('accuses nobody who signed one feed', async () => {
    const { process, conflict } = await conflictOf(5, 3, 9)
    const proof = equivocationOf(conflict)
    const [one, other] = proof.sides
    const stranger = (await ProvenProcess.open([11], 1, [])).description
    const wrong: [string, EquivocationProof, ProcessDescription][] = [
      ['one feed twice', { ...proof, sides: [one, one] }, process],
      ['another process', proof, stranger],
      ['the name of another process', { ...proof, process: stranger.id }, stranger],
      ['another epoch', { ...proof, epoch: 1 }, process],
      [
        'a head by somebody else',
        { ...proof, sides: [one, { ...other, head: { ...other.head, signature: one.head.signature } }] },
        process,
      ],
      [
        'another length of a head',
        { ...proof, sides: [one, { ...other, head: { ...other.head, length: other.head.length - 1 } }] },
        process,
      ],
      ['trees nobody signed', { ...proof, sides: [one, { ...other, tree: new Uint8Array(32) }] }, process],
    ]
    for (const [what, bent, known] of wrong) expect(refuteEquivocation(bent, known), what).toBeDefined()
    const bytes = encodeEquivocation(proof)
    for (let at = 0; at < bytes.length; at++) {
      const bent = bytes.slice()
      bent[at] = (bent[at] ?? 0) ^ (1 << (at % 8))
      expect(holds(bent, process), `byte ${at}`).toBe(false)
    }
  })
})

function holds(bytes: Uint8Array, process: ProcessDescription): boolean {
  try {
    return refuteEquivocation(decodeEquivocation(bytes), process) === undefined
  } catch {
    return false
  }
}

interface Follower {
  readonly log: Log
  readonly book: EvidenceBook
}

/** Nodes that follow a process and tell each other what they found. */
async function followers(process: ProcessDescription, logs: readonly Log[]): Promise<Follower[]> {
  const all: Follower[] = []
  for (const [at, log] of logs.entries()) {
    const book = await EvidenceBook.open({
      log,
      clock: { now: () => 5_000 + at, elapsed: () => at },
      describe: async id => (id === process.id ? process : undefined),
      evaluated: async () => undefined,
      trouble: (what, failure) => expect.unreachable(`${what}: ${failure.message}`),
      share: ({ bytes }) => {
        for (const other of all) if (other.book !== book) void other.book.take(bytes)
      },
    })
    all.push({ log, book })
  }
  return all
}

describe('two schedulers with one key', () => {
  test('take room that all strangers share, with whoever has no feed of the process', async () => {
    const { process, conflict } = await conflictOf(5, 3, 9)
    const [has, hasNot] = [MemoryLog.open(), MemoryLog.open()]
    has.signWith(seedOf(1))
    await has.commit([{ feed: messagesFeed(process), index: 0, bytes: new Uint8Array(1), ids: [], firstSlot: 0 }])
    using room = vi.spyOn(EvidenceRoom.prototype, 'take')
    for (const log of [has, hasNot]) {
      const [follower] = await followers(process, [log])
      await follower?.book.conflict(conflict)
    }
    expect(room.mock.calls.map(([, isElsewhere]) => isElsewhere)).toEqual([false, true])
  })

  test('leave a proof with every follower as soon as two of them meet, and the process stands still at the common prefix', async () => {
    await using folder = await tempFolder()
    const { process, logs } = await twins(6, 4, 9)
    const feed = messagesFeed(process)
    await using stored = await HypercoreLog.open({ directory: folder.path, keySeed: seedOf(77) })
    const all = await followers(process, [stored, MemoryLog.open(), MemoryLog.open()])
    const [first, second, third] = all as [Follower, Follower, Follower]
    const [one, other] = logs as [MemoryLog, MemoryLog]
    await first.log.take(feed, await allOf(one, process))
    await second.log.take(feed, await allOf(other, process))
    await third.log.take(feed, await allOf(other, process))
    expect(first.book.list()).toEqual([])

    // The partition heals: the first two meet.
    const answer = await first.log.take(feed, await allOf(second.log, process))
    if (answer.status !== 'conflict') throw new TypeError('expected a conflict')
    await first.book.conflict(answer.conflict)
    for (const { log, book } of all) {
      await expect.poll(() => book.list().length).toBe(1)
      expect(book.list()[0]).toMatchObject({
        kind: 'equivocation',
        process: process.id,
        accused: [keyOf(1)],
        length: 7,
      })
      expect(book.endOf(process)).toBe(6)
      expect(await log.length(feed)).toBe(6)
      // It goes on being served up to there, and takes nothing more.
      expect(await log.block(feed, 5)).toEqual(await one.block(feed, 5))
      await expect(log.take(feed, await allOf(one, process))).rejects.toMatchObject({
        code: 'equivocated',
        details: { evidence: book.list()[0]?.id },
      })
    }
    const again = await followers(process, [second.log])
    expect(again[0]?.book.endOf(process)).toBe(6)
  })

  test('are refused at their own scheduler too, with the proof named', async () => {
    const { process, logs } = await twins(3, 1, 2)
    const [one, other] = logs as [MemoryLog, MemoryLog]
    const [twin] = await followers(process, [one])
    const seen = await other.prefix(messagesFeed(process), 4)
    const conflict = seen && (await one.compare(messagesFeed(process), seen))
    if (conflict === undefined) throw new TypeError('expected a conflict')
    const feed = messagesFeed(process)
    await twin?.book.conflict(conflict)
    const block = { feed, index: 3, bytes: new Uint8Array(3), ids: [], firstSlot: 3 }
    await expect(one.commit([block])).rejects.toEqual(refusedAs('equivocated'))
    expect(await one.length(feed)).toBe(3)
  })

  test('a scheduler whose feeds part ever earlier fills nobody: the shortest proofs are kept', async () => {
    const { process, logs } = await twins(1, 80, 80)
    const [one, other] = logs as [MemoryLog, MemoryLog]
    const feed = messagesFeed(process)
    const [node] = await followers(process, [MemoryLog.open()])
    for (let length = 81; length > 1; length--) {
      const [held, seen] = await Promise.all([one, other].map(log => log.prefix(feed, length)))
      if (held === undefined || seen === undefined) throw new TypeError('expected prefixes')
      await node?.book.conflict({ feed, held, seen })
      expect(node?.book.endOf(process)).toBe(length - 1)
    }
    expect(
      node?.book
        .list()
        .map(({ length }) => length)
        .sort((a = 0, b = 0) => a - b),
    ).toEqual(Array.from({ length: EVIDENCE_PER_PROCESS_MAX }, (_, at) => at + 2))
  })

  test('what shows where an epoch ended stays, however many proofs there are of another', async () => {
    const { process: first, logs } = await twins(1, 80, 80)
    const block = await logs[0]?.block(messagesFeed(first), 0)
    if (block === undefined) throw new TypeError('expected a block')
    const prologue = { length: 1, hash: new FeedTree().with([block]).hash() }
    const earlier = [{ epoch: 0, policy: first.policy, prologue: undefined, firstSlot: undefined }]
    const second = { ...first, epoch: 1, prologue, firstSlot: 1, earlier }
    const feed = messagesFeed(second)
    const [node] = await followers(second, [MemoryLog.open()])
    const show = async (of: ProcessDescription, sides: readonly Log[], length: number): Promise<void> => {
      const [held, seen] = await Promise.all(sides.map(log => log.prefix(messagesFeed(of), length)))
      if (held === undefined || seen === undefined) throw new TypeError('expected prefixes')
      await node?.book.conflict({ feed: messagesFeed(of), held, seen })
    }
    await show(first, logs, 81)
    for (const [at, log] of logs.entries()) {
      await log.take(feed, { from: 0, blocks: [block], head: { length: 1, signature: new Uint8Array(0) }, rest: [] })
      for (let index = 1; index < 71; index++) {
        const envelope: Envelope = { kind: 'item', item: messageItem(first.id, { data: `${at}` }).bytes }
        const bytes = encodeFrame(index, [{ timestampMs: 1000 + index, envelopeBytes: encodeEnvelope(envelope) }])
        await log.commit([{ feed, index, bytes, ids: [envelopeId(envelope, first.id, index)], firstSlot: index }])
      }
    }
    for (let length = 71; length > 1; length--) await show(second, logs, length)
    const kept = node?.book.list() ?? []
    expect(kept.filter(({ epoch }) => epoch === 0).map(({ length }) => length)).toEqual([81])
    expect(kept).toHaveLength(EVIDENCE_PER_PROCESS_MAX)
    expect(node?.book.endOf(second)).toBe(1)
  })

  test('nobody is stopped by what proves nothing', async () => {
    const { process, logs } = await twins(3, 1, 2)
    const [log] = logs as [MemoryLog]
    const [node] = await followers(process, [log])
    const { conflict } = await conflictOf(3, 1, 2)
    const foreign = encodeEquivocation({ ...equivocationOf(conflict), process: process.id })
    await expect(node?.book.take(foreign)).rejects.toEqual(refusedAs('bad-evidence'))
    await expect(node?.book.take(encodeEquivocation(equivocationOf(conflict)))).rejects.toEqual(
      refusedAs('unknown-process'),
    )
    await expect(node?.book.take(new Uint8Array(40))).rejects.toEqual(refusedAs('bad-evidence'))
    expect(node?.book.list()).toEqual([])
    expect(await log.length(messagesFeed(process))).toBe(4)
  })
})
