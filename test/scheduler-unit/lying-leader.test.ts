import { describe, expect, test } from 'vitest'
import {
  asKeyId,
  type CoSignAnswer,
  describeSpawnItem,
  ed25519PublicKey,
  encodeEnvelope,
  encodeFrame,
  keyId,
  messagesFeed,
  FeedTree,
  signDataItemSync,
  signerHolds,
  feedHeadMessage,
  signLead,
  signProposal,
} from '../../protocol/index.ts'
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
  encodeFrame(0, [
    { timestampMs, envelopeBytes: encodeEnvelope({ kind: 'item', item: spawn.bytes }) },
  ])

const treeOf = (block: Uint8Array): FeedTree => new FeedTree().with([block])

async function voterOf(place: number, log = MemoryLog.open()): Promise<Voter> {
  return Voter.open({
    key: KEYS[place] ?? LEADER,
    seed: SEEDS[place] ?? seedOf(1),
    log,
    process: PROCESS,
    peers: { coSign: () => Promise.reject(new Error('alone')), frames: async () => undefined },
    check: async () => undefined,
    settled: () => undefined,
    accepted: () => undefined,
    forgot: () => undefined,
  })
}

function propose(voter: Voter, block: Uint8Array, view = 0, holders = 1): Promise<CoSignAnswer> {
  const leader = view % KEYS.length
  const seed = SEEDS[leader] ?? seedOf(1)
  const signature = signProposal(FEED, view, 0, treeOf(block), seed)
  return voter.answer(KEYS[leader] ?? LEADER, {
    kind: 'propose',
    process: PROCESS.id,
    epoch: 0,
    view,
    base: 0,
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
    expect(await voter.answer(LEADER, { ...lead, signature: wrong })).toMatchObject({ kind: 'refused' })
    const signature = signLead(FEED, 5, SEEDS[1] ?? seedOf(1))
    expect(await voter.answer(KEYS[1] ?? LEADER, { ...lead, signature })).toMatchObject({ kind: 'follows' })
    expect(await propose(voter, a)).toEqual({ kind: 'superseded', view: 5 })
  })

  test('gets no signature for what is not held by enough to be found again', async () => {
    const voter = await voterOf(1)
    expect(await propose(voter, a, 0, 0)).toEqual({ kind: 'held' })
    expect(signs(voter, a, await propose(voter, a, 0, 1))).toBe(true)
  })
})
