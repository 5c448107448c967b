/**
 * Principals of the IC: names of users and canisters, up to 29 bytes, the last of which tells the class (IC interface
 * specification, "Principals"). The text form is base32 of a CRC-32 and the bytes, in groups of five.
 */
import { sha224 } from '@noble/hashes/sha2.js'
import { equalBytes, MalformedBytes } from '../codec/bytes.ts'

export const PRINCIPAL_MAX_BYTES = 29

/** Who signs nothing. */
export const ANONYMOUS_PRINCIPAL: Uint8Array = Uint8Array.of(4)

/** The management canister, `aaaaa-aa`. */
export const MANAGEMENT_PRINCIPAL: Uint8Array = new Uint8Array(0)

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const CODES = Uint8Array.from(ALPHABET, char => char.charCodeAt(0))
/** 5-bit value of every char code below 128; 32 means "not in the alphabet". */
const VALUES = new Uint8Array(128).fill(32)
for (const [value, code] of CODES.entries()) VALUES[code] = value
const DASH = 45
const GROUP = 5
const CRC_BYTES = 4
const TEXT_MAX = 63
/** One kept array of character codes for every length of text, its dashes in place. */
const scratchCodes: (number[] | undefined)[] = []
const CRC = crcTable()

/** `w7x7r-cok77-xa`: lower case, groups of five. @throws RangeError above 29 bytes */
export function principalText(principal: Uint8Array): string {
  if (principal.length > PRINCIPAL_MAX_BYTES)
    throw new RangeError(`expected a principal of up to 29 bytes, got ${principal.length}`)
  const bytes = new Uint8Array(CRC_BYTES + principal.length)
  new DataView(bytes.buffer).setUint32(0, crc32(principal))
  bytes.set(principal, CRC_BYTES)
  return base32(bytes)
}

/** @throws {MalformedBytes} on anything that `principalText` would not have written */
export function principalFromText(text: string): Uint8Array {
  if (text.length > TEXT_MAX) throw new MalformedBytes('principal: too long', TEXT_MAX)
  const bytes = fromBase32(text)
  if (bytes.length < CRC_BYTES) throw new MalformedBytes('principal: too short', 0)
  const principal = bytes.slice(CRC_BYTES)
  if (principal.length > PRINCIPAL_MAX_BYTES) throw new MalformedBytes('principal: too long', TEXT_MAX)
  if (new DataView(bytes.buffer).getUint32(0) !== crc32(principal)) throw wrongForm(0)
  return principal
}

/** The principal that a text is; nothing, if it is none. */
export function principalIn(text: string): Uint8Array | undefined {
  try {
    return principalFromText(text)
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** The principal of whoever holds the key, given in DER. */
export function selfAuthenticating(derKey: Uint8Array): Uint8Array {
  const principal = new Uint8Array(PRINCIPAL_MAX_BYTES)
  principal.set(sha224(derKey))
  principal[28] = 2
  return principal
}

export function isAnonymous(principal: Uint8Array): boolean {
  return equalBytes(principal, ANONYMOUS_PRINCIPAL)
}

function base32(bytes: Uint8Array): string {
  const letters = Math.ceil((bytes.length * 8) / 5)
  const length = letters + Math.ceil(letters / GROUP) - 1
  const codes = (scratchCodes[length] ??= new Array<number>(length).fill(DASH))
  let at = 0
  let bits = 0
  let held = 0
  const put = (value: number): void => {
    if (at % (GROUP + 1) === GROUP) at += 1
    codes[at++] = CODES[value & 31] ?? 0
  }
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      put(held >> bits)
    }
    held &= (1 << bits) - 1
  }
  if (bits > 0) put(held << (5 - bits))
  return String.fromCharCode.apply(null, codes)
}

/** Takes one spelling of each: groups of five, no more characters than there have to be, and zeros for spare bits. */
function fromBase32(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (let offset = 0; offset < text.length; offset++) {
    const code = text.charCodeAt(offset)
    if (offset % (GROUP + 1) === GROUP) {
      if (code !== DASH || offset === text.length - 1) throw wrongForm(offset)
      continue
    }
    const value = VALUES[code] ?? 32
    if (value > 31) throw new MalformedBytes('principal: foreign character', offset)
    held = (held << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >> bits
    held &= (1 << bits) - 1
  }
  if (bits >= 5 || held !== 0) throw wrongForm(text.length)
  return bytes.subarray(0, at)
}

const wrongForm = (offset: number): MalformedBytes => new MalformedBytes('principal: wrong checksum or form', offset)

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (CRC[(crc ^ byte) & 255] ?? 0)
  return (crc ^ 0xffffffff) >>> 0
}

function crcTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1
    return value >>> 0
  })
}
