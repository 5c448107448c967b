import type { Value } from './script.ts'
import { bytesOf } from './wrapper.ts'

const CANONICAL: Readonly<Record<number, bigint>> = { 4: 0x7fc00000n, 8: 0x7ff8000000000000n }
const EXPONENT: Readonly<Record<number, bigint>> = { 4: 0x7f800000n, 8: 0x7ff0000000000000n }
const SIGN: Readonly<Record<number, bigint>> = { 4: 1n << 31n, 8: 1n << 63n }
const QUIET: Readonly<Record<number, bigint>> = { 4: 1n << 22n, 8: 1n << 51n }

const WIDTHS: Readonly<Record<string, number>> = { i8: 1, i16: 2, i32: 4, i64: 8, f32: 4, f64: 8 }

const bits = (bytes: ArrayLike<number>, width: number): bigint => {
  let value = 0n
  for (let index = width - 1; index >= 0; index -= 1) {
    value = (value << 8n) | BigInt(bytes[index] ?? 0)
  }
  return value
}

const isNan = (value: bigint, width: number): boolean => (value & ~(SIGN[width] ?? 0n)) > (EXPONENT[width] ?? 0n)

/** `strict`: whether the sign of a NaN counts where a test writes just `nan`. Rewritten, it does. */
export function matches(got: Uint8Array, expected: Value, strict: boolean): boolean {
  const { type, lane_type: laneType = type, value = '0' } = expected
  const lanes = typeof value === 'string' ? [value] : value
  const width = WIDTHS[laneType] ?? 4
  return lanes.every((lane, index) => {
    const part = bits(got.subarray(index * width), width)
    return laneMatches(part, lane, laneType, width, strict)
  })
}

function laneMatches(got: bigint, expected: string, type: string, width: number, strict: boolean): boolean {
  const canonical = CANONICAL[width] ?? 0n
  const magnitude = got & ~(SIGN[width] ?? 0n)
  if (expected === 'nan:canonical') return magnitude === canonical
  if (expected === 'nan:arithmetic') {
    return isNan(got, width) && (got & (QUIET[width] ?? 0n)) !== 0n
  }
  const bitsExpected = bits(bytesOf({ type, value: expected }), width)
  if (got === bitsExpected) return true
  return !strict && bitsExpected === canonical && type.startsWith('f') && magnitude === canonical
}
