import { fromBase64Url, fromUtf8, MalformedBytes, toBase64Url, toHex, toUtf8 } from '../codec/bytes.ts'
import { ed25519PublicKey, ed25519Sign, keccak256, secp256k1PublicKey, secp256k1Sign, sha256 } from './crypto.ts'
import { ethereumMessageHash } from './ethereum-message.ts'

/**
 * How an item is signed: ANS-104 types 1 (RSA-4096-PSS), 2 (Ed25519), 3 (secp256k1 over Ethereum's
 * personal message), 4 (Ed25519 over the hex of the message) and 7 (secp256k1 over EIP-712 data).
 */
export type SignatureScheme = 'rsa-pss-sha256' | 'ed25519' | 'ethereum' | 'solana' | 'typed-ethereum'

/** What ANS-104 fixes for a scheme. */
export interface SchemeShape {
  readonly scheme: SignatureScheme
  readonly signatureType: number
  readonly signatureBytes: number
  readonly ownerBytes: number
}

const SHAPES = [
  { scheme: 'rsa-pss-sha256', signatureType: 1, signatureBytes: 512, ownerBytes: 512 },
  { scheme: 'ed25519', signatureType: 2, signatureBytes: 64, ownerBytes: 32 },
  { scheme: 'ethereum', signatureType: 3, signatureBytes: 65, ownerBytes: 65 },
  { scheme: 'solana', signatureType: 4, signatureBytes: 64, ownerBytes: 32 },
  { scheme: 'typed-ethereum', signatureType: 7, signatureBytes: 65, ownerBytes: 42 },
] as const satisfies readonly SchemeShape[]

const SHAPE_OF_TYPE: ReadonlyMap<number, SchemeShape> = new Map(SHAPES.map(shape => [shape.signatureType, shape]))
const SHAPE_OF_SCHEME: ReadonlyMap<SignatureScheme, SchemeShape> = new Map(SHAPES.map(shape => [shape.scheme, shape]))

/** The item names a signature type that we do not verify (5 and 6: Aptos, 101: KYVE) or that is none. */
export class UnsupportedSignatureType extends MalformedBytes {
  override readonly name: string = 'UnsupportedSignatureType'
  readonly code = 'unsupported-signature-type'
  readonly signatureType: number

  constructor(signatureType: number) {
    super(`data item: unsupported signature type ${signatureType}`, 0)
    this.signatureType = signatureType
  }
}

/** Lengths of a signature type of ANS-104. @throws UnsupportedSignatureType */
export function shapeOfType(signatureType: number): SchemeShape {
  const shape = SHAPE_OF_TYPE.get(signatureType)
  if (shape === undefined) throw new UnsupportedSignatureType(signatureType)
  return shape
}

/** Number and lengths of a scheme in ANS-104. */
export function shapeOfScheme(scheme: SignatureScheme): SchemeShape {
  const shape = SHAPE_OF_SCHEME.get(scheme)
  if (shape === undefined) throw new TypeError(`expected a signature scheme, got ${scheme}`)
  return shape
}

/** Somebody who can sign items; the secret stays inside. */
export interface Signer {
  readonly scheme: SignatureScheme
  /** The owner bytes of ANS-104. */
  readonly publicKey: Uint8Array
  /** See `addressOf`. */
  readonly address: string
  /** Signs the message of an item (48 bytes); gives the signature bytes of ANS-104. */
  sign(message: Uint8Array): Promise<Uint8Array>
}

/** 32 random bytes to sign with. */
export function generateEd25519Seed(): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(32))
}

/** Signs with an Ed25519 seed of 32 bytes. @throws RangeError on another length. */
export function ed25519Signer(seed: Uint8Array): Signer {
  const publicKey = ed25519PublicKey(seed)
  return {
    scheme: 'ed25519',
    publicKey,
    address: addressOf('ed25519', publicKey),
    sign: async message => ed25519Sign(seed, message),
  }
}

/** Signs as an Ethereum wallet does, with a secret of 32 bytes. @throws on a secret that is none. */
export function secp256k1Signer(secret: Uint8Array): Signer {
  const publicKey = secp256k1PublicKey(secret)
  return {
    scheme: 'ethereum',
    publicKey,
    address: addressOf('ethereum', publicKey),
    async sign(message) {
      const signature = secp256k1Sign(secret, ethereumMessageHash(message))
      signature[64] = 27 + (signature[64] ?? 0)
      return signature
    },
  }
}

/** An Arweave wallet file: RSA-4096 in JWK, every number in base64url. */
export interface ArweaveJwk {
  readonly kty: string
  readonly n: string
  readonly e: string
  readonly d: string
  readonly p: string
  readonly q: string
  readonly dp: string
  readonly dq: string
  readonly qi: string
}

const RSA_PSS = { name: 'RSA-PSS', hash: 'SHA-256' } as const

/**
 * Signs with an Arweave wallet: RSA-PSS, SHA-256, 32 bytes of salt, by the platform's WebCrypto.
 * @throws MalformedBytes when the modulus is not base64url; RangeError when it is not of 4,096 bits.
 */
export function arweaveSigner(jwk: ArweaveJwk): Signer {
  const publicKey = fromBase64Url(jwk.n)
  if (publicKey.length !== 512) {
    throw new RangeError(`expected an RSA key of 4,096 bits, got ${publicKey.length * 8}`)
  }
  const { kty, n, e, d, p, q, dp, dq, qi } = jwk
  const secret = { kty, n, e, d, p, q, dp, dq, qi }
  let key: Promise<CryptoKey> | undefined
  return {
    scheme: 'rsa-pss-sha256',
    publicKey,
    address: addressOf('rsa-pss-sha256', publicKey),
    async sign(message) {
      const { subtle } = globalThis.crypto
      key ??= subtle.importKey('jwk', secret, RSA_PSS, false, ['sign'])
      const algorithm = { name: 'RSA-PSS', saltLength: 32 }
      return new Uint8Array(await subtle.sign(algorithm, await key, new Uint8Array(message)))
    },
  }
}

/**
 * The address of an owner: base64url of sha256 (43 characters) for Arweave, Ed25519 and Solana keys,
 * the checksummed 0x… form (42 characters, EIP-55) for both Ethereum schemes.
 * @throws MalformedBytes when the owner of a typed Ethereum item is no address.
 */
export function addressOf(scheme: SignatureScheme, owner: Uint8Array): string {
  if (scheme === 'ethereum') return ethereumAddress(owner)
  if (scheme === 'typed-ethereum') return addressFromText(owner)
  return toBase64Url(sha256(owner))
}

/** The name of an Ed25519 key: itself, in base64url (43 characters). @throws RangeError */
export function keyId(publicKey: Uint8Array): string {
  if (publicKey.length !== 32) {
    throw new RangeError(`expected an Ed25519 key of 32 bytes, got ${publicKey.length}`)
  }
  return toBase64Url(publicKey)
}

/** Address of an uncompressed secp256k1 key (65 bytes), in EIP-55 spelling. */
export function ethereumAddress(publicKey: Uint8Array): string {
  return checksummed(toHex(keccak256(publicKey.subarray(1)).subarray(12)))
}

function addressFromText(owner: Uint8Array): string {
  const text = fromUtf8(owner)
  if (!/^0x[0-9a-fA-F]{40}$/.test(text)) {
    throw new MalformedBytes('data item: owner is no Ethereum address', 0)
  }
  return checksummed(text.slice(2).toLowerCase())
}

/** EIP-55: a letter is upper-case when the digit of the hash in its place is 8 or more. */
function checksummed(hex: string): string {
  const hash = toHex(keccak256(toUtf8(hex)))
  let address = '0x'
  for (let at = 0; at < hex.length; at++) {
    const char = hex.charAt(at)
    address += hash.charAt(at) >= '8' ? char.toUpperCase() : char
  }
  return address
}
