import {
  constants,
  createHash,
  createPrivateKey,
  generatePrimeSync,
  type KeyObject,
  privateEncrypt,
  sign,
} from 'node:crypto'
import { type AddCase, big, flip, join, makeCases, message, type SignatureCase, toBig } from './signature-case.ts'

const SIZES = [1024, 2040, 2047, 2048, 2049, 2050, 2055, 2056, 2057, 3072, 4095, 4096, 4104]
const SIZES_IN_DEPTH = new Set([2048, 2049, 2050, 4096])
const PADDING = constants.RSA_PKCS1_PSS_PADDING

interface RsaKey {
  readonly bits: number
  readonly privateKey: KeyObject
  readonly modulus: Uint8Array
}

/** Cases for RSASSA-PSS with SHA-256 and exponent 65537; the key is the modulus. */
export function rsaPssCases(): SignatureCase[] {
  return makeCases(add => {
    for (const bits of SIZES) {
      const key = makeKey(bits)
      const longest = Math.ceil((bits - 1) / 8) - 34
      const strong = bits >= 2048 && bits <= 4096
      for (const salt of [0, 1, 20, 32, 64, longest]) {
        add(`RSA ${bits}, salt of ${salt}`, strong, key.modulus, message, signPss(key, salt))
      }
      if (!SIZES_IN_DEPTH.has(bits)) continue
      addDamaged(add, key)
      addOddKeys(add, key)
      addEncodings(add, key)
    }
    addOddFactors(add)
  })
}

function signPss(key: RsaKey, saltLength: number, hash = 'sha256'): Uint8Array {
  const options = { key: key.privateKey, padding: PADDING, saltLength }
  return new Uint8Array(sign(hash, message, options))
}

function addDamaged(add: AddCase, key: RsaKey): void {
  const { bits, modulus } = key
  const good = signPss(key, 32)
  const size = good.length
  const refuse = (name: string, signature: Uint8Array): void =>
    add(`RSA ${bits}: ${name}`, false, modulus, message, signature)
  add(`RSA ${bits}: message bit flipped`, false, modulus, flip(message, 0), good)
  for (const at of [0, 1, size >> 1, size - 1]) {
    refuse(`signature bit flipped at ${at}`, flip(good, at))
  }
  refuse('signature 0', new Uint8Array(size))
  refuse('signature 1', toBig(1n, size))
  refuse('signature n - 1', toBig(big(modulus) - 1n, size))
  refuse('signature n', modulus)
  const beyond = big(good) + big(modulus)
  if (beyond < 1n << BigInt(8 * size)) {
    refuse('s + n, the same number modulo n', toBig(beyond, size))
  }
  refuse('short signature', good.subarray(1))
  refuse('long signature', join(Uint8Array.of(0), good))
  refuse('PKCS #1 v1.5', new Uint8Array(sign('sha256', message, key.privateKey)))
  refuse('PSS with SHA-1', signPss(key, 32, 'sha1'))
}

function addOddKeys(add: AddCase, key: RsaKey): void {
  const { bits, modulus } = key
  const good = signPss(key, 32)
  const size = modulus.length
  const padded = join(Uint8Array.of(0), good)
  const refuse = (name: string, odd: Uint8Array, signature = good): void =>
    add(`RSA ${bits}: ${name}`, false, odd, message, signature)
  refuse('even modulus', flip(modulus, size - 1))
  refuse('modulus with leading zero', join(Uint8Array.of(0), modulus), padded)
  refuse('modulus 0', new Uint8Array(size))
  refuse('modulus 1', toBig(1n, size))
}

/** RSA holds for any modulus without square factors; libraries need not agree to compute with it. */
function addOddFactors(add: AddCase): void {
  const prime = (bits: number): bigint => generatePrimeSync(bits, { bigint: true })
  const cases: readonly (readonly [string, boolean, readonly bigint[]])[] = [
    ['even modulus, honestly signed', false, [2n, prime(2047)]],
    ['modulus with small factors, honestly signed', true, [3n, 5n, prime(2060)]],
    ['prime modulus, honestly signed', true, [prime(2048)]],
  ]
  for (const [name, valid, factors] of cases) {
    const n = factors.reduce((product, factor) => product * factor)
    const phi = factors.reduce((product, factor) => product * (factor - 1n), 1n)
    const bits = n.toString(2).length
    const size = Math.ceil(bits / 8)
    const d = inverseOf65537(phi)
    const signature = toBig(power(big(pssEncode(bits, {})), d, n), size)
    add(`RSA: ${name}`, valid, toBig(n, size), message, signature)
  }
}

function addEncodings(add: AddCase, key: RsaKey): void {
  const options = { key: key.privateKey, padding: constants.RSA_NO_PADDING }
  for (const [name, valid, encoded] of pssEncodings(key)) {
    const block = join(new Uint8Array(key.modulus.length - encoded.length), encoded)
    const signature = new Uint8Array(privateEncrypt(options, block))
    add(`RSA ${key.bits}: ${name}`, valid, key.modulus, message, signature)
  }
}

interface PssChange {
  readonly separator?: number
  readonly padding?: number
  readonly trailer?: number
  readonly top?: number
  readonly zeros?: number
  readonly salt?: Uint8Array
}

/** EMSA-PSS encodings made by hand (RFC 8017 §9.1.1), each wrong in one place. */
function pssEncodings(key: RsaKey): [string, boolean, Uint8Array][] {
  const encode = (change: PssChange = {}): Uint8Array => pssEncode(key.bits, change)
  const unused = lowestUnusedBit(key.bits)
  const topBitSet = Array.from({ length: unused === 0 ? 0 : 64 }, (_, index) =>
    encode({ top: unused, salt: new Uint8Array(16).fill(index) }),
  ).filter(encoded => big(encoded) < big(key.modulus))
  const byteMore = Array.from({ length: unused === 0 ? 64 : 0 }, (_, index) =>
    join(Uint8Array.of(1), encode({ salt: new Uint8Array(16).fill(index) })),
  ).filter(encoded => big(encoded) < big(key.modulus))
  return [
    ['made by hand', true, encode()],
    ['separator 2', false, encode({ separator: 2 })],
    ['separator 0', false, encode({ separator: 0 })],
    ['padding not zero', false, encode({ padding: 7 })],
    ['a second separator earlier: the rest is read as salt', false, encode({ padding: 1 })],
    ['trailer 0xcc', false, encode({ trailer: 0xcc })],
    ['eight zeros are not zero', false, encode({ zeros: 1 })],
    ...[...topBitSet, ...byteMore]
      .slice(0, 1)
      .map((encoded): [string, boolean, Uint8Array] => ['a bit above the top', false, encoded]),
  ]
}

function lowestUnusedBit(bits: number): number {
  const unused = ~topMask(bits) & 0xff
  return unused & -unused
}

function topMask(bits: number): number {
  return 0xff >> (8 * Math.ceil((bits - 1) / 8) - (bits - 1))
}

function pssEncode(bits: number, change: PssChange): Uint8Array {
  const salt = change.salt ?? new Uint8Array(32).fill(1)
  const zeros = new Uint8Array(8).fill(change.zeros ?? 0)
  const digest = hashOf(zeros, hashOf(message), salt)
  const block = new Uint8Array(Math.ceil((bits - 1) / 8) - 33)
  block.set(salt, block.length - salt.length)
  block[block.length - salt.length - 1] = change.separator ?? 1
  if (change.padding !== undefined) block[3] = change.padding
  for (let at = 0; at < block.length; at++) {
    const mask = hashOf(digest, toBig(BigInt(Math.floor(at / 32)), 4))
    block[at] = (block[at] ?? 0) ^ (mask[at % 32] ?? 0)
  }
  block[0] = ((block[0] ?? 0) & topMask(bits)) | (change.top ?? 0)
  return join(block, digest, Uint8Array.of(change.trailer ?? 0xbc))
}

function hashOf(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(
    createHash('sha256')
      .update(join(...parts))
      .digest(),
  )
}

/** A key of exactly `bits` bits, which may be odd; OpenSSL itself makes even ones only. */
function makeKey(bits: number): RsaKey {
  const half = (bits + 1) >> 1
  for (;;) {
    const p = generatePrimeSync(half, { bigint: true })
    const q = generatePrimeSync(bits - half, { bigint: true })
    const n = p * q
    const phi = (p - 1n) * (q - 1n)
    if (n.toString(2).length !== bits || phi % 65537n === 0n || p <= q) continue
    const jwk = { kty: 'RSA', ...numbersOf(p, q, phi) }
    const modulus = new Uint8Array(Buffer.from(jwk.n, 'base64url'))
    return { bits, modulus, privateKey: createPrivateKey({ key: jwk, format: 'jwk' }) }
  }
}

function numbersOf(p: bigint, q: bigint, phi: bigint) {
  const d = inverseOf65537(phi)
  return {
    n: toText(p * q),
    e: toText(65537n),
    d: toText(d),
    p: toText(p),
    q: toText(q),
    dp: toText(d % (p - 1n)),
    dq: toText(d % (q - 1n)),
    qi: toText(power(q, p - 2n, p)),
  }
}

/** 1 / e modulo phi is (1 + phi * k) / e, for the k with phi * k = -1 modulo e, e being prime. */
function inverseOf65537(phi: bigint): bigint {
  const e = 65537n
  const k = (e - power(phi % e, e - 2n, e)) % e
  return (1n + phi * k) / e
}

function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let result = 1n
  let square = base % modulus
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

function toText(value: bigint): string {
  const digits = value.toString(16)
  return Buffer.from(digits.length % 2 ? `0${digits}` : digits, 'hex').toString('base64url')
}
