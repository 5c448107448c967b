/** Bytes (or text that spells bytes) are not what their format demands. */
export class MalformedBytes extends Error {
  override readonly name: string = 'MalformedBytes'
  /** What was expected or found, for example `base64url: foreign character "+"`. */
  readonly what: string
  /** Position of the first byte (or character) that does not fit. */
  readonly offset: number

  constructor(what: string, offset: number, options?: ErrorOptions) {
    super(`${what} (at byte ${offset})`, options)
    this.what = what
    this.offset = offset
  }
}

const BASE64URL_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** Code of every 6-bit value. */
const BASE64URL_CODES = Uint8Array.from(BASE64URL_ALPHABET, char => char.charCodeAt(0))

/** The two codes of every 12-bit value, the first in the low byte: half as many look-ups. */
const BASE64URL_PAIRS = Uint16Array.from(
  { length: 4096 },
  (_, bits) => (BASE64URL_CODES[bits >> 6] ?? 0) | ((BASE64URL_CODES[bits & 63] ?? 0) << 8),
)

/** 6-bit value of every char code below 128; 64 means "not in the alphabet". */
const BASE64URL_VALUES = new Uint8Array(128).fill(64)
for (let value = 0; value < 64; value++) {
  BASE64URL_VALUES[BASE64URL_ALPHABET.charCodeAt(value)] = value
}

const HEX_PAIRS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

const utf8Encoder = new TextEncoder()
const utf8Decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const asciiDecoder = new TextDecoder('latin1')

/** Below this length, building the string by hand is faster than calling the platform. */
const BY_HAND_MAX_BYTES = 96

/** One kept array of character codes for every short text length. */
const scratchCodes: (number[] | undefined)[] = []

/** Bytes as unpadded base64url text (RFC 4648 §5): 32 bytes give 43 characters. */
export function toBase64Url(bytes: Uint8Array): string {
  return bytes.length <= BY_HAND_MAX_BYTES ? shortBase64Url(bytes) : longBase64Url(bytes)
}

/**
 * Fills a kept plain array of codes and makes the string at one stroke: twice as fast as adding
 * pieces, whose rope must still be flattened when the id becomes a Map key.
 */
function shortBase64Url(bytes: Uint8Array): string {
  const length = bytes.length
  const textLength = Math.ceil((length * 4) / 3)
  let codes = scratchCodes[textLength]
  if (codes === undefined) {
    codes = new Array<number>(textLength).fill(0)
    scratchCodes[textLength] = codes
  }
  fillBase64Url(bytes, codes)
  return String.fromCharCode.apply(null, codes)
}

function longBase64Url(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  fillBase64Url(bytes, codes)
  return asciiDecoder.decode(codes)
}

/** Writes the text of `toBase64Url` of the 32 bytes at `from` into `into`, from `to` on: four characters at a time. */
export function writeIdText(bytes: Uint8Array, from: number, into: DataView, to: number): void {
  let at = from
  for (let end = to + 40; to < end; to += 4) {
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    into.setUint32(to, (BASE64URL_PAIRS[bits >> 12] ?? 0) | ((BASE64URL_PAIRS[bits & 4095] ?? 0) << 16), true)
    at += 3
  }
  const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8)
  into.setUint16(to, BASE64URL_PAIRS[bits >> 12] ?? 0, true)
  into.setUint8(to + 2, BASE64URL_CODES[(bits >> 6) & 63] ?? 0)
}

function fillBase64Url(bytes: Uint8Array, codes: Uint8Array | number[]): void {
  const whole = bytes.length - (bytes.length % 3)
  let to = 0
  let at = 0
  while (at < whole) {
    const bits = ((bytes[at++] ?? 0) << 16) | ((bytes[at++] ?? 0) << 8) | (bytes[at++] ?? 0)
    const high = BASE64URL_PAIRS[bits >> 12] ?? 0
    const low = BASE64URL_PAIRS[bits & 4095] ?? 0
    codes[to] = high & 255
    codes[to + 1] = high >> 8
    codes[to + 2] = low & 255
    codes[to + 3] = low >> 8
    to += 4
  }
  if (at === bytes.length) return
  const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8)
  codes[to++] = BASE64URL_CODES[bits >> 18] ?? 0
  codes[to++] = BASE64URL_CODES[(bits >> 12) & 63] ?? 0
  if (at + 1 < bytes.length) codes[to] = BASE64URL_CODES[(bits >> 6) & 63] ?? 0
}

/**
 * Bytes of unpadded base64url text; only the one canonical spelling is taken.
 * @throws MalformedBytes on padding, a foreign character, an impossible length or non-zero trailing bits.
 */
export function fromBase64Url(text: string): Uint8Array {
  const bytes = new Uint8Array(base64UrlSizeBytes(text))
  readBase64Url(text, bytes, 0)
  return bytes
}

/** How many bytes base64url text spells. @throws MalformedBytes on an impossible length */
export function base64UrlSizeBytes(text: string): number {
  const tail = text.length & 3
  if (tail === 1) throw new MalformedBytes(`base64url: impossible length ${text.length}`, text.length)
  return (text.length >> 2) * 3 + (tail === 0 ? 0 : tail - 1)
}

/** Writes what `fromBase64Url` gives into `bytes`, from `to` on; there must be room. @throws MalformedBytes */
export function readBase64Url(text: string, bytes: Uint8Array, to: number): void {
  const tail = text.length & 3
  const whole = text.length - tail
  for (let at = 0; at < whole; at += 4) {
    const a = sixBits(text, at)
    const b = sixBits(text, at + 1)
    const c = sixBits(text, at + 2)
    const d = sixBits(text, at + 3)
    if ((a | b | c | d) > 63) throw foreignCharacter(text, at)
    bytes[to++] = (a << 2) | (b >> 4)
    bytes[to++] = (b << 4) | (c >> 2)
    bytes[to++] = (c << 6) | d
  }
  if (tail !== 0) decodeBase64UrlTail(text, whole, bytes, to)
}

function decodeBase64UrlTail(text: string, at: number, bytes: Uint8Array, to: number): void {
  const a = sixBits(text, at)
  const b = sixBits(text, at + 1)
  const c = text.length - at === 3 ? sixBits(text, at + 2) : 0
  if ((a | b | c) > 63) throw foreignCharacter(text, at)
  const spare = text.length - at === 3 ? c & 3 : b & 15
  if (spare !== 0) throw new MalformedBytes('base64url: non-zero trailing bits', text.length - 1)
  bytes[to] = (a << 2) | (b >> 4)
  if (text.length - at === 3) bytes[to + 1] = (b << 4) | (c >> 2)
}

function sixBits(text: string, at: number): number {
  return BASE64URL_VALUES[text.charCodeAt(at)] ?? 64
}

function foreignCharacter(text: string, from: number): MalformedBytes {
  let at = from
  while (at < text.length && sixBits(text, at) < 64) at++
  return new MalformedBytes(`base64url: foreign character ${JSON.stringify(text[at])}`, at)
}

/** Bytes as lower-case hex text. */
export function toHex(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at++) text += HEX_PAIRS[bytes[at] ?? 0]
  return text
}

/**
 * Bytes of hex text, of either case, without prefix.
 * @throws MalformedBytes on an odd length or a foreign character.
 */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new MalformedBytes(`hex: odd length ${text.length}`, text.length)
  const bytes = new Uint8Array(text.length / 2)
  for (let at = 0; at < bytes.length; at++) {
    const high = hexDigit(text.charCodeAt(at * 2))
    const low = hexDigit(text.charCodeAt(at * 2 + 1))
    if ((high | low) > 15) throw new MalformedBytes('hex: foreign character', at * 2)
    bytes[at] = (high << 4) | low
  }
  return bytes
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : 16
}

/** Text as UTF-8 bytes; a lone surrogate becomes U+FFFD, as everywhere on the web. */
export function toUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text)
}

/** Bytes of the text in UTF-8, without making them; nothing, if it holds a lone surrogate. */
export function utf8Length(text: string): number | undefined {
  if (!text.isWellFormed()) return undefined
  let length = text.length
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code < 0x80) continue
    // The two halves of a pair are four bytes together.
    length += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2
  }
  return length
}

/**
 * Text of UTF-8 bytes; a byte order mark is kept.
 * @throws MalformedBytes when the bytes are not well-formed UTF-8.
 */
export function fromUtf8(bytes: Uint8Array): string {
  if (bytes.length <= BY_HAND_MAX_BYTES) {
    const text = shortAscii(bytes)
    if (text !== undefined) return text
  }
  try {
    return utf8Decoder.decode(bytes)
  } catch (cause) {
    throw new MalformedBytes('utf-8: not well-formed', 0, { cause })
  }
}

function shortAscii(bytes: Uint8Array): string | undefined {
  let text = ''
  for (let at = 0; at < bytes.length; at++) {
    const code = bytes[at] ?? 0
    if (code > 127) return undefined
    text += String.fromCharCode(code)
  }
  return text
}

/** All parts, one after the other, in a new array. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  return joinBytes(parts)
}

/** The same of any number of parts: arguments of a call are as many as the stack holds. */
export function joinBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Same length and same bytes; not constant-time, so not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  for (let at = 0; at < a.length; at++) {
    if (a[at] !== b[at]) return false
  }
  return true
}

/** Lexicographic order of unsigned bytes: negative, 0 or positive; a prefix comes first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}
