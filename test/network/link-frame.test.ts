import { expect, test } from 'vitest'
import { decodeLinkFrame, encodeLinkFrame, type LinkFrame } from '../../network/links/link-frame.ts'
import { PEER_PART_BYTES, PEER_PART_MIN_BYTES } from '../../protocol/index.ts'

const ask = { kind: 'ask', id: 3, operation: 'frames', waitMs: 0 } as const

test.each([
  { ...ask, more: true },
  { kind: 'ask-part', id: 3, more: true },
  { kind: 'answer', id: 3, more: true },
] as const)('a part that others follow is of some length: $kind', frame => {
  const of = (length: number, more: boolean): LinkFrame => ({ ...frame, payload: new Uint8Array(length), more })
  const decoded = (length: number, more: boolean): LinkFrame => decodeLinkFrame(encodeLinkFrame(of(length, more)))
  for (const length of [0, 1, PEER_PART_MIN_BYTES - 1]) {
    expect(() => decoded(length, true)).toThrow('too short')
    expect(decoded(length, false)).toEqual(of(length, false))
  }
  for (const length of [PEER_PART_MIN_BYTES, PEER_PART_BYTES]) expect(decoded(length, true)).toEqual(of(length, true))
})

test('the name of an operation is a short one, or it would be held as long as its refusal waits', () => {
  const named = (length: number): Uint8Array =>
    encodeLinkFrame({ ...ask, operation: 'o'.repeat(length), payload: new Uint8Array(0), more: false })
  expect(decodeLinkFrame(named(64))).toMatchObject({ operation: 'o'.repeat(64) })
  expect(() => decodeLinkFrame(named(65))).toThrow('no name of an operation')
})
