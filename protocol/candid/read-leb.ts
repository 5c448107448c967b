import { MalformedBytes } from '../bytes.ts'

/** Bytes of one `nat` or `int`. */
const INTEGER_MAX_BYTES = 512
/** Bytes of LEB128 that a number holds exactly. */
const GROUP_BYTES = 7

/** A number as it stands in LEB128: without a sign, and what gives it one. */
export interface LebNumber {
  readonly value: bigint
  readonly bits: number
  readonly isNegative: boolean
  /** Where the next byte is. */
  readonly end: number
}

/**
 * Reads LEB128 in groups that are numbers: a byte at a time, a long one would take a big integer for each.
 * @throws {MalformedBytes} if it is cut short, or too long
 */
export function readLeb(bytes: Uint8Array, from: number): LebNumber {
  let value = 0n
  let group = 0
  let scale = 1
  for (let index = 0; index < INTEGER_MAX_BYTES; index++) {
    const byte = bytes[from + index]
    if (byte === undefined) throw new MalformedBytes('candid: cut short', from + index)
    group += (byte & 0x7f) * scale
    scale *= 128
    const inGroup = index % GROUP_BYTES
    if (byte >= 0x80 && inGroup < GROUP_BYTES - 1) continue
    value |= BigInt(group) << BigInt(7 * (index - inGroup))
    if (byte < 0x80) {
      return { value, bits: 7 * (index + 1), isNegative: (byte & 0x40) !== 0, end: from + index + 1 }
    }
    group = 0
    scale = 1
  }
  throw new MalformedBytes('candid: a number that is too long', from + INTEGER_MAX_BYTES)
}

/** The number that the same bytes are in signed LEB128. */
export function signedOf({ value, bits, isNegative }: LebNumber): bigint {
  return isNegative ? value - (1n << BigInt(bits)) : value
}
