import sodium from 'sodium-native'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { nativeCrypto } from '../../node/crypto/native-crypto.ts'
import {
  asKeyId,
  attests,
  certificateMessage,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  installCrypto,
  keyId,
  KnownSignatures,
} from '../../protocol/index.ts'

const SEED = new Uint8Array(32).fill(5)
const KNOWN_MAX = 64
const CERTIFICATE = new Uint8Array(200).fill(9)

beforeAll(() => installCrypto(nativeCrypto))
afterAll(() => installCrypto({}))
afterEach(() => vi.restoreAllMocks())

it('verifies what one unit signed of one frame once, however many pushes bring it along', () => {
  const unit = asKeyId(keyId(ed25519PublicKey(SEED)))
  const signature = ed25519Sign(SEED, certificateMessage(CERTIFICATE))
  const verify = vi.spyOn(sodium, 'crypto_sign_verify_detached')
  for (let push = 0; push < 10; push++) expect(attests(unit, CERTIFICATE.slice(), signature.slice())).toBe(true)
  expect(verify).toHaveBeenCalledTimes(1)
})

it('believes a signature that held for nothing else, and remembers none that did not', () => {
  const verify = vi.fn(ed25519Verify)
  const known = new KnownSignatures(verify, KNOWN_MAX).holds
  const [key, other] = [ed25519PublicKey(SEED), ed25519PublicKey(new Uint8Array(32).fill(6))]
  const signature = ed25519Sign(SEED, CERTIFICATE)
  expect(known(key, CERTIFICATE, signature)).toBe(true)

  const changed = CERTIFICATE.with(199, 8)
  for (let time = 0; time < 2; time++) {
    expect(known(key, changed, signature)).toBe(false)
    expect(known(other, CERTIFICATE, signature)).toBe(false)
    expect(known(key, CERTIFICATE, signature.with(0, (signature[0] ?? 0) ^ 1))).toBe(false)
  }
  expect(verify).toHaveBeenCalledTimes(7)
  expect(known(key, CERTIFICATE, signature)).toBe(true)
  expect(verify).toHaveBeenCalledTimes(7)
})

it('keeps what it remembers though the bytes it was given are used for something else', () => {
  const known = new KnownSignatures(ed25519Verify, KNOWN_MAX).holds
  const message = CERTIFICATE.slice()
  const [key, signature] = [ed25519PublicKey(SEED), ed25519Sign(SEED, message)]
  expect(known(key, message, signature)).toBe(true)
  message[0] = 1
  expect(known(key, message, signature)).toBe(false)
})

it('forgets the oldest', () => {
  const verify = vi.fn(() => true)
  const known = new KnownSignatures(verify, KNOWN_MAX).holds
  const signatureOf = (n: number): Uint8Array => {
    const signature = new Uint8Array(64)
    new DataView(signature.buffer).setUint32(0, n)
    return signature
  }
  for (let n = 0; n <= KNOWN_MAX; n++) known(SEED, CERTIFICATE, signatureOf(n))
  known(SEED, CERTIFICATE, signatureOf(1))
  expect(verify).toHaveBeenCalledTimes(KNOWN_MAX + 1)
  known(SEED, CERTIFICATE, signatureOf(0))
  expect(verify).toHaveBeenCalledTimes(KNOWN_MAX + 2)
})

it('takes for verified what it is told, and nothing that only looks like it', () => {
  const verify = vi.fn(() => false)
  const known = new KnownSignatures(verify, KNOWN_MAX)
  const signature = new Uint8Array(64).fill(1)
  known.remember(SEED, CERTIFICATE, signature)
  expect(known.holds(SEED, CERTIFICATE, signature)).toBe(true)
  expect(verify).not.toHaveBeenCalled()
  expect(known.holds(SEED, CERTIFICATE.with(0, 8), signature)).toBe(false)
})
