import type { Value } from './script.ts'
import { bytesOf } from './wrapper.ts'

/** How a lane compares: a NaN made canonical stands where the specification keeps its payload. */
export type Match = 'equal' | 'canonicalised' | 'different'

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

const isNan = (value: bigint, width: number): boolean =>
  (value & ~(SIGN[width] ?? 0n)) > (EXPONENT[width] ?? 0n)

/** `rewritten`: whether a NaN may have lost its payload on the way. */
export function matchValue(got: Uint8Array, expected: Value, rewritten: boolean): Match {
  const { type, lane_type: laneType = type, value = '0' } = expected
  const lanes = typeof value === 'string' ? [value] : value
  const width = WIDTHS[laneType] ?? 4
  let result: Match = 'equal'
  for (const [index, lane] of lanes.entries()) {
    const part = bits(got.subarray(index * width), width)
    const match = matchLane(part, lane, laneType, width, rewritten)
    if (match === 'different') return 'different'
    if (match === 'canonicalised') result = match
  }
  return result
}

function matchLane(
  got: bigint,
  expected: string,
  type: string,
  width: number,
  rewritten: boolean,
): Match {
  const canonical = CANONICAL[width] ?? 0n
  if (expected === 'nan:canonical') {
    return (got & ~(SIGN[width] ?? 0n)) === canonical ? 'equal' : 'different'
  }
  if (expected === 'nan:arithmetic') {
    return isNan(got, width) && (got & (QUIET[width] ?? 0n)) !== 0n ? 'equal' : 'different'
  }
  const bitsExpected = bits(bytesOf({ type, value: expected }), width)
  if (got === bitsExpected) return 'equal'
  // The bits of a NaN may also come out as an integer, after a reinterpretation.
  const observable = width === 4 || width === 8
  if (rewritten && observable && isNan(bitsExpected, width) && got === canonical) {
    return 'canonicalised'
  }
  // Where a vector test writes a plain nan, the engine may choose the sign; rewritten, it may not.
  if (!rewritten && bitsExpected === canonical && type.startsWith('f')) {
    return (got & ~(SIGN[width] ?? 0n)) === canonical ? 'equal' : 'different'
  }
  // copysign by a NaN: its sign became positive.
  const flipped = bitsExpected ^ (SIGN[width] ?? 0n)
  return rewritten && type.startsWith('f') && got === flipped ? 'canonicalised' : 'different'
}
