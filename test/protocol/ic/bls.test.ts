import { bls12_381 } from '@noble/curves/bls12-381.js'
import { afterEach, expect, it, vi } from 'vitest'
import { blsPublicKey, blsSecret, blsSign, blsVerify } from '../../../protocol/index.ts'

const [SECRET, OTHER] = [1, 2].map(byte => blsSecret(new Uint8Array(32).fill(byte), 'test')) as [Uint8Array, Uint8Array]
const MESSAGE = new Uint8Array(45).fill(7)

afterEach(() => vi.restoreAllMocks())

it('a signature that held is checked once; one that did not hold, each time', () => {
  const checks = vi.spyOn(bls12_381.shortSignatures, 'verify')
  const [key, other] = [blsPublicKey(SECRET), blsPublicKey(OTHER)]
  const signature = blsSign(SECRET, MESSAGE)
  for (let time = 0; time < 3; time++) expect(blsVerify(key, MESSAGE, signature)).toBe(true)
  expect(checks).toHaveBeenCalledTimes(1)
  for (let time = 0; time < 2; time++) expect(blsVerify(other, MESSAGE, signature)).toBe(false)
  expect(
    blsVerify(
      key,
      MESSAGE.map(byte => byte + 1),
      signature,
    ),
  ).toBe(false)
  expect(checks).toHaveBeenCalledTimes(4)
})

it('bytes that are no point are refused before anything is computed', () => {
  const hashes = vi.spyOn(bls12_381.shortSignatures, 'hash')
  expect(blsVerify(blsPublicKey(SECRET), MESSAGE, new Uint8Array(48).fill(1))).toBe(false)
  expect(hashes).not.toHaveBeenCalled()
})
