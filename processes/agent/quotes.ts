import { Buffer } from 'node:buffer'
import { QUERY_OUTPUT_MAX_BYTES } from '../../protocol/index.ts'
import { COUNT as COUNT_TEXT, MARK as MARK_TEXT } from './guest/quick-text.ts'

const MARK = MARK_TEXT.charCodeAt(0)
const COUNT = COUNT_TEXT.charCodeAt(0)
const QUOTE = 0x22
const ZERO = 0x30
/** No output is longer. */
const OUTPUT_MAX_BYTES = QUERY_OUTPUT_MAX_BYTES
/** Digits of a number of texts. */
const DIGITS_MAX = 8
/** The first byte of a character that may be half of a pair, and what its second byte is then at least. */
const SURROGATE = 0xed
const SURROGATE_SECOND = 0xa0

/** What stands for each byte that is not written as it is in the JSON of a text. */
const ESCAPES: readonly (Uint8Array | undefined)[] = Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte === QUOTE || byte === 0x5c
    ? Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1))
    : undefined,
)
const IS_PLAIN = Uint8Array.from(ESCAPES, (escaped, byte) => (escaped === undefined && byte !== SURROGATE ? 1 : 0))

/** Whether quotes are left to the host in JSON that begins there. */
export const lacksQuotes = (text: Uint8Array, at: number): boolean => text[at] === COUNT

/**
 * Puts the quotes into what `guest/quick-text.ts` writes, and escapes what stands between them, as `JSON.stringify` does: `text` from `start` on,
 * between `head` and `tail`. Undefined: it cannot be told, because a text holds a mark itself or half of a pair, or it is longer than an output may be.
 */
export function withQuotes(text: Buffer, start: number, head: Uint8Array, tail: Uint8Array): Uint8Array | undefined {
  if (text.length - start > OUTPUT_MAX_BYTES) return undefined
  const countAt = text.indexOf(COUNT, start)
  const from = text.indexOf(COUNT, countAt + 1) + 1
  const texts = countAt < 0 ? undefined : numberIn(text, countAt + 1, from - 1)
  if (texts === undefined) return undefined
  const before = countAt - start
  // Of its own a buffer costs more than all that is written into it.
  let out: Uint8Array = Buffer.allocUnsafe(head.length + before + text.length - from + tail.length)
  out.set(head)
  if (before > 0) out.set(text.subarray(start, countAt), head.length)
  let to = head.length + before
  let marks = 0
  for (let at = from; at < text.length; at++) {
    const end = (marks & 1) === 0 ? markFrom(text, at) : notPlainFrom(text, at)
    if (end > at) {
      copy(text, at, end, out, to)
      to += end - at
      at = end
      if (at === text.length) break
    }
    const byte = text[at] ?? 0
    if (byte === MARK) {
      marks += 1
      out[to++] = QUOTE
      continue
    }
    const escaped = ESCAPES[byte]
    if (escaped === undefined) {
      if ((text[at + 1] ?? 0) >= SURROGATE_SECOND) return undefined
      out[to++] = byte
      continue
    }
    const length = to + escaped.length + text.length - at - 1 + tail.length
    if (length > OUTPUT_MAX_BYTES) return undefined
    if (length > out.length) out = grown(out, Math.min(2 * length, OUTPUT_MAX_BYTES))
    for (let index = 0; index < escaped.length; index++) out[to++] = escaped[index] ?? 0
  }
  if (marks !== 2 * texts) return undefined
  out.set(tail, to)
  const length = to + tail.length
  return length < out.length ? out.subarray(0, length) : out
}

/** What digits spell; undefined, if there are others among them, none, or too many. */
function numberIn(text: Uint8Array, start: number, end: number): number | undefined {
  if (end <= start || end - start > DIGITS_MAX) return undefined
  let number = 0
  for (let at = start; at < end; at++) {
    const digit = (text[at] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return undefined
    number = 10 * number + digit
  }
  return number
}

/** The first place from `at` on where a mark stands; the end, if there is none. */
function markFrom(text: Uint8Array, at: number): number {
  let end = at
  while (end < text.length && text[end] !== MARK) end++
  return end
}

/** The same of a byte that is not written as it is in a text: a mark is one. */
function notPlainFrom(text: Uint8Array, at: number): number {
  let end = at
  while (end < text.length && IS_PLAIN[text[end] ?? 0] === 1) end++
  return end
}

/** Up to this many bytes a loop is faster than a call. */
const BY_HAND_MAX_BYTES = 48

function copy(from: Uint8Array, start: number, end: number, into: Uint8Array, at: number): void {
  if (end - start > BY_HAND_MAX_BYTES) into.set(from.subarray(start, end), at)
  else for (let byte = start; byte < end; byte++) into[at + byte - start] = from[byte] ?? 0
}

function grown(bytes: Uint8Array, length: number): Uint8Array {
  const longer = Buffer.allocUnsafe(length)
  longer.set(bytes)
  return longer
}
