import { describe, expect, test } from 'vitest'
import { EvidenceBook } from '../../evidence/index.ts'
import {
  type Attestation,
  certificateMessage,
  decodeFault,
  ed25519Sign,
  encodeCertificate,
  encodeFault,
  type Failure,
  judgeFault,
  type UnitFault,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { seedOf } from '../fakes/signed-items.ts'

const bytes32 = (byte: number): Uint8Array => new Uint8Array(32).fill(byte)

/** What the unit at a position says: that the frame with that hash gave that state. */
function says(process: ProvenProcess, unit: number, state: number, frame = 1): Attestation {
  const certificateBytes = encodeCertificate({
    process: process.id,
    firstSlot: 500,
    count: 1,
    frameHash: bytes32(frame),
    resultsRoot: bytes32(3),
    stateRoot: bytes32(state),
    gas: 1n,
  })
  const signature = ed25519Sign(seedOf(process.units[unit] ?? 250), certificateMessage(certificateBytes))
  return { index: 7, unit, certificateBytes, signature }
}

function faultOf(process: ProvenProcess, accused: Attestation, ...others: readonly Attestation[]): UnitFault {
  const [first] = others
  const other = first && {
    certificateBytes: first.certificateBytes,
    signatures: others.map(({ unit, signature }) => ({ unit, signature })),
  }
  return {
    process: process.id,
    certificateBytes: accused.certificateBytes,
    unit: accused.unit,
    signature: accused.signature,
    other,
  }
}

describe('a fault of a compute unit', () => {
  test('is proven by as many others as must agree, or by what it says itself, in less than a kilobyte', async () => {
    const process = await ProvenProcess.open([11, 12, 13], 2, [])
    const proofs = [
      faultOf(process, says(process, 1, 9), says(process, 0, 4), says(process, 2, 4)),
      faultOf(process, says(process, 1, 9), says(process, 1, 4)),
    ]
    for (const fault of proofs) {
      const bytes = encodeFault(fault)
      expect(bytes.length).toBeLessThan(1024)
      expect(encodeFault(decodeFault(bytes))).toEqual(bytes)
      expect(judgeFault(decodeFault(bytes), process.description)).toMatchObject({
        verdict: 'proven',
        accused: keyOf(12),
      })
    }
  })

  test('takes an evaluation if nobody else is named', async () => {
    const process = await ProvenProcess.open([11, 12, 13], 2, [])
    const bytes = encodeFault(faultOf(process, says(process, 1, 9)))
    expect(judgeFault(decodeFault(bytes), process.description)).toMatchObject({ verdict: 'open' })
    const bookOf = (own: Uint8Array | undefined) =>
      EvidenceBook.open({
        log: process.log,
        clock: { now: () => 1, elapsed: () => 1 },
        describe: async () => process.description,
        evaluated: async () => own,
        share: () => undefined,
        trouble: (what: string, failure: Failure) => expect.unreachable(`${what}: ${failure.message}`),
      })
    await expect((await bookOf(undefined)).take(bytes)).rejects.toMatchObject({ code: 'bad-evidence' })
    await expect((await bookOf(says(process, 1, 9).certificateBytes)).take(bytes)).rejects.toMatchObject({
      code: 'bad-evidence',
    })
    const book = await bookOf(says(process, 1, 4).certificateBytes)
    expect(await book.take(bytes)).toMatchObject({ isNew: true })
    expect([book.isExcluded(process.id, keyOf(12)), book.isExcluded(process.id, keyOf(11))]).toEqual([true, false])
    // What it signed of earlier frames goes on counting where it was found final.
    const { slot = 0 } = book.list()[0] ?? {}
    expect(slot).toBeGreaterThan(0)
    expect([slot - 1, slot, slot + 1].map(at => book.isExcluded(process.id, keyOf(12), at))).toEqual([
      false,
      true,
      true,
    ])
  })

  test('is not what a unit says of another frame than this node evaluated, and such words hide no fault', async () => {
    const process = await ProvenProcess.open([11, 12, 13], 2, [])
    const bookOf = () =>
      EvidenceBook.open({
        log: process.log,
        clock: { now: () => 1, elapsed: () => 1 },
        describe: async () => process.description,
        evaluated: async () => says(process, 0, 4).certificateBytes,
        share: () => undefined,
        trouble: (what: string, failure: Failure) => expect.unreachable(`${what}: ${failure.message}`),
      })
    const book = await bookOf()
    // Their scheduler signed two feeds: the unit evaluated the other one, and did so well.
    const honest = encodeFault(faultOf(process, says(process, 1, 8, 2)))
    await expect(book.take(honest)).rejects.toMatchObject({ code: 'bad-evidence' })
    book.disagreement({ process: process.id, attestations: [says(process, 1, 8, 2), says(process, 0, 4)] })
    book.disagreement({ process: process.id, attestations: [says(process, 1, 8, 2), says(process, 2, 4)] })
    // The liar speaks of both: of this one it lies.
    book.disagreement({ process: process.id, attestations: [says(process, 2, 8, 2), says(process, 2, 9)] })
    await expect.poll(() => book.isExcluded(process.id, keyOf(13))).toBe(true)
    expect([book.isExcluded(process.id, keyOf(12)), book.isExcluded(process.id, keyOf(11))]).toEqual([false, false])
  })

  test.each<[string, (process: ProvenProcess, stranger: ProvenProcess) => UnitFault]>([
    ['that too few say something else', process => faultOf(process, says(process, 1, 9), says(process, 0, 4))],
    [
      'that all say the same',
      process => faultOf(process, says(process, 1, 4), says(process, 0, 4), says(process, 2, 4)),
    ],
    [
      'that one says it twice',
      process => faultOf(process, says(process, 1, 9), says(process, 0, 4), says(process, 0, 4)),
    ],
    [
      'with the accused among its accusers',
      process => faultOf(process, says(process, 1, 9), says(process, 0, 4), says(process, 1, 4)),
    ],
    [
      'of another frame',
      process => faultOf(process, says(process, 1, 9), says(process, 0, 4, 2), says(process, 2, 4, 2)),
    ],
    [
      'that the accused has not signed',
      process => ({ ...faultOf(process, says(process, 1, 9), says(process, 0, 4), says(process, 2, 4)), unit: 0 }),
    ],
    [
      'against nobody of the policy',
      process => ({ ...faultOf(process, says(process, 1, 9), says(process, 0, 4), says(process, 2, 4)), unit: 3 }),
    ],
    [
      'by strangers',
      (process, stranger) =>
        faultOf(
          process,
          says(process, 1, 9),
          ...[0, 2].map(unit => ({
            ...says(stranger, unit, 4),
            certificateBytes: says(process, unit, 4).certificateBytes,
          })),
        ),
    ],
    [
      'of another process',
      (process, stranger) => ({
        ...faultOf(stranger, says(stranger, 1, 9), says(stranger, 0, 4), says(stranger, 2, 4)),
        process: process.id,
      }),
    ],
  ])('is not shown by an accusation %s', async (_, make) => {
    const process = await ProvenProcess.open([11, 12, 13], 2, [])
    const stranger = await ProvenProcess.open([21, 22, 23], 2, [])
    expect(judgeFault(make(process, stranger), process.description).verdict).toBe('refuted')
  })

  test('comes of disagreements as soon as enough units have spoken', async () => {
    const process = await ProvenProcess.open([11, 12, 13], 2, [])
    const shared: Uint8Array[] = []
    const book = await EvidenceBook.open({
      log: process.log,
      clock: { now: () => 1, elapsed: () => 1 },
      describe: async () => process.description,
      evaluated: async () => undefined,
      share: ({ bytes }) => void shared.push(bytes),
      trouble: (what: string, failure: Failure) => expect.unreachable(`${what}: ${failure.message}`),
    })
    const [liar, one, other] = [says(process, 1, 9), says(process, 0, 4), says(process, 2, 4)]
    book.disagreement({ process: process.id, attestations: [liar, one] })
    await new Promise(resolve => setImmediate(resolve))
    expect(book.list()).toEqual([])
    book.disagreement({ process: process.id, attestations: [liar, other] })
    await expect
      .poll(() => book.list())
      .toEqual([expect.objectContaining({ kind: 'fault', accused: [keyOf(12)], slot: 500 })])
    expect(shared).toHaveLength(1)
    expect(book.isExcluded(process.id, keyOf(12))).toBe(true)
  })
})
