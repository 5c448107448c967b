/**
 * RSASSA-PSS verification on BigInt (RFC 8017 §8.1.2 and §9.1.2): SHA-256, MGF1 with SHA-256,
 * exponent 65537, salt of any length, since Arweave's clients have used several.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatBytes, equalBytes, fromHex, toHex } from '../codec/bytes.ts'

const HASH_BYTES = 32
const TRAILER = 0xbc

/** Whether the key made the signature; the signature must be as long as the modulus. */
export function rsaPssVerifyPortable(modulus: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const n = toInteger(modulus)
  const s = toInteger(signature)
  if (s >= n) return false
  const encodedBits = bitLength(modulus) - 1
  const encodedBytes = Math.ceil(encodedBits / 8)
  const encoded = toBytes(powerOf65537(s, n), modulus.length)
  for (let at = 0; at < modulus.length - encodedBytes; at++) {
    if (encoded[at] !== 0) return false
  }
  return isPssEncoding(encoded.subarray(modulus.length - encodedBytes), encodedBits, sha256(message))
}

/** DER of "the hash that follows is a SHA-256". */
const SHA256_PREFIX = fromHex('3031300d060960864801650304020105000420')

/** The same by PKCS #1 v1.5 (RFC 8017 §8.2.2): the encoding is made anew and compared, never parsed. */
export function rsaPkcs1VerifyPortable(modulus: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const n = toInteger(modulus)
  const s = toInteger(signature)
  if (s >= n) return false
  const digest = concatBytes(SHA256_PREFIX, sha256(message))
  const padding = new Uint8Array(modulus.length - digest.length - 3).fill(0xff)
  const expected = concatBytes(Uint8Array.of(0, 1), padding, Uint8Array.of(0), digest)
  return equalBytes(toBytes(powerOf65537(s, n), modulus.length), expected)
}

function powerOf65537(base: bigint, modulus: bigint): bigint {
  let power = base
  for (let square = 0; square < 16; square++) power = (power * power) % modulus
  return (power * base) % modulus
}

function isPssEncoding(encoded: Uint8Array, bits: number, messageHash: Uint8Array): boolean {
  if (encoded.length < HASH_BYTES + 2 || encoded[encoded.length - 1] !== TRAILER) return false
  const maskedLength = encoded.length - HASH_BYTES - 1
  const hash = encoded.subarray(maskedLength, maskedLength + HASH_BYTES)
  const topMask = 0xff >> (8 * encoded.length - bits)
  if (((encoded[0] ?? 0) & ~topMask) !== 0) return false
  const block = maskGeneration(hash, maskedLength)
  for (let at = 0; at < maskedLength; at++) block[at] = (block[at] ?? 0) ^ (encoded[at] ?? 0)
  block[0] = (block[0] ?? 0) & topMask
  let at = 0
  while (at < maskedLength - 1 && block[at] === 0) at++
  if (block[at] !== 1) return false
  const salt = block.subarray(at + 1)
  return equalBytes(sha256(concatBytes(new Uint8Array(8), messageHash, salt)), hash)
}

function maskGeneration(seed: Uint8Array, length: number): Uint8Array {
  const mask = new Uint8Array(Math.ceil(length / HASH_BYTES) * HASH_BYTES)
  const input = new Uint8Array(seed.length + 4)
  input.set(seed)
  const view = new DataView(input.buffer)
  for (let counter = 0; counter * HASH_BYTES < length; counter++) {
    view.setUint32(seed.length, counter)
    mask.set(sha256(input), counter * HASH_BYTES)
  }
  return mask.subarray(0, length)
}

function bitLength(bytes: Uint8Array): number {
  return bytes.length * 8 - (Math.clz32(bytes[0] ?? 0) - 24)
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes)}`)
}

function toBytes(value: bigint, length: number): Uint8Array {
  return fromHex(value.toString(16).padStart(length * 2, '0'))
}
