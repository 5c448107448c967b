import { ED25519_TORSION_SUBGROUP, ed25519 } from '@noble/curves/ed25519.js'
import { sha512 } from '@noble/hashes/sha2.js'
import {
  type AddCase,
  flip,
  join,
  little,
  makeCases,
  message,
  resized,
  type SignatureCase,
  toLittle,
} from './signature-case.ts'

const { Point } = ed25519
const ORDER = Point.Fn.ORDER
const FIELD = (1n << 255n) - 19n
const TORSION = ED25519_TORSION_SUBGROUP.map(text => Point.fromHex(text, true))
const seed = new Uint8Array(32).fill(3)
const key = ed25519.getPublicKey(seed)
const good = ed25519.sign(message, seed)

/** Cases for Ed25519. */
export function ed25519Cases(): SignatureCase[] {
  return makeCases(add => {
    addHonest(add)
    addWrongS(add)
    addSmallOrder(add)
    addOddEncodings(add)
    addMixedOrder(add)
  })
}

function addHonest(add: AddCase): void {
  for (const length of [0, 1, 48, 96, 1000]) {
    const text = new Uint8Array(length).fill(length)
    add(`valid, message of ${length} bytes`, true, key, text, ed25519.sign(text, seed))
  }
  for (const at of [0, 31, 32, 63]) {
    add(`signature bit flipped at ${at}`, false, key, message, flip(good, at))
  }
  add('message bit flipped', false, key, flip(message, 5), good)
  add('key bit flipped', false, flip(key, 5), message, good)
  for (const other of resized(good, [0, 63, 65, 128])) {
    add(`signature of ${other.length} bytes`, false, key, message, other)
  }
  for (const other of resized(key, [0, 31, 33])) {
    add(`key of ${other.length} bytes`, false, other, message, good)
  }
}

function addWrongS(add: AddCase): void {
  const r = good.subarray(0, 32)
  const s = little(good.subarray(32))
  for (const times of [1n, 2n, 7n]) {
    add(`S + ${times} L`, false, key, message, join(r, toLittle(s + times * ORDER)))
  }
  add('S = L', false, key, message, join(r, toLittle(ORDER)))
  add('S = 0', false, key, message, join(r, toLittle(0n)))
  add('S all ones', false, key, message, join(r, new Uint8Array(32).fill(255)))
  add('all zero', false, new Uint8Array(32), message, new Uint8Array(64))
}

/** All of these satisfy the equation; they are refused for what they are. */
function addSmallOrder(add: AddCase): void {
  const identity = Point.ZERO.toBytes()
  for (const [index, point] of TORSION.entries()) {
    const small = point.toBytes()
    const text = messageWith(candidate => challenge(identity, small, candidate) % 8n === 0n)
    const forged = join(identity, new Uint8Array(32))
    add(`key of small order ${index}, R = identity, S = 0`, false, small, text, forged)
    add(`R of small order ${index}`, false, ...signedWith(small, message))
  }
}

function addOddEncodings(add: AddCase): void {
  const identity = Point.ZERO.toBytes()
  for (const y of [0n, 1n, FIELD - 1n, FIELD, FIELD + 1n, (1n << 255n) - 1n]) {
    for (const sign of [0n, 1n]) {
      const odd = toLittle(y | (sign << 255n))
      const text = messageWith(candidate => challenge(identity, odd, candidate) % 8n === 0n)
      const forged = join(identity, new Uint8Array(32))
      add(`odd encoding y=${y} sign=${sign} as key`, false, odd, text, forged)
      add(`odd encoding y=${y} sign=${sign} as R`, false, ...signedWith(odd, message))
    }
  }
  for (let y = 2n, found = 0; found < 4; y++) {
    try {
      Point.fromBytes(toLittle(y))
    } catch {
      found++
      add(`key not on the curve, y=${y}`, false, toLittle(y), message, good)
      add(`R not on the curve, y=${y}`, false, ...signedWith(toLittle(y), message))
    }
  }
}

/** Keys and R with a torsion part: valid exactly when the equation holds without the cofactor. */
function addMixedOrder(add: AddCase): void {
  for (let index = 0; index < 64; index++) {
    const secret = 1000003n + BigInt(index)
    const nonce = 2000003n * BigInt(index + 1)
    const mixed = Point.BASE.multiply(secret).add(TORSION[index % 8] ?? Point.ZERO)
    const commitment = Point.BASE.multiply(nonce).add(TORSION[index >> 3] ?? Point.ZERO)
    const k = challenge(commitment.toBytes(), mixed.toBytes(), message)
    const s = (nonce + k * secret) % ORDER
    const holds = Point.BASE.multiply(s).equals(commitment.add(mixed.multiplyUnsafe(k)))
    const name = `mixed order ${index % 8}, ${index >> 3}: ${holds ? 'holds' : 'only with cofactor'}`
    add(name, holds, mixed.toBytes(), message, join(commitment.toBytes(), toLittle(s)))
  }
}

/** Key, message and the signature with this R that is right when R is taken for the identity. */
function signedWith(r: Uint8Array, text: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  const secret = 12345n
  const own = Point.BASE.multiply(secret).toBytes()
  return [own, text, join(r, toLittle((challenge(r, own, text) * secret) % ORDER))]
}

function challenge(r: Uint8Array, publicKey: Uint8Array, text: Uint8Array): bigint {
  return little(sha512(join(r, publicKey, text))) % ORDER
}

function messageWith(isFit: (candidate: Uint8Array) => boolean): Uint8Array {
  let candidate = message
  while (!isFit(candidate)) candidate = sha512(candidate).slice(0, 48)
  return candidate
}
