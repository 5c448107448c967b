import { expect, it } from 'vitest'
import {
  asKeyId,
  asProcessId,
  type CoSignAnswer,
  type CoSignRequest,
  ed25519PublicKey,
  encodeFrame,
  keyId,
  type ProcessDescription,
  signProposal,
  toBase64Url,
} from '../../protocol/index.ts'
import { Proposer } from '../../scheduler-unit/co-signing/proposer.ts'
import { Voter } from '../../scheduler-unit/co-signing/voter.ts'
import { ManualClock } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { seedOf } from '../fakes/signed-items.ts'

const [FIRST, SECOND, THIRD] = [1, 2, 3].map(n => asKeyId(keyId(ed25519PublicKey(seedOf(n))))) as [
  ReturnType<typeof asKeyId>,
  ReturnType<typeof asKeyId>,
  ReturnType<typeof asKeyId>,
]
const PROCESS = {
  id: asProcessId(toBase64Url(seedOf(9))),
  epoch: 0,
  policy: {
    schedulers: [FIRST, SECOND, THIRD],
    schedulerQuorum: 2,
    computeUnits: [FIRST],
    computeQuorum: 1,
  },
} as unknown as ProcessDescription
const nobody = async (): Promise<never> => Promise.reject(new Error('nobody is there'))
const nothing = (): void => undefined

function open(key: typeof FIRST, seed: Uint8Array, isHeld: () => boolean): Promise<Voter> {
  const peers = { coSign: nobody, frames: nobody }
  const parts = {
    key,
    seed,
    log: MemoryLog.open(),
    process: PROCESS,
    clock: new ManualClock(),
    peers,
    isHeld,
  }
  return Voter.open({
    ...parts,
    check: async () => undefined,
    settled: nothing,
    accepted: nothing,
    begun: nothing,
    forgot: nothing,
  })
}

it('a scheduler of several votes for nothing while the process is held, and says what has not settled', async () => {
  let isHeld = true
  const leader = await open(FIRST, seedOf(1), () => isHeld)
  const other = await open(SECOND, seedOf(2), () => isHeld)
  const proposal = { view: 0, base: 0, blocks: [encodeFrame(0, [])] }
  const signature = signProposal(leader.feed, 0, 0, leader.treeWith(proposal.blocks), seedOf(1))
  const request: CoSignRequest = {
    kind: 'propose',
    process: PROCESS.id,
    epoch: 0,
    ...proposal,
    settled: undefined,
    holders: 1,
    signature,
  }
  expect(await leader.acceptOwn(proposal)).toBe(false)
  expect(await other.answer(FIRST, request)).toMatchObject({ kind: 'refused' })
  for (const voter of [leader, other]) expect(await voter.isStill()).toBe(true)
  isHeld = false
  expect(await leader.acceptOwn(proposal)).toBe(true)
  expect(await other.answer(FIRST, request)).toMatchObject({ kind: 'signed' })
  for (const voter of [leader, other]) expect(await voter.isStill()).toBe(false)
  isHeld = true
  // It is not still: whoever holds it waits until that has settled.
  expect(await leader.acceptOwn(proposal)).toBe(true)
  expect(await other.answer(FIRST, request)).toMatchObject({ kind: 'signed' })
})

it('a scheduler proposes nothing else in the place of what it signed, nor a second time in one view', async () => {
  const voter = await open(SECOND, seedOf(2), () => false)
  const [first, second] = [[encodeFrame(0, [])], [encodeFrame(1, [])]]
  const signature = signProposal(voter.feed, 0, 0, voter.treeWith(first), seedOf(1))
  const about = { kind: 'propose', process: PROCESS.id, epoch: 0, view: 0, base: 0, blocks: first, signature } as const
  expect(await voter.answer(FIRST, { ...about, settled: undefined, holders: 1 })).toMatchObject({ kind: 'signed' })
  expect(await voter.stand(1)).toBe(true)
  expect(await voter.acceptOwn({ view: 1, base: 0, blocks: second })).toBe(false)
  expect(await voter.acceptOwn({ view: 1, base: 0, blocks: first })).toBe(true)
  const leader = await open(FIRST, seedOf(1), () => false)
  expect(await leader.acceptOwn({ view: 0, base: 0, blocks: first })).toBe(true)
  expect(await leader.acceptOwn({ view: 0, base: 0, blocks: second })).toBe(false)
})

it('who takes over, and cannot have settled first what others may have signed, leads nothing', async () => {
  let isHeld = true
  const voter = await open(SECOND, seedOf(2), () => isHeld)
  const accepted = { view: 0, base: 0, blocks: [encodeFrame(0, [])] }
  const proposed: unknown[] = []
  const coSign = async (_to: unknown, request: CoSignRequest): Promise<CoSignAnswer> => {
    if (request.kind === 'lead') return { kind: 'follows', head: undefined, accepted }
    if (request.kind === 'propose') proposed.push(request.blocks)
    return { kind: 'refused', reason: 'no' }
  }
  const clock = new ManualClock()
  const spawn = async (): Promise<undefined> => undefined
  const proposer = new Proposer({ key: SECOND, seed: seedOf(2), clock, peers: { coSign }, voter, spawn })
  await expect(proposer.takeOver(0)).rejects.toMatchObject({ code: 'no-quorum' })
  isHeld = false
  expect(proposer.leads).toBe(false)
  const block = { feed: voter.feed, index: 0, bytes: encodeFrame(1, []), firstSlot: 1, ids: [] }
  await expect(proposer.commit([block])).rejects.toMatchObject({ code: 'no-quorum' })
  expect(proposed).toEqual([])
})
