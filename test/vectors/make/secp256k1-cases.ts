import { createHash } from 'node:crypto'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import {
  type AddCase,
  big,
  flip,
  hex,
  join,
  makeCases,
  message,
  resized,
  type SignatureCase,
  toBig,
} from './signature-case.ts'

const { Point } = secp256k1
const N = Point.Fn.ORDER
const ONES = (1n << 256n) - 1n
const secret = new Uint8Array(32).fill(5)
const hash = new Uint8Array(createHash('sha256').update(message).digest())
const long = secp256k1.getPublicKey(secret, false)
const short = secp256k1.getPublicKey(secret, true)
const good = secp256k1.sign(hash, secret, { prehash: false })
const r = big(good.subarray(0, 32))
const s = big(good.subarray(32))
const pair = (first: bigint, second: bigint): Uint8Array => join(toBig(first), toBig(second))

/** A case of key recovery: the signature has 65 bytes, `key` is null when nothing may be found. */
export interface RecoverCase {
  readonly name: string
  readonly hash: string
  readonly signature: string
  readonly key: string | null
}

/** Cases for secp256k1 ECDSA; the message is the hash. */
export function secp256k1Cases(): SignatureCase[] {
  return makeCases(add => {
    addSignatures(add)
    addKeys(add)
    addHashes(add)
    addReducedR(add)
  })
}

function addSignatures(add: AddCase): void {
  add('valid', true, long, hash, good)
  add('valid, compressed key', true, short, hash, good)
  const wrong: readonly (readonly [string, bigint, bigint])[] = [
    ['high-S twin', r, N - s],
    ['s + n', r, s + N > ONES ? ONES : s + N],
    ['r = 0', 0n, s],
    ['s = 0', r, 0n],
    ['r = n', N, s],
    ['s = n', r, N],
    ['r = n + 1', N + 1n, s],
    ['r all ones', ONES, s],
    ['both 0', 0n, 0n],
    ['both 1', 1n, 1n],
    ['s = n / 2 + 1', r, N / 2n + 1n],
    ['s = n - 1', r, N - 1n],
    ['r and s exchanged', s, r],
  ]
  for (const [name, first, second] of wrong) add(name, false, long, hash, pair(first, second))
  for (const at of [0, 31, 32, 63]) {
    add(`signature bit flipped at ${at}`, false, long, hash, flip(good, at))
  }
  for (const other of resized(good, [0, 63, 65])) {
    add(`signature of ${other.length} bytes`, false, long, hash, other)
  }
}

function addKeys(add: AddCase): void {
  const withFirst = (key: Uint8Array, first: number): Uint8Array => join(Uint8Array.of(first), key.subarray(1))
  for (const first of [0, 1, 2, 3, 5, 6, 7]) {
    add(`first byte of long key ${first}`, false, withFirst(long, first), hash, good)
  }
  for (const first of [0, 1, 4, 5, 6, 7, short[0] === 2 ? 3 : 2]) {
    add(`first byte of short key ${first}`, false, withFirst(short, first), hash, good)
  }
  add('key not on the curve', false, flip(long, 64), hash, good)
  add('key x beyond the field', false, join(Uint8Array.of(2), toBig(ONES)), hash, good)
  add('key all zero', false, join(Uint8Array.of(4), new Uint8Array(64)), hash, good)
  for (const other of resized(long, [0, 32, 64, 66])) {
    add(`key of ${other.length} bytes`, false, other, hash, good)
  }
}

function addHashes(add: AddCase): void {
  add('hash bit flipped', false, long, flip(hash, 0), good)
  for (const other of resized(hash, [0, 31, 33])) {
    add(`hash of ${other.length} bytes`, false, long, other, good)
  }
  for (const value of [0n, N, N + 5n, ONES]) {
    const odd = toBig(value)
    add(`hash ${value}`, true, long, odd, secp256k1.sign(odd, secret, { prehash: false }))
  }
  // With hash 0, r = s = x(Q) satisfies the equation for any key Q: known, harmless, lawful.
  const x = big(long.subarray(1, 33)) % N
  const forAll = pair(x, x > N / 2n ? N - x : x)
  add('hash 0, r = s = x of the key', true, long, new Uint8Array(32), forAll)
}

function addReducedR(add: AddCase): void {
  const { x, key, signature, s: second } = reducedR()
  add('x of R is beyond n, r = x - n', true, key, hash, signature)
  add('x of R is beyond n, r = x', false, key, hash, pair(x, second))
}

/** R whose x is n or more, so that r = x - n: never met by chance, but lawful. */
function reducedR(): { x: bigint; s: bigint; key: Uint8Array; signature: Uint8Array } {
  for (let x = N + 1n; ; x++) {
    let commitment: InstanceType<typeof Point>
    try {
      commitment = Point.fromBytes(join(Uint8Array.of(2), toBig(x)))
    } catch {
      continue // no point has this x
    }
    const s = 1234567n
    const multiple = commitment.multiply(s).subtract(Point.BASE.multiply(big(hash) % N))
    const key = multiple.multiply(Point.Fn.inv(x - N)).toBytes(false)
    return { x, s, key, signature: pair(x - N, s) }
  }
}

/** Cases for recovery of the key. */
export function secp256k1RecoverCases(): RecoverCase[] {
  const made = secp256k1.sign(hash, secret, { prehash: false, format: 'recovered' })
  const bit = made[0] ?? 0
  const both = made.subarray(1)
  const at = (name: string, signature: Uint8Array, key: string | null, digest = hash) => ({
    name,
    hash: hex(digest),
    signature: hex(signature),
    key,
  })
  const withBit = (bytes: Uint8Array, last: number): Uint8Array => join(bytes, Uint8Array.of(last))
  return [
    at('valid', withBit(both, bit), hex(long)),
    ...[2, 3, 4, 27, 28, 255].map(other => at(`bit ${other}`, withBit(both, other), null)),
    at('high-S twin', withBit(pair(r, N - s), 1 - bit), null),
    at('r = 0', withBit(pair(0n, s), 0), null),
    at('r is no x of the curve', withBit(pair(5n, s), 0), null),
    at('key would be the point at infinity', toInfinity(), null),
    at('x of R is beyond n, bit 2 as Bitcoin has it', withBit(reducedR().signature, 2), null),
    at('64 bytes', both, null),
    at('short hash', withBit(both, bit), null, hash.slice(1)),
  ]
}

/** R = kG and s = z / k, so that sR - zG is nothing. */
function toInfinity(): Uint8Array {
  const nonce = 99n
  const commitment = Point.BASE.multiply(nonce)
  const parity = (commitment.toBytes()[0] ?? 2) - 2
  const second = ((big(hash) % N) * Point.Fn.inv(nonce)) % N
  const isLow = second <= N / 2n
  const low = isLow ? second : N - second
  return join(pair(commitment.x % N, low), Uint8Array.of(isLow ? parity : 1 - parity))
}
