import { expect, test, vi } from 'vitest'
import { EvidenceBook } from '../../evidence/index.ts'
import { Complaints } from '../../node/handovers/complaints.ts'
import {
  asProcessId,
  COMPLAINTS_MAX_BYTES,
  COMPLAINTS_TOLD_MAX,
  cryptoProvider,
  decodeComplaint,
  encodeComplaint,
  EVIDENCE_PER_PROCESS_MAX,
  Failure,
  installCrypto,
  makeComplaint,
  type Peers,
  type ProcessId,
  readComplaint,
  RECEIPT_DEADLINE_MS,
  type ScheduleAnswer,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'
import { Client, type Transport } from '../../sdk/index.ts'

const key = (seed: Uint8Array) => ({ seed, key: Uint8Array.from(Buffer.from(keyOf(seed[0] ?? 0), 'base64url')) })

test('a complaint says what its witness saw of a signed message, and nothing can be changed in it', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  const { bytes: item, id: message } = messageItem(process.id)
  const complaint = makeComplaint({ item, sinceMs: 1000, untilMs: 12_000, witness: key(seedOf(50)) })
  const bytes = encodeComplaint(complaint)
  expect(readComplaint(decodeComplaint(bytes))).toEqual({ message, process: process.id })
  for (const change of [
    { sinceMs: 1001 },
    { untilMs: 13_000 },
    { item: messageItem(process.id).bytes },
    { witness: key(seedOf(51)).key },
  ]) {
    expect(readComplaint({ ...complaint, ...change })).toEqual(expect.any(String))
  }
  expect(readComplaint(makeComplaint({ item, sinceMs: 2, untilMs: 2, witness: key(seedOf(50)) }))).toBe(
    'nobody has waited',
  )
})

test('a message without a receipt for ten seconds is complained about once, and settled when it stands in the feed', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  const clock = new ManualClock(1_000_000)
  const shared: Uint8Array[] = []
  const trouble = (what: string, failure: Failure): void => expect.unreachable(`${what}: ${failure.message}`)
  const book = await EvidenceBook.open({
    log: process.log,
    clock,
    describe: async () => process.description,
    evaluated: async () => undefined,
    share: ({ bytes }) => void shared.push(bytes),
    trouble,
  })
  using complaints = new Complaints({ seed: seedOf(50), clock, take: bytes => book.take(bytes), trouble })
  const [dropped, busy, answered, refused] = Array.from({ length: 4 }, () => messageItem(process.id)) as [
    Item,
    Item,
    Item,
    Item,
  ]
  const receipt = { id: '', process: process.id, slot: 1, timestampMs: 1 } as unknown as Extract<
    ScheduleAnswer,
    { status: 'scheduled' }
  >['receipt']
  const answers = new Map<Uint8Array, ScheduleAnswer>([
    [busy.bytes, { status: 'failed', failure: new Failure('busy') }],
    [answered.bytes, { status: 'scheduled', receipt }],
    [refused.bytes, { status: 'failed', failure: new Failure('wrong-target') }],
  ])
  const schedule: Peers['schedule'] = async (_, requests) =>
    requests.map(({ envelope }) => {
      const answer = envelope.kind === 'item' ? answers.get(envelope.item) : undefined
      if (answer === undefined) throw new Failure('unreachable')
      return answer
    })
  const peers = complaints.watch({ schedule })
  const handIn = (item: Item) =>
    peers
      .schedule(keyOf(1), [{ process: process.id, envelope: { kind: 'item', item: item.bytes } }])
      .catch(() => undefined)
  for (const item of [dropped, busy, answered, refused]) await handIn(item)
  clock.advance(RECEIPT_DEADLINE_MS / 2)
  // Trying again does not begin the time anew.
  for (const item of [dropped, busy]) await handIn(item)
  expect(book.list()).toEqual([])
  clock.advance(RECEIPT_DEADLINE_MS / 2 + 2_000)
  await expect
    .poll(() =>
      book
        .list()
        .map(({ message }) => message)
        .sort(),
    )
    .toEqual([dropped.id, busy.id].sort())
  clock.advance(2 * RECEIPT_DEADLINE_MS)
  expect(shared).toHaveLength(2)
  const [entry] = book.list().filter(({ message }) => message === dropped.id)
  if (entry === undefined) throw new TypeError('expected a complaint')
  expect(entry).toMatchObject({ kind: 'complaint', process: process.id, accused: [keyOf(1)] })
  expect(await book.isSettled(entry)).toBe(false)
  await process.add([{ kind: 'item', item: dropped.bytes }])
  expect(await book.isSettled(entry)).toBe(true)
})

test('a date that is set makes no scheduler late, and hides none that is', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  const { bytes: item } = messageItem(process.id)
  const clock = new ManualClock(100_000_000)
  const taken: ReturnType<typeof decodeComplaint>[] = []
  using complaints = new Complaints({
    seed: seedOf(50),
    clock,
    take: async bytes => void taken.push(decodeComplaint(bytes)),
    trouble: (what, failure) => expect.unreachable(`${what}: ${failure.message}`),
  })
  const silent: Peers['schedule'] = () => Promise.reject(new Failure('unreachable'))
  const peers = complaints.watch({ schedule: silent })
  await peers.schedule(keyOf(1), [{ process: process.id, envelope: { kind: 'item', item } }]).catch(() => undefined)
  clock.setDate(3_600_000)
  clock.advance(RECEIPT_DEADLINE_MS / 2)
  await settle()
  expect(taken).toEqual([])
  clock.setDate(-7_200_000)
  clock.advance(RECEIPT_DEADLINE_MS)
  await expect.poll(() => taken.length).toBe(1)
  expect(taken[0]?.untilMs).toBe(clock.now())
  expect(taken[0]?.sinceMs).toBe(clock.now() - 1.5 * RECEIPT_DEADLINE_MS)
})

type Item = ReturnType<typeof messageItem>

test('complaints about processes that nobody knows fill no more room than those about one', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  let shared = 0
  const book = await EvidenceBook.open({
    log: process.log,
    clock: new ManualClock(1_000_000),
    describe: async id => (id === process.id ? process.description : undefined),
    evaluated: async () => undefined,
    share: () => void (shared += 1),
    trouble: () => undefined,
  })
  const complain = (id: ProcessId) =>
    book.take(
      encodeComplaint(
        makeComplaint({ item: messageItem(id).bytes, sinceMs: 1000, untilMs: 12_000, witness: key(seedOf(50)) }),
      ),
    )
  const madeUp = (at: number): ProcessId => asProcessId(Buffer.alloc(32, at).toString('base64url'))
  for (let at = 0; at < EVIDENCE_PER_PROCESS_MAX + 10; at++) await complain(madeUp(at))
  expect([book.list().length, shared]).toEqual([EVIDENCE_PER_PROCESS_MAX, EVIDENCE_PER_PROCESS_MAX])
  expect(await complain(process.id)).toMatchObject({ isNew: true })
  // Who is met is told of the last of them, and not of them all at each meeting.
  expect(book.toTell().complaints.map(({ id }) => id)).toEqual(
    book
      .list()
      .map(({ id }) => id)
      .slice(0, COMPLAINTS_TOLD_MAX),
  )
})

test('a complaint for which there is no room costs no look at its signatures', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  const book = await EvidenceBook.open({
    log: process.log,
    clock: new ManualClock(1_000_000),
    describe: async () => process.description,
    evaluated: async () => undefined,
    share: () => undefined,
    trouble: () => undefined,
  })
  const complaint = (): Uint8Array =>
    encodeComplaint(
      makeComplaint({
        item: messageItem(process.id).bytes,
        sinceMs: 1000,
        untilMs: 12_000,
        witness: key(seedOf(50)),
      }),
    )
  for (let n = 0; n < EVIDENCE_PER_PROCESS_MAX; n++) await book.take(complaint())
  const more = Array.from({ length: 10 }, complaint)
  const provider = cryptoProvider()
  const ed25519Verify = vi.fn(provider.ed25519Verify)
  installCrypto({ ...provider, ed25519Verify })
  try {
    for (const bytes of more) expect(await book.take(bytes)).toMatchObject({ isNew: false })
    expect(ed25519Verify).not.toHaveBeenCalled()
  } finally {
    installCrypto(provider)
  }
})

test('complaints about many processes take so many bytes together, and no more are handed on', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  let sharedBytes = 0
  const book = await EvidenceBook.open({
    log: process.log,
    clock: new ManualClock(1_000_000),
    // Everybody's name is that of a process with schedulers.
    describe: async () => process.description,
    evaluated: async () => undefined,
    share: ({ bytes }) => void (sharedBytes += bytes.length),
    trouble: () => undefined,
  })
  const data = new Uint8Array(1_900_000)
  const complain = (at: number) => {
    const { bytes: item } = messageItem(asProcessId(Buffer.alloc(32, at).toString('base64url')), { data })
    return book.take(encodeComplaint(makeComplaint({ item, sinceMs: 1000, untilMs: 12_000, witness: key(seedOf(50)) })))
  }
  for (let at = 0; at < 20; at++) await complain(at)
  expect(sharedBytes).toBeLessThanOrEqual(COMPLAINTS_MAX_BYTES)
  expect(book.list()).toHaveLength(Math.floor(COMPLAINTS_MAX_BYTES / 1_901_000))
  expect(await complain(99)).toMatchObject({ isNew: false })
})

test('a complaint that many bring at once takes its room once', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  const found = Promise.withResolvers<void>()
  let shared = 0
  const book = await EvidenceBook.open({
    log: process.log,
    clock: new ManualClock(1_000_000),
    // It is asked for elsewhere, which takes a while.
    describe: async () => {
      await found.promise
      return process.description
    },
    evaluated: async () => undefined,
    share: () => void (shared += 1),
    trouble: () => undefined,
  })
  const data = new Uint8Array(1_900_000)
  const complaint = (): Uint8Array => {
    const { bytes: item } = messageItem(process.id, { data })
    return encodeComplaint(makeComplaint({ item, sinceMs: 1000, untilMs: 12_000, witness: key(seedOf(50)) }))
  }
  const bytes = complaint()
  const copies = Array.from({ length: Math.ceil(COMPLAINTS_MAX_BYTES / data.length) }, () => book.take(bytes))
  found.resolve()
  const answers = await Promise.all(copies)
  expect([answers.filter(({ isNew }) => isNew).length, shared]).toEqual([1, 1])
  expect(await book.take(complaint())).toMatchObject({ isNew: true })
})

test('a client complains through any node, and not of what is no signed message', async () => {
  const process = await ProvenProcess.open([11], 1, [])
  const book = await EvidenceBook.open({
    log: process.log,
    clock: new ManualClock(),
    describe: async () => process.description,
    evaluated: async () => undefined,
    share: () => undefined,
    trouble: (what: string, failure: Failure) => expect.unreachable(`${what}: ${failure.message}`),
  })
  const transport = {
    request: async (_: string, { bytes }: { bytes: Uint8Array }) => {
      const { id, isNew } = await book.take(bytes)
      return { evidence: id, isNew }
    },
  }
  const client = new Client({ transport: transport as unknown as Transport })
  const { bytes: item, id: message } = messageItem(process.id)
  expect(await client.processes.complain({ item, sinceMs: 1_000, seed: seedOf(50) })).toMatchObject({ isNew: true })
  expect(book.list()).toEqual([
    expect.objectContaining({
      kind: 'complaint',
      process: process.id,
      message,
      accused: process.description.policy.schedulers,
    }),
  ])
  const bent = item.slice()
  bent[10] = (bent[10] ?? 0) ^ 1
  await expect(client.processes.complain({ item: bent, sinceMs: 1_000 })).rejects.toMatchObject({
    code: 'bad-evidence',
  })
  await expect(client.processes.complain({ item, sinceMs: Date.now() + 60_000 })).rejects.toMatchObject({
    code: 'bad-evidence',
  })
})
