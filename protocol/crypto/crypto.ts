/**
 * Hashes and signatures, with one verdict everywhere.
 *
 * 1. A provider does arithmetic; the rules of what a key or signature may look like are applied
 *    here (`signature-rules.ts`), before any provider is asked. So providers cannot differ on them.
 * 2. Verification answers with a boolean, whatever the bytes; it never throws on what peers send.
 * 3. Signatures cannot be changed into others by third parties: S < L, low-S, canonical points,
 *    s < n. Ids are made from signatures, so a changed signature would be a new id.
 */

import { blake2b } from '@noble/hashes/blake2.js'
import { sha256 as sha256Noble, sha384 as sha384Noble } from '@noble/hashes/sha2.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { ed25519PublicKeyPortable, ed25519SignPortable, ed25519VerifyPortable } from './ed25519.ts'
import { rsaPkcs1VerifyPortable, rsaPssVerifyPortable } from './rsa.ts'
import {
  secp256k1PublicKeyPortable,
  secp256k1RecoverPortable,
  secp256k1SignPortable,
  secp256k1VerifyPortable,
} from './secp256k1.ts'
import { hashOneByOne } from './sha256-provider.ts'
import {
  isEd25519PublicKey,
  isEd25519Signature,
  isRsaModulus,
  isSecp256k1PublicKey,
  isSecp256k1Signature,
} from './signature-rules.ts'

/** The primitives; called only with arguments of the right length that keep the signature rules. */
export interface CryptoProvider {
  /** 32 bytes. */
  sha256(bytes: Uint8Array): Uint8Array
  /** See `sha256Each`. */
  sha256Each(prefix: Uint8Array, bytes: Uint8Array, bounds: readonly number[]): Uint8Array
  /** 32 bytes: BLAKE2b with that many bytes of digest, as Hypercore uses it. */
  blake2b256(bytes: Uint8Array): Uint8Array
  /** 48 bytes. */
  sha384(bytes: Uint8Array): Uint8Array
  /** The same, put into `into` from `at` on. */
  sha384Into?(bytes: Uint8Array, into: Uint8Array, at: number): void
  /** 32 bytes; the Keccak of Ethereum, not SHA-3. */
  keccak256(bytes: Uint8Array): Uint8Array
  /** 32 bytes of public key for a 32-byte seed (RFC 8032 §5.1.5). */
  ed25519PublicKey(seed: Uint8Array): Uint8Array
  /** 64 bytes (RFC 8032 §5.1.6). */
  ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array
  /** Whether [S]B = R + [k]A, without cofactor. */
  ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** The same of what comes again and again: it may remember what holds. */
  ed25519VerifyAgain?(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** 65 bytes, uncompressed, for a 32-byte secret from 1 to n - 1. */
  secp256k1PublicKey(secret: Uint8Array): Uint8Array
  /** 65 bytes: r, low s, recovery bit (0 or 1); nonces by RFC 6979. */
  secp256k1Sign(secret: Uint8Array, hash: Uint8Array): Uint8Array
  /** Whether r and s (64 bytes) sign the 32-byte hash; the key has 33 or 65 bytes. */
  secp256k1Verify(publicKey: Uint8Array, hash: Uint8Array, signature: Uint8Array): boolean
  /** The 65-byte key that made the 65-byte signature (r, s, bit), or undefined when there is none. */
  secp256k1Recover(hash: Uint8Array, signature: Uint8Array): Uint8Array | undefined
  /** RSASSA-PSS with SHA-256, MGF1-SHA-256, exponent 65537 and any salt length (RFC 8017 §8.1.2). */
  rsaPssVerify(modulus: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** RSASSA-PKCS1-v1_5 with SHA-256, exponent 65537 (RFC 8017 §8.2.2). */
  rsaPkcs1Verify(modulus: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** Whether r and s (64 bytes) sign the SHA-256 of the message; the key has 65 bytes. */
  p256Verify?(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
}

/** The provider that runs everywhere, a browser included: noble, and RSA on BigInt. */
export const portableCrypto: CryptoProvider = {
  sha256: bytes => sha256Noble(bytes),
  sha256Each: hashOneByOne((prefix, bytes) => sha256Noble.create().update(prefix).update(bytes).digest()),
  blake2b256: bytes => blake2b(bytes, { dkLen: 32 }),
  sha384: bytes => sha384Noble(bytes),
  keccak256: bytes => keccak_256(bytes),
  ed25519PublicKey: ed25519PublicKeyPortable,
  ed25519Sign: ed25519SignPortable,
  ed25519Verify: ed25519VerifyPortable,
  secp256k1PublicKey: secp256k1PublicKeyPortable,
  secp256k1Sign: secp256k1SignPortable,
  secp256k1Verify: secp256k1VerifyPortable,
  secp256k1Recover: secp256k1RecoverPortable,
  rsaPssVerify: rsaPssVerifyPortable,
  rsaPkcs1Verify: rsaPkcs1VerifyPortable,
}

let installed: CryptoProvider = portableCrypto

/** Puts `provider` in charge of what it offers, for the whole program; the rest is portable. */
export function installCrypto(provider: Partial<CryptoProvider>): void {
  installed = { ...portableCrypto, ...provider }
}

/** Who is in charge. */
export function cryptoProvider(): CryptoProvider {
  return installed
}

/** SHA-256 of `bytes`: 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return installed.sha256(bytes)
}

/**
 * The SHA-256 hashes, one behind the other, of `prefix` followed by bytes [bounds[2 n], bounds[2 n + 1]) of `bytes`:
 * many short messages at once cost much less than one by one.
 */
export function sha256Each(prefix: Uint8Array, bytes: Uint8Array, bounds: readonly number[]): Uint8Array {
  return installed.sha256Each(prefix, bytes, bounds)
}

/** BLAKE2b of `bytes` with a digest of 32 bytes. */
export function blake2b256(bytes: Uint8Array): Uint8Array {
  return installed.blake2b256(bytes)
}

/** SHA-384 of `bytes`: 48 bytes. */
export function sha384(bytes: Uint8Array): Uint8Array {
  return installed.sha384(bytes)
}

/** The same, put into `into` from `at` on: deep hashes are made of many, of which nobody keeps any. */
export function sha384Into(bytes: Uint8Array, into: Uint8Array, at: number): void {
  if (installed.sha384Into === undefined) into.set(installed.sha384(bytes), at)
  else installed.sha384Into(bytes, into, at)
}

/** Keccak-256 of `bytes`, as Ethereum uses it: 32 bytes. */
export function keccak256(bytes: Uint8Array): Uint8Array {
  return installed.keccak256(bytes)
}

/** Public key (32 bytes) of a 32-byte Ed25519 seed. @throws RangeError on another length. */
export function ed25519PublicKey(seed: Uint8Array): Uint8Array {
  expectLength('Ed25519 seed', seed, 32)
  return installed.ed25519PublicKey(seed)
}

/** Ed25519 signature (64 bytes) by a 32-byte seed. @throws RangeError on another length. */
export function ed25519Sign(seed: Uint8Array, message: Uint8Array): Uint8Array {
  expectLength('Ed25519 seed', seed, 32)
  return installed.ed25519Sign(seed, message)
}

/**
 * Whether a key (32 bytes) made the signature (64 bytes). Strict, as libsodium: canonical encodings,
 * S < L, neither key nor R of small order, no cofactor. So no signature holds for two messages.
 */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isEd25519PublicKey(publicKey) || !isEd25519Signature(signature)) return false
  return installed.ed25519Verify(publicKey, message, signature)
}

/** The same of a signature that is met again and again, such as that on a certificate, which each push of its frame brings along. */
export function ed25519VerifyAgain(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isEd25519PublicKey(publicKey) || !isEd25519Signature(signature)) return false
  return (installed.ed25519VerifyAgain ?? installed.ed25519Verify)(publicKey, message, signature)
}

/** Uncompressed public key (65 bytes) of a secp256k1 secret. @throws on a secret that is none. */
export function secp256k1PublicKey(secret: Uint8Array): Uint8Array {
  expectLength('secp256k1 secret', secret, 32)
  return installed.secp256k1PublicKey(secret)
}

/** Signature (65 bytes: r, low s, recovery bit) of a 32-byte hash. @throws on a secret that is none. */
export function secp256k1Sign(secret: Uint8Array, hash: Uint8Array): Uint8Array {
  expectLength('secp256k1 secret', secret, 32)
  expectLength('hash', hash, 32)
  return installed.secp256k1Sign(secret, hash)
}

/** Whether a key (33 or 65 bytes) made the signature (64 bytes: r, low s) of a 32-byte hash. */
export function secp256k1Verify(publicKey: Uint8Array, hash: Uint8Array, signature: Uint8Array): boolean {
  if (!isSecp256k1PublicKey(publicKey) || hash.length !== 32) return false
  if (signature.length !== 64 || !isSecp256k1Signature(signature)) return false
  return installed.secp256k1Verify(publicKey, hash, signature)
}

/** The key (65 bytes) that made the signature (65 bytes: r, low s, bit 0 or 1), or undefined. */
export function secp256k1Recover(hash: Uint8Array, signature: Uint8Array): Uint8Array | undefined {
  if (hash.length !== 32 || signature.length !== 65 || (signature[64] ?? 2) > 1) return undefined
  if (!isSecp256k1Signature(signature)) return undefined
  return installed.secp256k1Recover(hash, signature)
}

/** Whether the RSA key (modulus of 2,048 to 4,096 bits, exponent 65537) made the PSS signature. */
export function rsaPssVerify(modulus: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isRsaModulus(modulus) || signature.length !== modulus.length) return false
  return installed.rsaPssVerify(modulus, message, signature)
}

/** Whether the RSA key (modulus of 2,048 to 4,096 bits, exponent 65537) made the signature by PKCS #1 v1.5. */
export function rsaPkcs1Verify(modulus: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (!isRsaModulus(modulus) || signature.length !== modulus.length) return false
  return installed.rsaPkcs1Verify(modulus, message, signature)
}

function expectLength(what: string, bytes: Uint8Array, length: number): void {
  if (bytes.length !== length) {
    throw new RangeError(`expected ${what} of ${length} bytes, got ${bytes.length}`)
  }
}
