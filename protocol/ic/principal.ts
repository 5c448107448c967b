/**
 * Principals of the IC: names of users and canisters, up to 29 bytes, the last of which tells the class (IC interface
 * specification, "Principals"). The text form is base32 of a CRC-32 and the bytes, in groups of five.
 */
import { sha224 } from '@noble/hashes/sha2.js'
import { equalBytes, MalformedBytes } from '../bytes.ts'

export const PRINCIPAL_MAX_BYTES = 29

/** Who signs nothing. */
export const ANONYMOUS_PRINCIPAL: Uint8Array = Uint8Array.of(4)

/** The management canister, `aaaaa-aa`. */
export const MANAGEMENT_PRINCIPAL: Uint8Array = new Uint8Array(0)

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'
const TEXT_MAX = 63
const CRC = crcTable()

/** `w7x7r-cok77-xa`: lower case, groups of five. @throws RangeError above 29 bytes */
export function principalText(principal: Uint8Array): string {
  if (principal.length > PRINCIPAL_MAX_BYTES) throw new RangeError(`expected a principal of up to 29 bytes, got ${principal.length}`)
  const bytes = new Uint8Array(4 + principal.length)
  new DataView(bytes.buffer).setUint32(0, crc32(principal))
  bytes.set(principal, 4)
  return groupsOfFive(base32(bytes))
}

/** @throws {MalformedBytes} on anything that `principalText` would not have written */
export function principalFromText(text: string): Uint8Array {
  if (text.length > TEXT_MAX) throw new MalformedBytes('principal: too long', TEXT_MAX)
  const bytes = fromBase32(text.replaceAll('-', ''))
  if (bytes.length < 4) throw new MalformedBytes('principal: too short', 0)
  const principal = bytes.slice(4)
  if (principal.length > PRINCIPAL_MAX_BYTES) throw new MalformedBytes('principal: too long', TEXT_MAX)
  if (principalText(principal) !== text) throw new MalformedBytes('principal: wrong checksum or form', 0)
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
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(held >> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31]
}

function fromBase32(text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8))
  let bits = 0
  let held = 0
  let at = 0
  for (const [offset, char] of [...text].entries()) {
    const value = ALPHABET.indexOf(char)
    if (value < 0) throw new MalformedBytes('principal: foreign character', offset)
    held = (held << 5) | value
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[at++] = held >> bits
    held &= (1 << bits) - 1
  }
  return bytes
}

function groupsOfFive(text: string): string {
  return text.match(/.{1,5}/g)?.join('-') ?? ''
}

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
