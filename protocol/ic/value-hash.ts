/**
 * The hash of a value of the IC that does not depend on how it was written (IC interface specification, "Representation-independent
 * hashing"): what is hashed for a map are rows, the hash of each key before the hash of its value, ordered by the keys' hashes.
 *
 * Every request and every answer passes here, so what is to be hashed is laid out in scratch space, one image behind the other:
 * hashes of several short ones are made at the same time, and nothing is left behind for the collector.
 */
import { compareBytes, toUtf8 } from '../codec/bytes.ts'
import { sha256, sha256Each } from '../crypto/crypto.ts'
import { type IcMap, type IcValue, isIcMap } from './ic-value.ts'

const HASH_BYTES = 32
const ROW_BYTES = 2 * HASH_BYTES
const NO_BYTES = new Uint8Array(0)
const SCRATCH_BYTES = 16 * 1024
const KEYS_MAX = 256
/** Longest LEB128 of a number, and longest UTF-8 of a UTF-16 unit. */
const NUMBER_MAX_BYTES = 10
const CHARACTER_MAX_BYTES = 3
/** Up to this length a loop is faster than a call. */
const BY_HAND_MAX = 48

const encoder = new TextEncoder()
interface Key {
  readonly hash: Uint8Array
  /** Its first four bytes: they tell most keys apart. */
  readonly lead: number
}

const keys = new Map<string, Key>()
let scratch = new Uint8Array(SCRATCH_BYTES)

/** 32 bytes: the request id of a request's content. */
export function hashOfMap(map: IcMap): Uint8Array {
  const length = rowsAt(map, 0)
  const hash = sha256(scratch.subarray(0, length))
  // What is large came once.
  if (scratch.length > SCRATCH_BYTES) scratch = new Uint8Array(SCRATCH_BYTES)
  return hash
}

/** Lays out what is hashed for a value, from `at` on; gives where it ends. */
function imageAt(value: IcValue, at: number): number {
  if (value instanceof Uint8Array) {
    reserve(at + value.length)
    scratch.set(value, at)
    return at + value.length
  }
  if (typeof value === 'string') {
    reserve(at + CHARACTER_MAX_BYTES * value.length)
    if (value.length <= BY_HAND_MAX && isAsciiAt(value, at)) return at + value.length
    return at + encoder.encodeInto(value, scratch.subarray(at)).written
  }
  if (typeof value === 'number' || typeof value === 'bigint') return leb128At(BigInt(value), at)
  return isIcMap(value) ? rowsAt(value, at) : hashesAt(value as readonly IcValue[], at)
}

/** Lays out a text if it is one of ASCII. */
function isAsciiAt(text: string, at: number): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code > 127) return false
    scratch[at + index] = code
  }
  return true
}

function rowsAt(map: IcMap, at: number): number {
  const rows = Array.from(map.keys(), keyOf)
  const hashes = hashesOf(map.values(), at)
  // Rows are few: each is put where it belongs by counting those before it.
  reserve(at + ROW_BYTES * rows.length)
  for (let index = 0; index < rows.length; index++) {
    const key = rows[index]
    if (key === undefined) continue
    let to = at
    for (const other of rows) if (isBefore(other, key)) to += ROW_BYTES
    scratch.set(key.hash, to)
    for (let byte = 0; byte < HASH_BYTES; byte++)
      scratch[to + HASH_BYTES + byte] = hashes[HASH_BYTES * index + byte] ?? 0
  }
  return at + ROW_BYTES * rows.length
}

const isBefore = (a: Key, b: Key): boolean => (a.lead === b.lead ? compareBytes(a.hash, b.hash) < 0 : a.lead < b.lead)

function hashesAt(values: readonly IcValue[], at: number): number {
  const hashes = hashesOf(values, at)
  reserve(at + hashes.length)
  scratch.set(hashes, at)
  return at + hashes.length
}

/** The hashes of values, one behind the other; the space from `start` on is used for their images. */
function hashesOf(values: Iterable<IcValue>, start: number): Uint8Array {
  const bounds: number[] = []
  let at = start
  for (const value of values) bounds.push(at, (at = imageAt(value, at)))
  return sha256Each(NO_BYTES, scratch, bounds)
}

/** Unsigned LEB128 of up to 64 bits, the shortest. */
export function leb128(value: number | bigint): Uint8Array {
  return scratch.slice(0, leb128At(BigInt(value), 0))
}

/** Two halves of 32 bits, since arithmetic on bigints leaves one behind at each step. */
function leb128At(value: bigint, start: number): number {
  reserve(start + NUMBER_MAX_BYTES)
  let low = Number(value & 0xffffffffn)
  let high = Number(value >> 32n)
  let at = start
  while (high > 0 || low > 0x7f) {
    scratch[at++] = (low & 0x7f) | 0x80
    low = ((low >>> 7) | ((high & 0x7f) << 25)) >>> 0
    high = Math.floor(high / 128)
  }
  scratch[at++] = low
  return at
}

function reserve(length: number): void {
  if (length <= scratch.length) return
  const grown = new Uint8Array(Math.max(length, 2 * scratch.length))
  grown.set(scratch)
  scratch = grown
}

/** Names of fields repeat: their hashes are kept, the first few hundred. */
function keyOf(name: string): Key {
  const known = keys.get(name)
  if (known !== undefined) return known
  const hash = sha256(toUtf8(name))
  const key = { hash, lead: new DataView(hash.buffer, hash.byteOffset).getUint32(0) }
  if (keys.size < KEYS_MAX) keys.set(name, key)
  return key
}
