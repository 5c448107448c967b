import { compareBytes, concatBytes, toUtf8 } from '../bytes.ts'
import { sha256 } from '../crypto.ts'
import { type IcMap, type IcValue, isIcMap } from './ic-value.ts'

const keyHashes = new Map<string, Uint8Array>()
const KEY_HASHES_MAX = 256

/** The hash of a map that does not depend on how it was written: the request id (IC interface specification, "Request ids"). */
export function hashOfMap(map: IcMap): Uint8Array {
  const rows: Uint8Array[] = []
  for (const [key, value] of map) rows.push(concatBytes(keyHash(key), valueHash(value)))
  rows.sort(compareBytes)
  return sha256(concatBytes(...rows))
}

function valueHash(value: IcValue): Uint8Array {
  if (typeof value === 'string') return sha256(toUtf8(value))
  if (typeof value === 'number' || typeof value === 'bigint') return sha256(leb128(value))
  if (value instanceof Uint8Array) return sha256(value)
  if (isIcMap(value)) return hashOfMap(value)
  return sha256(concatBytes(...(value as readonly IcValue[]).map(valueHash)))
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
