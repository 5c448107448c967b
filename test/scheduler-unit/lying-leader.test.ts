import { describe, expect, test } from 'vitest'
import {
  asKeyId,
  asMessageId,
  type CoSignAnswer,
  describeSpawnItem,
  ed25519PublicKey,
  ed25519Sign,
  encodeEnvelope,
  encodeFrame,
  encodeMultiSignature,
  keyId,
  type Log,
  messagesFeed,
  FeedTree,
  type Peers,
  signDataItemSync,
  signerHolds,
  feedHeadMessage,
  signLead,
  signProposal,
  type Timer,
  votesFeed,
} from '../../protocol/index.ts'
import { checkBlocks } from '../../scheduler-unit/co-signing/check-blocks.ts'
import { Voter } from '../../scheduler-unit/co-signing/voter.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { seedOf } from '../fakes/signed-items.ts'

const SEEDS = [1, 2, 3, 4].map(seedOf)
const KEYS = SEEDS.map(seed => asKeyId(keyId(ed25519PublicKey(seed))))
const LEADER = KEYS[0] ?? asKeyId('')
const spawn = signDataItemSync(
  {
    tags: [
      { name: 'Data-Protocol', value: 'ao' },
      { name: 'Type', value: 'Process' },
      { name: 'Module', value: KEYS[3] ?? '' },
      ...KEYS.map(value => ({ name: 'Scheduler', value })),
      { name: 'Scheduler-Quorum', value: '3' },
    ],
    data: '',
  },
  seedOf(9),
)
const PROCESS = describeSpawnItem(spawn)
const FEED = messagesFeed(PROCESS)

/** A first block; another one for each time. */
const blockAt = (timestampMs: number): Uint8Array =>
  encodeFrame(0, [{ timestampMs, envelopeBytes: encodeEnvelope({ kind: 'item', item: spawn.bytes }) }])

const treeOf = (block: Uint8Array): FeedTree => new FeedTree().with([block])

async function voterOf(
  place: number,
  log: Log = MemoryLog.open(),
  frames: Peers['frames'] = async () => undefined,
): Promise<Voter> {
  return Voter.open({
    key: KEYS[place] ?? LEADER,
    seed: SEEDS[place] ?? seedOf(1),
    log,
    process: PROCESS,
    clock: { now: () => 0 },
    peers: { coSign: () => Promise.reject(new Error('alone')), frames },
    check: async () => undefined,
    settled: () => undefined,
    begun: () => undefined,
    accepted: () => undefined,
    isHeld: () => false,
    forgot: () => undefined,
  })
}

function propose(
  voter: Voter,
  block: Uint8Array,
  view = 0,
  holders = 1,
  before: readonly Uint8Array[] = [],
): Promise<CoSignAnswer> {
  const leader = view % KEYS.length
  const seed = SEEDS[leader] ?? seedOf(1)
  const base = before.length
  const signature = signProposal(FEED, view, base, new FeedTree().with([...before, block]), seed)
  return voter.answer(KEYS[leader] ?? LEADER, {
    kind: 'propose',
    process: PROCESS.id,
    epoch: 0,
    view,
    base,
    blocks: [block],
    settled: undefined,
    holders,
    signature,
  })
}

const signs = (voter: Voter, block: Uint8Array, answer: CoSignAnswer): boolean =>
  answer.kind === 'signed' &&
  signerHolds(FEED, feedHeadMessage(FEED, treeOf(block)), {
    signer: voter.place,
    signature: answer.signature,
  })

describe('a leader that proposes two blocks for one place', () => {
  const [a, b] = [blockAt(1), blockAt(2)]

  test('gets signatures of a quorum for one of them at most, however it asks', async () => {
    const voters = await Promise.all([1, 2, 3].map(place => voterOf(place)))
    const signed = { a: 0, b: 0 }
    for (const [at, voter] of voters.entries()) {
      // It tells some of them the one first, and others the other.
      const order = at === 0 ? ([a, b, a] as const) : ([b, a, b] as const)
      for (const block of order) {
        const answer = await propose(voter, block)
        if (signs(voter, block, answer)) signed[block === a ? 'a' : 'b'] += block === order[0] ? 0.5 : 1
        else expect(answer).toMatchObject({ kind: 'refused' })
      }
    }
    // Each was signed by those who heard of it first, twice the same; with the liar's own that is 2 and 3.
    expect(signed).toEqual({ a: 1, b: 2 })
    expect(1 + signed.a).toBeLessThan(PROCESS.policy.schedulerQuorum)
  })

  test('gets none by beginning another view, nor after a restart of who signed', async () => {
    const log = MemoryLog.open()
    const voter = await voterOf(1, log)
    expect(signs(voter, a, await propose(voter, a))).toBe(true)
    expect(await propose(voter, b, 4)).toMatchObject({ kind: 'refused' })
    const again = await voterOf(1, MemoryLog.open({ from: log }))
    expect(again.view).toBe(0)
    expect(await propose(again, b, 8)).toMatchObject({ kind: 'refused' })
    expect(signs(again, a, await propose(again, a, 8))).toBe(true)
  })

  test('is not listened to once a later view was promised, or with the key of another', async () => {
    const voter = await voterOf(2)
    const lead = { kind: 'lead', process: PROCESS.id, epoch: 0, view: 5, spawn: undefined } as const
    const wrong = signLead(FEED, 5, SEEDS[0] ?? seedOf(1))
    expect(await voter.answer(LEADER, { ...lead, signature: wrong })).toMatchObject({
      kind: 'refused',
    })
    const signature = signLead(FEED, 5, SEEDS[1] ?? seedOf(1))
    expect(await voter.answer(KEYS[1] ?? LEADER, { ...lead, signature })).toMatchObject({
      kind: 'follows',
    })
    expect(await propose(voter, a)).toEqual({ kind: 'superseded', view: 5 })
  })

  test('gets no signature for what is not held by enough to be found again', async () => {
    const voter = await voterOf(1)
    expect(await propose(voter, a, 0, 0)).toEqual({ kind: 'held' })
    expect(signs(voter, a, await propose(voter, a, 0, 1))).toBe(true)
  })
})

test('a scheduler that was restored signs nothing where it may have signed before', async () => {
  const log = Object.assign(MemoryLog.open(), { restored: true })
  const voter = await voterOf(1, log)
  const [first, second] = [
    blockAt(1),
    encodeFrame(1, [
      {
        timestampMs: 2,
        envelopeBytes: encodeEnvelope({ kind: 'tick', timer: new Uint8Array([1]), dueMs: 1 }),
      },
    ]),
  ]
  const forgetful = { kind: 'refused', reason: expect.stringContaining('was restored') }
  expect(await propose(voter, first)).toMatchObject(forgetful)
  expect(await voter.stand(5)).toBe(false)
  // All others say that nothing is settled: it may have signed a first block all the same.
  voter.remembersAll()
  expect(await propose(voter, first)).toMatchObject(forgetful)
  // They settle one without it; from there on it votes again.
  const tree = treeOf(first)
  const signature = encodeMultiSignature(
    [0, 2, 3].map(signer => ({
      signer,
      signature: ed25519Sign(SEEDS[signer] ?? seedOf(1), feedHeadMessage(FEED, tree)),
    })),
  )
  const settle = {
    kind: 'settle',
    process: PROCESS.id,
    epoch: 0,
    head: { length: 1, signature },
  } as const
  const source = await voterOf(1, log, async () => ({
    from: 0,
    blocks: [first],
    head: settle.head,
    rest: [],
  }))
  source.remembersAll()
  expect(await source.answer(LEADER, settle)).toMatchObject({ kind: 'has', head: { length: 1 } })
  expect(await propose(source, second, 0, 1, [first])).toMatchObject({ kind: 'signed' })
})

test('a scheduler that claims a length it does not have is asked no further than its blocks prove themselves', async () => {
  let asked = 0
  const nothingProven = [
    { from: 0, blocks: [blockAt(1)], head: { length: 1, signature: new Uint8Array(64) }, rest: [] },
    { from: 0, blocks: [], head: { length: 0, signature: new Uint8Array(64) }, rest: [] },
  ]
  for (const piece of nothingProven) {
    asked = 0
    const voter = await voterOf(1, MemoryLog.open(), async (_, __, from) => {
      asked += 1
      if (asked > 10) throw new Error('asked for ever')
      return { ...piece, from }
    })
    const head = { length: 2 ** 40, signature: new Uint8Array(64) }
    await expect(voter.answer(LEADER, { kind: 'settle', process: PROCESS.id, epoch: 0, head })).rejects.toMatchObject({
      code: 'bad-certificate',
    })
    expect(asked).toBe(1)
    expect(voter.length).toBe(0)
  }
})

test('a message that has its slot is not accepted a second time, in these blocks or in later ones', async () => {
  const log = MemoryLog.open()
  const parts = {
    log,
    clock: { now: () => 1_000, sleep: async () => undefined },
    describe: async () => PROCESS,
    assignable: async () => true,
    learnModule: async () => undefined,
  }
  const item = signDataItemSync(
    {
      target: PROCESS.id,
      tags: [
        { name: 'Data-Protocol', value: 'ao' },
        { name: 'Type', value: 'Message' },
      ],
      data: 'pay',
    },
    seedOf(9),
  )
  const itemAt = (slot: number, times = 1): Uint8Array =>
    encodeFrame(
      slot,
      Array.from({ length: times }, () => ({
        timestampMs: 1_000,
        envelopeBytes: encodeEnvelope({ kind: 'item', item: item.bytes }),
      })),
    )
  const first = blockAt(1)
  const again = { code: 'bad-proposal', message: expect.stringContaining('has a slot already') }
  await checkBlocks(parts, PROCESS, 0, [first, itemAt(1)])
  await expect(checkBlocks(parts, PROCESS, 0, [first, itemAt(1), itemAt(2)])).rejects.toMatchObject(again)
  await expect(checkBlocks(parts, PROCESS, 0, [first, itemAt(1, 2)])).rejects.toMatchObject(again)
  const frame = {
    feed: FEED,
    bytes: itemAt(1),
    index: 1,
    firstSlot: 1,
    ids: [asMessageId(item.id)],
  }
  await log.commit([{ ...frame, index: 0, firstSlot: 0, bytes: first, ids: [asMessageId(spawn.id)] }])
  await checkBlocks(parts, PROCESS, 1, [itemAt(1)])
  await log.commit([frame])
  await expect(checkBlocks(parts, PROCESS, 2, [itemAt(2)])).rejects.toMatchObject(again)
})

describe('a scheduler that does as it likes with the others', () => {
  const leadTo = (view: number) =>
    ({
      kind: 'lead',
      process: PROCESS.id,
      epoch: 0,
      view,
      spawn: undefined,
      signature: signLead(FEED, view, SEEDS[view % KEYS.length] ?? seedOf(1)),
    }) as const
  const [one, other] = [KEYS[1] ?? LEADER, KEYS[2] ?? LEADER]

  test('does not use up all views, nor the disk', async () => {
    const log = MemoryLog.open()
    const voter = await voterOf(3, log)
    const last = Number.MAX_SAFE_INTEGER - ((Number.MAX_SAFE_INTEGER - 1) % KEYS.length)
    for (let n = 0; n < 50; n++) await voter.answer(one, leadTo(last - n * KEYS.length))
    expect(voter.view).toBeLessThan(2 ** 53 / 1e6)
    expect(await log.length(votesFeed(PROCESS, KEYS[3] ?? LEADER))).toBeLessThan(20)
    // Whoever is next in line still leads it.
    const next = voter.view + KEYS.length - (voter.view % KEYS.length) + 2
    expect(await voter.answer(other, leadTo(next))).toMatchObject({ kind: 'follows' })
  })

  test('does not keep it from answering others while it is waited for', async () => {
    const asked: (() => void)[] = []
    const voter = await voterOf(3, MemoryLog.open(), () => new Promise(resolve => asked.push(() => resolve(undefined))))
    const head = { length: 7, signature: new Uint8Array(64) }
    const slow = voter.answer(one, { kind: 'settle', process: PROCESS.id, epoch: 0, head })
    await expect.poll(() => asked.length).toBe(1)
    expect(await voter.answer(other, leadTo(2))).toMatchObject({ kind: 'follows' })
    for (const give of asked) give()
    await expect(slow).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('a leader that makes up what only schedulers make', () => {
  const tick = (timer: string, dueMs: number) => ({
    kind: 'tick' as const,
    timer: new TextEncoder().encode(timer),
    dueMs,
  })
  const reject = { kind: 'reject' as const, from: PROCESS.id, seq: 0, reason: 'too-large' as const }
  const framesWith = (...envelopes: readonly Parameters<typeof encodeEnvelope>[0][]): Uint8Array[] => [
    blockAt(1),
    encodeFrame(
      1,
      envelopes.map(envelope => ({ timestampMs: 500, envelopeBytes: encodeEnvelope(envelope) })),
    ),
  ]
  let asked = 0
  const parts = {
    log: MemoryLog.open(),
    clock: { now: () => 1_000, sleep: async () => undefined },
    describe: async () => PROCESS,
    assignable: async () => true,
    learnModule: async () => undefined,
    // Known a moment later: the unit here is a frame behind.
    timers: async () => (asked++ < 1 ? [] : [{ key: 'daily', dueMs: 400, everyMs: undefined } as Timer]),
  }

  test.for([
    ['a tick of no timer', [tick('other', 400)], 'busy'],
    ['a tick at another time', [tick('daily', 300)], 'busy'],
    ['a tick that is not due', [tick('daily', 501)], 'bad-proposal'],
    ['a tick twice', [tick('daily', 400), tick('daily', 400)], 'bad-proposal'],
    ['a push that it says is too large', [reject], 'bad-proposal'],
  ] as const)('gets no signature for %s', async ([, envelopes, code]) => {
    await expect(checkBlocks(parts, PROCESS, 0, framesWith(...envelopes))).rejects.toMatchObject({ code })
  })

  test('gets one for a tick that is due', async () => {
    asked = 0
    await checkBlocks(parts, PROCESS, 0, framesWith(tick('daily', 400)))
    expect(asked).toBe(2)
  })
})
