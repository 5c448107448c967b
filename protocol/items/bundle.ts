/**
 * ANS-104 bundles: number of items (32 bytes, little-endian) | for each its size (32 bytes,
 * little-endian) and its id (32 bytes) | the items, one after the other.
 */
import { concatBytes, fromBase64Url, MalformedBytes, toBase64Url } from '../codec/bytes.ts'
import { type DataItem, type ParsedItem, parseDataItem } from './data-item.ts'

const NUMBER_BYTES = 32
const ID_BYTES = 32
const ENTRY_BYTES = NUMBER_BYTES + ID_BYTES

/** The items as one bundle, in their order. */
export function encodeBundle(items: readonly ParsedItem[]): Uint8Array {
  const head = new Uint8Array(NUMBER_BYTES + ENTRY_BYTES * items.length)
  writeNumber(head, 0, items.length)
  for (const [index, item] of items.entries()) {
    const at = NUMBER_BYTES + ENTRY_BYTES * index
    writeNumber(head, at, item.bytes.length)
    head.set(fromBase64Url(item.id), at + NUMBER_BYTES)
  }
  return concatBytes(head, ...items.map(item => item.bytes))
}

/**
 * The items, whose bytes are views; every one is well-formed and its id is the one announced.
 * Signatures are not checked.
 * @throws MalformedBytes when a number, a size, an id or an item is wrong, or bytes are left over.
 */
export function decodeBundle(bytes: Uint8Array): ParsedItem[] {
  const count = readNumber(bytes, 0)
  let at = NUMBER_BYTES + ENTRY_BYTES * count
  if (at > bytes.length) throw new MalformedBytes('bundle: cut short', bytes.length)
  const items: ParsedItem[] = []
  for (let index = 0; index < count; index++) {
    const entryAt = NUMBER_BYTES + ENTRY_BYTES * index
    const end = at + readNumber(bytes, entryAt)
    if (end > bytes.length) throw new MalformedBytes('bundle: item cut short', at)
    const item = parseItem(bytes.subarray(at, end), at)
    const idAt = entryAt + NUMBER_BYTES
    if (item.id !== toBase64Url(bytes.subarray(idAt, idAt + ID_BYTES))) {
      throw new MalformedBytes('bundle: item has another id than announced', idAt)
    }
    items.push({ id: item.id, bytes: item.bytes })
    at = end
  }
  if (at !== bytes.length) throw new MalformedBytes('bundle: trailing bytes', at)
  return items
}

function parseItem(bytes: Uint8Array, at: number): DataItem {
  try {
    return parseDataItem(bytes)
  } catch (cause) {
    if (!(cause instanceof MalformedBytes)) throw cause
    throw new MalformedBytes(`bundle: ${cause.what}`, at + cause.offset, { cause })
  }
}

/** Sizes beyond 2^32 cannot lie in one array: the upper 28 bytes must be zero. */
function readNumber(bytes: Uint8Array, at: number): number {
  if (at + NUMBER_BYTES > bytes.length) {
    throw new MalformedBytes('bundle: cut short', bytes.length)
  }
  for (let index = 4; index < NUMBER_BYTES; index++) {
    if (bytes[at + index] !== 0) throw new MalformedBytes('bundle: number too large', at)
  }
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0
}

function writeNumber(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value, true)
}
