import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { createRequire } from 'node:module'
import type Secp256k1 from 'secp256k1'
import sodium from 'sodium-native'
import { type CryptoProvider, KnownSignatures } from '../../protocol/index.ts'
import { hostSha256 } from './host-crypto.ts'
import { nativeSha384, nativeSha384Into } from './native-sha384.ts'

/** RSA keys kept ready: importing one costs a third of a verification. */
const RSA_KEYS_MAX = 1024
/**
 * Signatures of certificates that are remembered, a few hundred bytes each: those of the last thousand frames or so, by three units each. A
 * certificate comes with each push of its frame, to each of their receivers, and was heard from its unit before.
 */
const CERTIFICATES_KNOWN_MAX = 4096

const require = createRequire(import.meta.url)
let secp256k1Loaded: typeof Secp256k1 | undefined
const rsaKeys = new Map<string, KeyObject>()
/** What an addon writes to gets a buffer outside of the heap, which costs more than the copy of a digest. */
const digest = new Uint8Array(32)
const expandedSeeds = new WeakMap<Uint8Array, Uint8Array>()

/**
 * Hashes and signatures by OpenSSL, libsodium and libsecp256k1: 5 to 30 times the portable speed.
 * None of the three offers Keccak-256, and RSA by PKCS #1 v1.5 is too rare here to matter: they stay with the portable provider.
 */
export const nativeCrypto: Omit<CryptoProvider, 'keccak256' | 'rsaPkcs1Verify'> = {
  ...hostSha256,
  blake2b256(bytes) {
    sodium.crypto_generichash(digest, bytes)
    return digest.slice()
  },
  sha384: nativeSha384,
  sha384Into: nativeSha384Into,
  ed25519PublicKey: seed => expandSeed(seed).slice(32),
  ed25519Sign(seed, message) {
    const signature = new Uint8Array(64)
    sodium.crypto_sign_detached(signature, message, expandSeed(seed))
    return signature
  },
  ed25519Verify,
  ed25519VerifyAgain: new KnownSignatures(ed25519Verify, CERTIFICATES_KNOWN_MAX).holds,
  secp256k1PublicKey: secret => secp256k1().publicKeyCreate(secret, false),
  secp256k1Sign(secret, hash) {
    const { signature, recid } = secp256k1().ecdsaSign(hash, secret)
    const whole = new Uint8Array(65)
    whole.set(signature)
    whole[64] = recid
    return whole
  },
  secp256k1Verify(publicKey, hash, signature) {
    const native = secp256k1()
    try {
      return native.ecdsaVerify(signature, hash, publicKey)
    } catch {
      return false
    }
  },
  secp256k1Recover(hash, signature) {
    const native = secp256k1()
    try {
      return native.ecdsaRecover(signature.subarray(0, 64), signature[64] ?? 0, hash, false)
    } catch {
      return undefined
    }
  },
  rsaPssVerify(modulus, message, signature) {
    try {
      const key = rsaKey(modulus)
      return verify('sha256', message, { key, ...RSA_PSS_ANY_SALT }, signature)
    } catch {
      return false
    }
  },
  p256Verify(publicKey, message, signature) {
    try {
      const key = createPublicKey({
        key: Buffer.concat([P256_DER_PREFIX, publicKey]),
        format: 'der',
        type: 'spki',
      })
      return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
    } catch {
      return false
    }
  },
}

/** Loaded for the first signature of its kind: many nodes never see one, and it is a thirtieth of what a start takes. */
function secp256k1(): typeof Secp256k1 {
  secp256k1Loaded ??= require('secp256k1') as typeof Secp256k1
  return secp256k1Loaded
}

function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  return sodium.crypto_sign_verify_detached(signature, outsideOfHeap(message), publicKey)
}

/** Digests and the like. The engine keeps bytes up to 64 in its heap, and makes a buffer of their own for each that an addon is given. */
const shortMessages = Array.from({ length: 65 }, (_, length) => new Uint8Array(new ArrayBuffer(length)))

/** The same bytes where an addon can read them for nothing; only until the next call. */
function outsideOfHeap(message: Uint8Array): Uint8Array {
  const kept = shortMessages[message.length]
  if (kept === undefined) return message
  for (let at = 0; at < kept.length; at++) kept[at] = message[at] ?? 0
  return kept
}

/** SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point. */
const P256_DER_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex')

const RSA_PSS_ANY_SALT = {
  padding: constants.RSA_PKCS1_PSS_PADDING,
  saltLength: constants.RSA_PSS_SALTLEN_AUTO,
}

/** libsodium signs with seed and public key; kept beside the seed, and checked against it. */
function expandSeed(seed: Uint8Array): Uint8Array {
  const kept = expandedSeeds.get(seed)
  if (kept !== undefined && seed.every((byte, at) => kept[at] === byte)) return kept
  const publicKey = new Uint8Array(32)
  const expanded = new Uint8Array(64)
  sodium.crypto_sign_seed_keypair(publicKey, expanded, seed)
  expandedSeeds.set(seed, expanded)
  return expanded
}

/** Least recently used goes first: a Map keeps the order of insertion. */
function rsaKey(modulus: Uint8Array): KeyObject {
  const name = Buffer.from(modulus.buffer, modulus.byteOffset, modulus.byteLength).toString('latin1')
  let key = rsaKeys.get(name)
  if (key === undefined) {
    const n = Buffer.from(modulus).toString('base64url')
    key = createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' })
    const oldest = rsaKeys.size >= RSA_KEYS_MAX ? rsaKeys.keys().next().value : undefined
    if (oldest !== undefined) rsaKeys.delete(oldest)
  } else {
    rsaKeys.delete(name)
  }
  rsaKeys.set(name, key)
  return key
}
