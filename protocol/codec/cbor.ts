/**
 * Deterministic CBOR: RFC 8949 §4.2.1, and less.
 *
 * 1. One value has one encoding: shortest heads, definite lengths, map keys in bytewise order of
 *    their encodings, no key twice.
 * 2. Only integers of 64 bits, byte strings, text, arrays, maps, true, false and null: no floats,
 *    no tags, no undefined.
 * 3. So `encodeCbor(decodeCbor(bytes))` gives the same bytes, for every `bytes` that are accepted.
 */
import { compareBytes, MalformedBytes } from './bytes.ts'
import { CborReader } from './cbor-reader.ts'
import { CBOR_DEPTH_MAX, CborMajor } from './cbor-shape.ts'
import { CborWriter } from './cbor-writer.ts'

export { CborReader } from './cbor-reader.ts'
export { CBOR_DEPTH_MAX, CborMajor } from './cbor-shape.ts'
export { CborWriter, headBytes } from './cbor-writer.ts'

/** A key of a map: text, or an integer of 64 bits (a number when it is a safe integer). */
export type CborKey = string | number | bigint

/** What CBOR may carry here; integers are numbers when safe, else bigints. */
export type CborValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | readonly CborValue[]
  | ReadonlyMap<CborKey, CborValue>

/**
 * The one encoding of `value`; maps may be given in any order.
 * @throws TypeError or RangeError on a fraction, an integer beyond 64 bits, ill-formed text,
 * a key given twice (1 and 1n), or more than 64 levels.
 */
export function encodeCbor(value: CborValue): Uint8Array {
  const writer = new CborWriter()
  writeValue(writer, value, 0)
  return writer.finish()
}

/**
 * The value that `bytes` encode: exactly one, to the last byte. Byte strings are views, not copies.
 * @throws MalformedBytes on anything that `encodeCbor` would not have written.
 */
export function decodeCbor(bytes: Uint8Array): CborValue {
  const reader = new CborReader(bytes)
  const value = readValue(reader, 0)
  reader.end()
  return value
}

function writeValue(writer: CborWriter, value: CborValue, depth: number): void {
  if (typeof value === 'string') writer.text(value)
  else if (typeof value === 'number' || typeof value === 'bigint') writer.int(value)
  else if (typeof value === 'boolean') writer.bool(value)
  else if (value === null) writer.null()
  else if (value instanceof Uint8Array) writer.bytes(value)
  else writeContainer(writer, value, depth + 1)
}

function writeContainer(
  writer: CborWriter,
  value: readonly CborValue[] | ReadonlyMap<CborKey, CborValue>,
  depth: number,
): void {
  if (depth > CBOR_DEPTH_MAX) throw new RangeError(`CBOR nested deeper than ${CBOR_DEPTH_MAX}`)
  if (value instanceof Map) {
    writeMap(writer, value, depth)
  } else if (Array.isArray(value)) {
    writer.array(value.length)
    for (const element of value) writeValue(writer, element, depth)
  } else {
    throw new TypeError('expected a CBOR value: integer, text, bytes, array, Map, boolean or null')
  }
}

function writeMap(writer: CborWriter, map: ReadonlyMap<CborKey, CborValue>, depth: number): void {
  const entries = Array.from(map, ([key, value]) => ({ key: encodeKey(key), value }))
  entries.sort((a, b) => compareBytes(a.key, b.key))
  writer.map(entries.length)
  let previous: Uint8Array | undefined
  for (const { key, value } of entries) {
    if (previous !== undefined && compareBytes(previous, key) === 0) {
      throw new TypeError('CBOR map has a key twice')
    }
    writer.raw(key)
    writeValue(writer, value, depth)
    previous = key
  }
}

function encodeKey(key: CborKey): Uint8Array {
  const writer = new CborWriter()
  if (typeof key === 'string') writer.text(key)
  else writer.int(key)
  return writer.finish()
}

function readValue(reader: CborReader, depth: number): CborValue {
  switch (reader.peek()) {
    case CborMajor.uint:
    case CborMajor.negative:
      return reader.int()
    case CborMajor.bytes:
      return reader.bytes()
    case CborMajor.text:
      return reader.text()
    case CborMajor.array:
      return readArray(reader, depth + 1)
    case CborMajor.map:
      return readMap(reader, depth + 1)
    default:
      return reader.isNull() ? reader.null() : reader.bool()
  }
}

function readArray(reader: CborReader, depth: number): CborValue[] {
  refuseTooDeep(reader, depth)
  const length = reader.array()
  const values: CborValue[] = []
  for (let index = 0; index < length; index++) values.push(readValue(reader, depth))
  return values
}

function readMap(reader: CborReader, depth: number): Map<CborKey, CborValue> {
  refuseTooDeep(reader, depth)
  const length = reader.map()
  const map = new Map<CborKey, CborValue>()
  for (let index = 0; index < length; index++) {
    const key = reader.peek() === CborMajor.text ? reader.text() : reader.int()
    map.set(key, readValue(reader, depth))
  }
  return map
}

function refuseTooDeep(reader: CborReader, depth: number): void {
  if (depth <= CBOR_DEPTH_MAX) return
  throw new MalformedBytes(`cbor: nested deeper than ${CBOR_DEPTH_MAX}`, reader.offset)
}
