import { expect, test } from 'vitest'
import { ProcessAgreement, type ProcessAgreementParts } from '../../agreement/process-agreement.ts'
import {
  type Attestation,
  type Certificate,
  certificateMessage,
  type Disagreement,
  ed25519Sign,
  encodeCertificate,
  type Failure,
} from '../../protocol/index.ts'
import { type FinalEnd, FinalStore } from '../../agreement/final-store.ts'
import { agreedProcess as process } from '../fakes/agreed-process.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { seedOf } from '../fakes/signed-items.ts'

/** The certificate of the frame at an index, one slot each. */
function certificateAt(index: number, state = 0): Certificate {
  const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)
  return {
    process: process.id,
    firstSlot: index,
    count: 1,
    frameHash: hash(index),
    resultsRoot: hash(0),
    stateRoot: hash(state),
    gas: 0n,
  }
}

function word(unit: number, certificate: Certificate, index = certificate.firstSlot): Attestation {
  const certificateBytes = encodeCertificate(certificate)
  return {
    index,
    unit,
    certificateBytes,
    signature: ed25519Sign(seedOf(unit + 1), certificateMessage(certificateBytes)),
  }
}

async function opened(store = new FinalStore(MemoryLog.open().store), certified: FinalEnd = { blocks: 0, slots: 0 }) {
  const final: number[] = []
  const diverged: Failure[] = []
  const disagreements: Disagreement[] = []
  const parts: ProcessAgreementParts = {
    process,
    own: 0,
    store,
    final: ({ firstSlot }) => void final.push(firstSlot),
    disagreement: one => void disagreements.push(one),
    isExcluded: () => false,
    diverged: failure => void diverged.push(failure),
  }
  const agreement = await ProcessAgreement.open(parts, certified)
  const evaluate = (index: number): void => agreement.evaluated(word(0, certificateAt(index)), certificateAt(index), [])
  return { agreement, final, diverged, disagreements, evaluate }
}

test.each([
  ['before', true],
  ['after', false],
])(
  'true words that somebody hands on for another frame, %s it was evaluated, neither blame anybody nor stop agreement',
  async (_, isBefore) => {
    const { agreement, final, diverged, disagreements, evaluate } = await opened()
    evaluate(0)
    for (const unit of [1, 2]) await agreement.heard(word(unit, certificateAt(0)))
    if (!isBefore) evaluate(1)
    for (const unit of [1, 2]) await agreement.heard(word(unit, certificateAt(0), 1))
    if (isBefore) evaluate(1)
    expect([agreement.failure, diverged, disagreements]).toEqual([undefined, [], []])
    expect(agreement.isBehind).toBe(true)
    await agreement.heard(word(1, certificateAt(1)))
    // And of a frame that is final.
    await agreement.heard(word(2, certificateAt(1), 0))
    expect(final).toEqual([0, 1])
    expect(disagreements).toEqual([])
  },
)

test('a unit that says something else of the same frame is told of, and enough of them stand against ours', async () => {
  const { agreement, diverged, disagreements, evaluate } = await opened()
  evaluate(0)
  await agreement.heard(word(1, certificateAt(0, 7)))
  expect(disagreements).toHaveLength(1)
  expect(diverged).toEqual([])
  await agreement.heard(word(2, certificateAt(0, 7)))
  expect(diverged).toHaveLength(1)
})

test('what a crash took from the own unit becomes final again when that has evaluated it once more, without asking anybody', async () => {
  const store = new FinalStore(MemoryLog.open().store)
  const before = await opened(store)
  for (const index of [0, 1, 2]) {
    before.evaluate(index)
    for (const unit of [1, 2]) await before.agreement.heard(word(unit, certificateAt(index)))
  }
  expect(before.final).toEqual([0, 1, 2])

  const after = await opened(store, { blocks: 1, slots: 1 })
  expect([after.agreement.blocks, after.agreement.slots]).toEqual([1, 1])
  for (const index of [0, 1, 2]) after.evaluate(index)
  expect(after.final).toEqual([1, 2])
  expect((await after.agreement.attested(2)).by).toHaveLength(3)

  const whole = await opened(store, { blocks: 3, slots: 3 })
  expect([whole.agreement.blocks, whole.final]).toEqual([3, []])
})
