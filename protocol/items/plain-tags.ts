import type { Piece } from '../codec/piece.ts'
import { TAGS_MAX, TAGS_SIZE_MAX_BYTES } from '../limits/limits.ts'

const TEXT = 3
const ARRAY = 4
/** Lengths up to this stand in the head itself. */
const SHORT_MAX = 23
const ONE_BYTE = 24

/**
 * Where tags end that begin at `start`, as `writeTags` writes them, and end before `limit`: 0, if a text among them is longer than 255 bytes or not of
 * ASCII alone, or anything is not as it should be. Nearly all tags are plain, and of such nothing has to become text.
 */
export function plainTagsEnd(bytes: Uint8Array, start: number, limit = bytes.length): number {
  const count = shortArgument(bytes, start, ARRAY)
  if (count < 0 || count % 2 !== 0 || count > 2 * TAGS_MAX) return 0
  let at = start + headBytes(count)
  for (let left = count; left > 0; left--) {
    const length = shortArgument(bytes, at, TEXT)
    if (length < 0) return 0
    at += headBytes(length)
    const end = at + length
    if (end > limit) return 0
    let mixed = 0
    while (at < end) mixed |= bytes[at++] ?? 0
    if (mixed > 127) return 0
  }
  return at - start > 2 * TAGS_SIZE_MAX_BYTES ? 0 : at
}

/** Goes from text to text through plain tags; names and values come in turn. */
export class PlainTagCursor {
  /** How many tags come. */
  readonly count: number
  /** The text lies at [start, end). */
  start = 0
  end: number
  readonly #bytes: Uint8Array

  /** What `plainTagsEnd` found to be plain. */
  constructor({ bytes, start }: Piece) {
    const texts = shortArgument(bytes, start, ARRAY)
    this.#bytes = bytes
    this.count = texts / 2
    this.end = start + headBytes(texts)
  }

  /** Goes to the next text. */
  next(): void {
    const length = shortArgument(this.#bytes, this.end, TEXT)
    this.start = this.end + headBytes(length)
    this.end = this.start + length
  }
}

/** A length below 256 in its shortest form; -1 for anything else. */
function shortArgument(bytes: Uint8Array, at: number, major: number): number {
  const first = bytes[at] ?? 0
  if (first >> 5 !== major) return -1
  const short = first & 31
  if (short <= SHORT_MAX) return short
  const value = bytes[at + 1] ?? 0
  return short === ONE_BYTE && value > SHORT_MAX ? value : -1
}

function headBytes(value: number): number {
  return value <= SHORT_MAX ? 1 : 2
}
