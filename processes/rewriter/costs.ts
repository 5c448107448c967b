/**
 * Gas: what each instruction costs. One unit is about one simple machine operation. The numbers are
 * part of the protocol: a change of any of them is a new REWRITER_VERSION.
 */
import { CODES, MISC, SIMD } from './opcodes.ts'

/** Each page that memory.grow adds: the machine zeroes it, a snapshot may have to keep it. */
export const GROW_PAGE_COST = 16_384
/** A bulk instruction costs this much, and one unit for each 2^BULK_SHIFT bytes or table items. */
export const BULK_COST = 16
export const BULK_BYTES_SHIFT = 3
export const BULK_ITEMS_SHIFT = 0
/** Entering a function zeroes its locals: one unit for each 2^LOCALS_SHIFT of them. */
export const LOCALS_SHIFT = 2

const CALL = 8
const CALL_INDIRECT = 12
const MEMORY = 2
const INTEGER_DIVISION = 10
const FLOAT_DIVISION = 8
const TABLE = 4
const VECTOR = 2

function buildCosts(): Uint16Array {
  const costs = new Uint16Array(CODES).fill(1)
  const set = (first: number, last: number, cost: number) => {
    costs.fill(cost, first, last + 1)
  }
  set(0x0e, 0x0e, 4) // br_table
  set(0x10, 0x10, CALL)
  set(0x11, 0x11, CALL_INDIRECT)
  set(0x25, 0x26, TABLE)
  set(0x28, 0x3e, MEMORY)
  set(0x40, 0x40, BULK_COST)
  set(0x6d, 0x70, INTEGER_DIVISION)
  set(0x7f, 0x82, INTEGER_DIVISION)
  for (const code of [0x91, 0x95, 0x9f, 0xa3]) set(code, code, FLOAT_DIVISION)
  set(MISC, MISC + 7, 2)
  set(MISC + 8, MISC + 17, BULK_COST)
  set(SIMD, SIMD + 0xff, VECTOR)
  for (const code of [227, 231, 239, 243]) set(SIMD + code, SIMD + code, FLOAT_DIVISION)
  return costs
}

/** By code, as in opcodes.ts. */
export const COSTS = buildCosts()
