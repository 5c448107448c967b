import { describe, expect, it } from 'vitest'
import {
  decodeFrame,
  decodePushProof,
  encodeEnvelope,
  encodeFrame,
  envelopeSizeBytes,
  type Envelope,
  MalformedBytes,
  outlineFrame,
  outlinePushCore,
  toBase64Url,
  viewOf,
  outlineDataItem,
  signatureBounds,
} from '../../protocol/index.ts'
import { PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeProcess } from '../fakes/guest-context.ts'
import { messageItem } from '../fakes/signed-items.ts'

const sender = new PaperProcess(fakeProcess(1).id, [1], 1)
const receiver = fakeProcess(2).id
const item = messageItem(receiver, { tags: { Action: 'Ping', Näme: 'välue' } })
const pushes = sender.certify([[sender.push(receiver)], [sender.push(receiver), sender.push(receiver, { index: 1 })]])
const [first, second] = pushes
const envelopes: readonly Envelope[] = [
  { kind: 'item', item: item.bytes },
  ...pushes,
  { kind: 'tick', timer: Uint8Array.of(1), dueMs: 5 },
  { kind: 'reject', from: sender.id, seq: 3, reason: 'too-large' },
  // Its scheduler vouches for it.
  ...(second?.kind === 'push' ? [{ ...second, proof: undefined }] : []),
  { kind: 'assign', message: first ?? { kind: 'item', item: item.bytes }, exclude: ['data'] },
]

const frameOf = (envelopesBytes: readonly Uint8Array[]): Uint8Array =>
  encodeFrame(
    7,
    envelopesBytes.map((envelopeBytes, i) => ({ timestampMs: 1000 + i, envelopeBytes })),
  )

it.each([0, 23, 24, 255, 256, 65_535, 65_536])(
  'the size of an envelope is that of its bytes, around %i of them',
  length => {
    const bytes = new Uint8Array(length)
    const long = envelopes.map(envelope =>
      envelope.kind === 'push'
        ? { ...envelope, push: { ...envelope.push, coreBytes: bytes, bodyBytes: bytes } }
        : envelope,
    )
    for (const envelope of [...long, { kind: 'item', item: bytes } as const, { kind: 'ingress', bytes } as const])
      expect(envelopeSizeBytes(envelope), envelope.kind).toBe(encodeEnvelope(envelope).length)
  },
)

describe('the outline of a frame', () => {
  const frame = frameOf(envelopes.map(encodeEnvelope))

  it('tells the same envelopes apart as the whole frame', () => {
    const { firstSlot, assignments } = outlineFrame(frame)
    const whole = decodeFrame(frame)
    expect(firstSlot).toBe(7)
    expect(whole.assignments.map(({ envelope }) => envelope)).toEqual(envelopes)
    expect(encodeFrame(firstSlot, whole.assignments)).toEqual(frame)
    const half = whole.assignments.map((one, i) =>
      i % 2 === 0 ? one : { timestampMs: one.timestampMs, envelopeBytes: encodeEnvelope(one.envelope) },
    )
    expect(encodeFrame(firstSlot, half)).toEqual(frame)
    expect(assignments.map(({ timestampMs }) => timestampMs)).toEqual(envelopes.map((_, i) => 1000 + i))
    for (const [i, { envelope }] of assignments.entries()) {
      const known = envelopes[i]
      if (envelope.kind !== 'push' || known?.kind !== 'push') expect(envelope).toEqual(known)
      else {
        expect(viewOf(envelope.core)).toEqual(known.push.coreBytes)
        expect(viewOf(envelope.body)).toEqual(known.push.bodyBytes)
        const { originAt, bodyHashAt, ...core } = outlinePushCore(envelope.core)
        const hashAt = (at: number): Uint8Array => frame.subarray(at, at + 32)
        const hashes = { origin: toBase64Url(hashAt(originAt)), bodyHash: hashAt(bodyHashAt) }
        expect({ ...core, ...hashes }).toEqual(known.push.core)
        const { bytes, start, end } = envelope.core
        expect(() => outlinePushCore({ bytes, start, end: end - 1 })).toThrow(MalformedBytes)
        expect(() => outlinePushCore({ bytes, start, end: end + 1 })).toThrow(MalformedBytes)
        expect(envelope.proof && decodePushProof(viewOf(envelope.proof))).toEqual(known.proof)
      }
    }
  })

  it('does not look into a proof, while whoever takes a frame apart refuses what is no proof', () => {
    if (second === undefined) throw new TypeError('expected a push')
    const bytes = encodeEnvelope(second)
    // The proof is last: its last byte is of a signature, and one byte more is too many.
    const { proofBytes } = { proofBytes: bytes.slice(-70) }
    expect(() => decodePushProof(proofBytes)).toThrow(MalformedBytes)
    const start = bytes.length - encodedProofBytes(bytes)
    const broken = bytes.slice()
    broken[start] = 0x80
    const frameBytes = frameOf([broken])
    expect(outlineFrame(frameBytes).assignments).toHaveLength(1)
    expect(() => decodeFrame(frameBytes)).toThrow(MalformedBytes)
  })
})

/** Bytes of the proof at the end of an encoded push. */
function encodedProofBytes(envelopeBytes: Uint8Array): number {
  const [assignment] = outlineFrame(frameOf([envelopeBytes])).assignments
  if (assignment?.envelope.kind !== 'push') throw new TypeError('expected a push')
  const { proof } = assignment.envelope
  return proof === undefined ? 0 : proof.end - proof.start
}

describe('the outline of an item', () => {
  it('has the fields of the item, and tells where its signature lies', () => {
    const outline = outlineDataItem(item.bytes)
    const [start, end] = signatureBounds(item.bytes)
    expect(item.bytes.subarray(start, end)).toEqual(item.signature)
    for (const field of [
      'id',
      'target',
      'owner',
      'ownerAddress',
      'tags',
      'tagsPiece',
      'data',
      'dataPiece',
      'anchor',
    ] as const) {
      expect(outline[field], field).toEqual(item[field])
    }
  })
})
