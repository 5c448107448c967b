import { compareBytes, joinBytes, toUtf8 } from '../bytes.ts'
import { sha256, sha256Each } from '../crypto.ts'
import { type IcMap, type IcValue, isIcMap } from './ic-value.ts'

const HASH_BYTES = 32
const NO_BYTES = new Uint8Array(0)
const keyHashes = new Map<string, Uint8Array>()
const KEY_HASHES_MAX = 256

/** The hash of a map that does not depend on how it was written: the request id (IC interface specification, "Request ids"). */
export function hashOfMap(map: IcMap): Uint8Array {
  return sha256(rowsOf(map))
}

/** What is hashed for a value. */
function imageOf(value: IcValue): Uint8Array {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'string') return toUtf8(value)
  if (typeof value === 'number' || typeof value === 'bigint') return leb128(value)
  return isIcMap(value) ? rowsOf(value) : hashesOf(value as readonly IcValue[])
}

/** The hash of each key before that of its value, in the order of the keys' hashes. */
function rowsOf(map: IcMap): Uint8Array {
  const fields = Array.from(map, ([key, value]) => ({ key: keyHash(key), value }))
  fields.sort((a, b) => compareBytes(a.key, b.key))
  const hashes = hashesOf(fields.map(({ value }) => value))
  const rows = new Uint8Array(2 * hashes.length)
  let at = 0
  for (const { key } of fields) {
    rows.set(key, 2 * at)
    for (let i = 0; i < HASH_BYTES; i++) rows[2 * at + HASH_BYTES + i] = hashes[at + i] ?? 0
    at += HASH_BYTES
  }
  return rows
}

/** The hashes of values, one behind the other: several short ones are hashed at the same time. */
function hashesOf(values: readonly IcValue[]): Uint8Array {
  const images = values.map(imageOf)
  const bounds: number[] = []
  let at = 0
  for (const { length } of images) bounds.push(at, (at += length))
  return sha256Each(NO_BYTES, joinBytes(images), bounds)
}

/** Unsigned LEB128, the shortest. */
export function leb128(value: number | bigint): Uint8Array {
  const bytes: number[] = []
  let rest = BigInt(value)
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    bytes.push(rest === 0n ? low : low | 0x80)
  } while (rest !== 0n)
  return Uint8Array.from(bytes)
}

/** Names of fields repeat: their hashes are kept, the first few hundred. */
function keyHash(key: string): Uint8Array {
  const known = keyHashes.get(key)
  if (known !== undefined) return known
  const hash = sha256(toUtf8(key))
  if (keyHashes.size < KEY_HASHES_MAX) keyHashes.set(key, hash)
  return hash
}
