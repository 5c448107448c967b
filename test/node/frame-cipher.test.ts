import { defaultCrypto } from '@libp2p/noise/crypto'
import sodium from 'sodium-native'
import { afterEach, expect, it, vi } from 'vitest'
import { noiseCrypto } from '../../network/host/frame-cipher.ts'
import { nativeFrameCipher } from '../../node/crypto/frame-cipher.ts'

const crypto = noiseCrypto(nativeFrameCipher)
const [key, nonce, none] = [new Uint8Array(32).fill(1), new Uint8Array(12).fill(2), new Uint8Array(0)]
const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => at % 251)

afterEach(() => vi.restoreAllMocks())

it.each([0, 1, 12, 500, 1_199, 1_200, 65_519])(
  'seals %d bytes as libp2p does, and opens what libp2p sealed',
  length => {
    const plain = bytesOf(length)
    const sealed = defaultCrypto.chaCha20Poly1305Encrypt(plain, nonce, none, key).slice()
    expect(Buffer.from(crypto.chaCha20Poly1305Encrypt(plain, nonce, none, key).subarray())).toEqual(Buffer.from(sealed))
    const opened = crypto.chaCha20Poly1305Decrypt(sealed, nonce, none, key)
    expect(Buffer.from(opened.subarray())).toEqual(Buffer.from(plain))
  },
)

it('opens it where it lies', () => {
  const plain = bytesOf(3_000)
  const sealed = crypto.chaCha20Poly1305Encrypt(plain, nonce, none, key).slice()
  const place = sealed.subarray(0, plain.length)
  expect(crypto.chaCha20Poly1305Decrypt(sealed, nonce, none, key, place)).toBe(place)
  expect(Buffer.from(place)).toEqual(Buffer.from(plain))
})

it('refuses what was changed', () => {
  const sealed = crypto.chaCha20Poly1305Encrypt(bytesOf(100), nonce, none, key).slice()
  for (const at of [0, 50, 99, 100, 115]) {
    const changed = sealed.with(at, (sealed[at] ?? 0) ^ 1)
    expect(() => crypto.chaCha20Poly1305Decrypt(changed, nonce, none, key)).toThrow()
  }
  expect(() => crypto.chaCha20Poly1305Decrypt(sealed.subarray(0, 15), nonce, none, key)).toThrow()
})

it('leaves messages of the handshake to libp2p: they have associated data', () => {
  const seal = vi.spyOn(sodium, 'crypto_aead_chacha20poly1305_ietf_encrypt')
  const associated = bytesOf(32)
  const sealed = crypto.chaCha20Poly1305Encrypt(bytesOf(48), nonce, associated, key).slice()
  expect(seal).not.toHaveBeenCalled()
  expect(sealed).toEqual(defaultCrypto.chaCha20Poly1305Encrypt(bytesOf(48), nonce, associated, key).slice())
  const opened = crypto.chaCha20Poly1305Decrypt(sealed, nonce, associated, key)
  expect(Buffer.from(opened.subarray())).toEqual(Buffer.from(bytesOf(48)))
})
