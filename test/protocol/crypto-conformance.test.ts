import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nativeCrypto } from '../../node/crypto/native-crypto.ts'
import { fromHex, toHex, toUtf8 } from '../../protocol/codec/bytes.ts'
import {
  type CryptoProvider,
  blake2b256,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Verify,
  ed25519VerifyAgain,
  installCrypto,
  keccak256,
  portableCrypto,
  rsaPssVerify,
  secp256k1PublicKey,
  secp256k1Recover,
  secp256k1Sign,
  secp256k1Verify,
  sha256,
  sha384,
} from '../../protocol/crypto/crypto.ts'
import vectors from '../vectors/signatures.json' with { type: 'json' }

const providers: readonly (readonly [string, Partial<CryptoProvider>])[] = [
  ['portable', {}],
  ['native', nativeCrypto],
]

describe.each(providers)('the %s crypto provider', (_, provider) => {
  beforeAll(() => installCrypto(provider))
  afterAll(() => installCrypto({}))

  it.each(vectors.ed25519)('gives the Ed25519 verdict: $name', vector => {
    const { key, message, signature } = vector
    for (const verify of [ed25519Verify, ed25519VerifyAgain, ed25519VerifyAgain])
      expect(verify(fromHex(key), fromHex(message), fromHex(signature))).toBe(vector.valid)
  })

  it.each(vectors.secp256k1)('gives the secp256k1 verdict: $name', vector => {
    const { key, message, signature } = vector
    expect(secp256k1Verify(fromHex(key), fromHex(message), fromHex(signature))).toBe(vector.valid)
  })

  it.each(vectors.secp256k1Recover)('recovers or refuses: $name', vector => {
    const key = secp256k1Recover(fromHex(vector.hash), fromHex(vector.signature))
    expect(key === undefined ? null : toHex(key)).toBe(vector.key)
  })

  it.each(vectors.rsaPssSha256)('gives the RSA-PSS verdict: $name', vector => {
    const { key, message, signature } = vector
    expect(rsaPssVerify(fromHex(key), fromHex(message), fromHex(signature))).toBe(vector.valid)
  })

  it('gives the same verdict on the Buffers of a socket, and leaves them as they are', () => {
    const seed = new Uint8Array(32).fill(5)
    // About one signature in a hundred begins as a point of small order does and has the sign of its x set.
    for (let n = 0; n < 600; n++) {
      const message = toUtf8(`message ${n}`)
      const signature = Buffer.from(ed25519Sign(seed, message))
      const before = toHex(signature)
      expect(ed25519Verify(ed25519PublicKey(seed), message, signature)).toBe(true)
      expect(toHex(signature)).toBe(before)
    }
  })

  it('hashes as everybody does', () => {
    for (const length of [0, 1, 48, 96, 111, 112, 127, 128, 240, 512, 513, 5000]) {
      const bytes = new Uint8Array(length).map((_byte, at) => at * 7)
      const oracle = (name: string): string => createHash(name).update(bytes).digest('hex')
      expect(toHex(sha256(bytes))).toBe(oracle('sha256'))
      expect(toHex(sha384(bytes))).toBe(oracle('sha384'))
    }
    // RFC 7693 gives BLAKE2b of `abc` with 64 bytes alone; this is what libsodium and the reference code say.
    expect(toHex(blake2b256(toUtf8('abc')))).toBe('bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319')
    expect(toHex(keccak256(toUtf8('')))).toBe('c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470')
  })

  it('makes a plain Uint8Array with its own memory, every time', () => {
    const seed = new Uint8Array(32).fill(1)
    const makers = [
      () => sha256(seed),
      () => sha384(seed),
      () => blake2b256(seed),
      () => sha384(new Uint8Array(1000)),
      () => keccak256(seed),
      () => ed25519PublicKey(seed),
      () => ed25519Sign(seed, seed),
      () => secp256k1PublicKey(seed),
      () => secp256k1Sign(seed, seed),
    ]
    for (const make of makers) {
      const first = make()
      const copy = toHex(first)
      expect(Object.getPrototypeOf(first)).toBe(Uint8Array.prototype)
      make().fill(0)
      expect(toHex(first)).toBe(copy)
      expect(toHex(make())).toBe(copy)
    }
  })

  it('notices that a seed was changed in place', () => {
    const seed = new Uint8Array(32).fill(1)
    const before = toHex(ed25519Sign(seed, seed))
    seed.fill(2)
    const fresh = new Uint8Array(32).fill(2)
    expect(toHex(ed25519Sign(seed, seed))).toBe(toHex(portableCrypto.ed25519Sign(fresh, fresh)))
    expect(toHex(ed25519PublicKey(seed))).toBe(toHex(portableCrypto.ed25519PublicKey(fresh)))
    seed.fill(1)
    expect(toHex(ed25519Sign(seed, seed))).toBe(before)
  })

  it('refuses secrets that are none', () => {
    for (const length of [0, 31, 33, 64]) {
      expect(() => ed25519PublicKey(new Uint8Array(length))).toThrow(RangeError)
      expect(() => ed25519Sign(new Uint8Array(length), new Uint8Array(1))).toThrow(RangeError)
      expect(() => secp256k1PublicKey(new Uint8Array(length))).toThrow(RangeError)
    }
    for (const secret of [new Uint8Array(32), new Uint8Array(32).fill(255)]) {
      expect(() => secp256k1PublicKey(secret)).toThrow()
      expect(() => secp256k1Sign(secret, new Uint8Array(32).fill(1))).toThrow()
    }
  })

  it('does not depend on where in memory its arguments lie', () => {
    const buffer = new Uint8Array(1000)
    const at = (bytes: Uint8Array, offset: number): Uint8Array => {
      buffer.set(bytes, offset)
      return buffer.subarray(offset, offset + bytes.length)
    }
    const seed = new Uint8Array(32).fill(9)
    const message = toUtf8('moved')
    const signature = ed25519Sign(seed, message)
    const key = ed25519PublicKey(seed)
    expect(ed25519Verify(at(key, 3), at(message, 101), at(signature, 205))).toBe(true)
    expect(toHex(sha256(at(message, 500)))).toBe(toHex(sha256(message)))
  })
})

describe('both providers', () => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const native = { ...portableCrypto, ...nativeCrypto }

  it('make the same keys and signatures', () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), fc.uint8Array({ maxLength: 200 }), (secret, hash, message) => {
        fc.pre(secret.some(byte => byte !== 0) && secret[0] !== 255)
        for (const name of ['ed25519PublicKey', 'secp256k1PublicKey'] as const) {
          expect(toHex(native[name](secret))).toBe(toHex(portableCrypto[name](secret)))
        }
        expect(toHex(native.ed25519Sign(secret, message))).toBe(toHex(portableCrypto.ed25519Sign(secret, message)))
        expect(toHex(native.secp256k1Sign(secret, hash))).toBe(toHex(portableCrypto.secp256k1Sign(secret, hash)))
      }),
      { numRuns: 40 },
    )
  })

  it('recover the same key, or none, from any signature', () => {
    fc.assert(
      fc.property(bytes(32), bytes(64), fc.integer({ min: 0, max: 1 }), (hash, pair, bit) => {
        pair[32] = (pair[32] ?? 0) & 0x7f
        const signature = new Uint8Array([...pair, bit])
        const results = [portableCrypto, native].map(provider => {
          installCrypto(provider)
          const key = secp256k1Recover(hash, signature)
          return key === undefined ? undefined : toHex(key)
        })
        expect(results[0]).toBe(results[1])
      }),
      { numRuns: 60 },
    )
    installCrypto({})
  })
})
