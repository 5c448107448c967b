import { Principal } from '@icp-sdk/core/principal'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fromHex,
  MalformedBytes,
  principalFromText,
  principalText,
  selfAuthenticating,
} from '../../../protocol/index.ts'

describe('principals', () => {
  it('have the text that the IC gives them', () => {
    expect(principalText(new Uint8Array(0))).toBe('aaaaa-aa')
    expect(principalText(Uint8Array.of(4))).toBe('2vxsx-fae')
    expect(principalText(fromHex('00000000000000020101'))).toBe('ryjl3-tyaaa-aaaaa-aaaba-cai')
  })

  it('are read back from their text, as the client reads them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 29 }), bytes => {
        const text = principalText(bytes)
        expect(text).toBe(Principal.fromUint8Array(bytes).toText())
        expect(principalFromText(text)).toEqual(bytes)
      }),
    )
  })

  it('of keys are those that the client computes', () => {
    const der = fromHex(`302a300506032b6570032100${'07'.repeat(32)}`)
    expect(principalText(selfAuthenticating(der))).toBe(Principal.selfAuthenticating(der).toText())
  })

  it.each([
    ['a wrong checksum', 'ryjl3-tyaaa-aaaaa-aaabb-cai'],
    ['capitals', 'RYJL3-tyaaa-aaaaa-aaaba-cai'],
    ['missing dashes', 'ryjl3tyaaaaaaaaaaabacai'],
    ['a foreign character', '2vxsx-fa1'],
    ['nothing', ''],
    ['too many bytes', principalText(new Uint8Array(29)).repeat(2)],
  ])('refuse text with %s', (_, text) => {
    expect(() => principalFromText(text)).toThrow(MalformedBytes)
  })
})
