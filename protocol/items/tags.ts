import { fromUtf8, MalformedBytes, toUtf8, utf8Length } from '../codec/bytes.ts'
import { type Piece, pieceOfAll } from '../codec/piece.ts'
import { TAGS_MAX, TAGS_SIZE_MAX_BYTES } from '../limits/limits.ts'
import { shortText } from '../codec/short-text.ts'

/** A name and a value; a list of tags keeps its order and its repetitions, and is never an object. */
export interface Tag {
  readonly name: string
  readonly value: string
}

/**
 * Tags that say what a message is, where it goes or where it came from: each says one thing, in one
 * spelling of case. Others repeat in honest messages: `Authority` and `Data-Protocol` (several of
 * each), `Cron-Interval` and `Cron-Tag-…` (one per timer).
 */
export const SYSTEM_TAGS: ReadonlySet<string> = new Set([
  'Compute-Limit',
  'From-Module',
  'From-Process',
  'Input-Encoding',
  'Memory-Limit',
  'Module',
  'Module-Format',
  'Network',
  'Output-Encoding',
  'Pushed-For',
  'Scheduler',
  'Type',
  'Variant',
])

const SYSTEM_TAGS_LOWER: ReadonlySet<string> = new Set(Array.from(SYSTEM_TAGS, name => name.toLowerCase()))

/** A length below 2^20 takes three bytes at most. */
const LONG_MAX_BYTES = 3

/**
 * Tags as the Avro array of ANS-104; no tags are no bytes.
 * @throws RangeError beyond 128 tags or 4,096 bytes; TypeError on text with a lone surrogate.
 */
export function encodeTags(tags: readonly Tag[]): Uint8Array {
  const bytes = new Uint8Array(tagsSizeBytes(tags))
  if (tags.length === 0) return bytes
  let at = writeLong(bytes, 0, tags.length)
  for (const tag of tags) {
    at = writeText(bytes, at, tag.name)
    at = writeText(bytes, at, tag.value)
  }
  return bytes
}

/** Bytes that `encodeTags` would make of the tags. @throws as it does */
export function tagsSizeBytes(tags: readonly Tag[]): number {
  if (tags.length === 0) return 0
  if (tags.length > TAGS_MAX) {
    throw new RangeError(`expected at most ${TAGS_MAX} tags, got ${tags.length}`)
  }
  let sizeBytes = longBytes(tags.length) + 1
  for (const { name, value } of tags) {
    sizeBytes += textBytes(name) + textBytes(value)
    if (sizeBytes > TAGS_SIZE_MAX_BYTES) throw new RangeError(`expected tags of at most ${TAGS_SIZE_MAX_BYTES} bytes`)
  }
  return sizeBytes
}

/**
 * Tags of the Avro array of ANS-104. Taken: one block with a positive count and the closing zero,
 * shortest lengths, well-formed UTF-8, nothing after it; no tags are no bytes or a single zero.
 * Empty names and values are taken, because common clients can send them.
 * @throws MalformedBytes on anything else, on more than 128 tags or 4,096 bytes.
 */
export function decodeTags(bytes: Uint8Array): Tag[] {
  return decodeTagsAt(pieceOfAll(bytes))
}

/** The same of tags as they stand in an item. @throws MalformedBytes */
export function decodeTagsAt(piece: Piece): Tag[] {
  const { bytes } = piece
  const tags: Tag[] = []
  const cursor = beginTags(piece)
  if (cursor === undefined) return tags
  for (let left = cursor.count; left > 0; left--) {
    const name = readText(cursor, bytes)
    tags.push({ name, value: readText(cursor, bytes) })
  }
  endTags(cursor, piece)
  return tags
}

/** Checks tags as `decodeTags` does and makes nothing of them; gives how many there are. @throws MalformedBytes as it does */
export function checkTags(piece: Piece): number {
  const cursor = beginTags(piece)
  if (cursor === undefined) return 0
  for (let left = 2 * cursor.count; left > 0; left--) {
    cursor.next()
    if (!isAscii(piece.bytes, cursor)) longText(piece.bytes, cursor)
  }
  endTags(cursor, piece)
  return cursor.count
}

/** Nothing, if there are no tags. */
function beginTags(piece: Piece): TagCursor | undefined {
  const { bytes, start, end } = piece
  if (start === end || (start + 1 === end && bytes[start] === 0)) return undefined
  if (end - start > TAGS_SIZE_MAX_BYTES) {
    throw new MalformedBytes(`tags: expected at most ${TAGS_SIZE_MAX_BYTES} bytes`, start)
  }
  const cursor = new TagCursor(piece)
  const { count } = cursor
  if (count < 1 || count > TAGS_MAX) {
    throw new MalformedBytes(`tags: expected 1 to ${TAGS_MAX} tags, got ${count}`, start)
  }
  return cursor
}

function endTags(cursor: TagCursor, { bytes, end }: Piece): void {
  if (bytes[cursor.end] !== 0 || cursor.end === end)
    throw new MalformedBytes('tags: expected the closing zero', cursor.end)
  if (cursor.end + 1 !== end) throw new MalformedBytes('tags: trailing bytes', cursor.end + 1)
}

/** Goes from text to text through tags as they stand in an item; names and values come in turn. */
export class TagCursor {
  /** How many tags are told to come. */
  readonly count: number
  /** The text lies at [start, end). */
  start = 0
  end: number
  readonly #bytes: Uint8Array
  readonly #limit: number

  /** @throws MalformedBytes */
  constructor({ bytes, start, end }: Piece) {
    this.#bytes = bytes
    this.#limit = end
    this.end = start
    this.count = start === end ? 0 : this.#long()
  }

  /** Goes to the next text. @throws MalformedBytes */
  next(): void {
    const length = this.#long()
    this.start = this.end
    this.end += length
    if (this.end > this.#limit) throw new MalformedBytes('tags: cut short', this.start)
  }

  /** A zig-zag number of Avro, as long as it can matter here: three bytes, 0 to 2^20 - 1. */
  #long(): number {
    const start = this.end
    let value = 0
    for (let shift = 0; shift < 7 * LONG_MAX_BYTES; shift += 7) {
      const byte = this.#bytes[this.end++]
      if (byte === undefined || this.end > this.#limit) throw new MalformedBytes('tags: cut short', start)
      value |= (byte & 0x7f) << shift
      if (byte > 0x7f) continue
      if (byte === 0 && shift > 0) throw new MalformedBytes('tags: not the shortest form', start)
      if (value & 1) throw new MalformedBytes('tags: negative number', start)
      return value >>> 1
    }
    throw new MalformedBytes('tags: number too large', start)
  }
}

/** Value of the first tag with exactly this name. */
export function findTag(tags: readonly Tag[], name: string): string | undefined {
  for (const tag of tags) {
    if (tag.name === name) return tag.value
  }
  return undefined
}

/** What a message is, spelled as AO's first network does or as HyperBEAM does: `Type`, `type`. */
export function typeOf(tags: readonly Tag[]): string | undefined {
  return findTag(tags, 'Type') ?? findTag(tags, 'type')
}

/** The same of tags as they stand in an item; of ASCII alone is the name. @throws MalformedBytes */
export function findSpelledTag(piece: Piece, name: string): string | undefined {
  const { bytes } = piece
  const cursor = new TagCursor(piece)
  for (let left = cursor.count; left > 0; left--) {
    cursor.next()
    const isFound = isSpelled(bytes, cursor, name)
    if (isFound) return readText(cursor, bytes)
    cursor.next()
  }
  return undefined
}

function isSpelled(bytes: Uint8Array, { start, end }: TagCursor, name: string): boolean {
  if (end - start !== name.length) return false
  for (let at = 0; at < name.length; at++) if (bytes[start + at] !== name.charCodeAt(at)) return false
  return true
}

/** Whether a tag names a scheduler: the system tag that may stand several times. HyperBEAM heeds no case, and the aos command writes for it. */
export const namesScheduler = ({ name }: Tag): boolean => systemTagOf(name) === 'scheduler'

/**
 * Refuses tags in which two readers could see two meanings: a system tag twice, in another case or with another value.
 * Several schedulers are named by a tag each, spelled alike; whoever knows of one alone takes the first, to whom any other
 * leads.
 * @throws MalformedBytes naming the tag; its offset is the position in the list.
 */
export function refuseDuplicateSystemTags(tags: readonly Tag[]): void {
  const names: string[] = []
  const firsts: Tag[] = []
  for (const [index, tag] of tags.entries()) {
    const name = systemTagOf(tag.name)
    if (name === '') continue
    const first = firsts[names.indexOf(name)]
    if (first === undefined) {
      names.push(name)
      firsts.push(tag)
    } else if (first.name !== tag.name || (first.value !== tag.value && name !== 'scheduler')) {
      throw new MalformedBytes(`tags: ${JSON.stringify(tag.name)} twice`, index)
    }
  }
}

/** Short names that were looked up, and the system tag that each spells, or nothing; the same few come again and again. */
const spellings = new Map<string, string>()
const SPELLINGS_MAX = 256
const SPELLING_MAX_CHARS = 32

/** The system tag that a name spells, in lower case; empty, if none. */
function systemTagOf(spelled: string): string {
  const known = spellings.get(spelled)
  if (known !== undefined) return known
  const lower = spelled.toLowerCase()
  const name = SYSTEM_TAGS_LOWER.has(lower) ? lower : ''
  if (spelled.length > SPELLING_MAX_CHARS) return name
  if (spellings.size >= SPELLINGS_MAX) spellings.clear()
  spellings.set(spelled, name)
  return name
}

function readText(cursor: TagCursor, bytes: Uint8Array): string {
  cursor.next()
  return shortText(bytes, cursor.start, cursor.end) ?? longText(bytes, cursor)
}

function longText(bytes: Uint8Array, { start, end }: TagCursor): string {
  try {
    return fromUtf8(bytes.subarray(start, end))
  } catch (cause) {
    throw new MalformedBytes('tags: text is not well-formed UTF-8', start, { cause })
  }
}

function isAscii(bytes: Uint8Array, { start, end }: TagCursor): boolean {
  let mixed = 0
  for (let at = start; at < end; at++) mixed |= bytes[at] ?? 0
  return mixed < 0x80
}

function writeLong(bytes: Uint8Array, from: number, value: number): number {
  let at = from
  let rest = value << 1
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

function longBytes(value: number): number {
  let count = 1
  for (let rest = value << 1; rest > 0x7f; rest >>>= 7) count += 1
  return count
}

function textBytes(text: string): number {
  if (text.length >= TAGS_SIZE_MAX_BYTES) return text.length
  const length = utf8Length(text)
  if (length === undefined) throw new TypeError('expected well-formed text, got a lone surrogate')
  return longBytes(length) + length
}

function writeText(bytes: Uint8Array, from: number, text: string): number {
  const encoded = toUtf8(text)
  const at = writeLong(bytes, from, encoded.length)
  bytes.set(encoded, at)
  return at + encoded.length
}
