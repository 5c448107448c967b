import { expect, it } from 'vitest'
import {
  asKeyId,
  asProcessId,
  type CoSignRequest,
  ed25519PublicKey,
  encodeFrame,
  keyId,
  type ProcessDescription,
  signProposal,
  toBase64Url,
} from '../../protocol/index.ts'
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
})
