/**
 * Gas: what each instruction costs. One unit is the simplest
 * instruction, a local.get or an addition: 10 to 50 of them take a nanosecond in optimised code, so
 * what leaves the machine's arithmetic (calls, divisions, bulk memory, pages) costs much more.
 * The numbers are part of the protocol: a change of any of them is a new REWRITER_VERSION.
 */
import { CODES, MISC, SIMD } from './opcodes.ts'

/** For each page that memory.grow adds: the machine zeroes it, a snapshot may have to keep it. */
export const GROW_PAGE_COST = 131_072
/** Growing, even by nothing, leaves the guest for the engine: some two hundred nanoseconds. */
const GROW_COST = 8_192
/** A bulk instruction costs this much, and for each byte or table item one of the two below. */
const BULK_COST = 400
export const BULK_BYTE_COST = 1
export const BULK_ITEM_COST = 64
/** Entering a function zeroes its locals: one unit for each 2^LOCALS_SHIFT of them. */
export const LOCALS_SHIFT = 2
/**
 * A segment that costs little is charged with the segment that always comes before it, executed or
 * not: this many units for each segment at most.
 */
export const FOLD_MAX = 16

/**
 * Each round of a loop, its branch and its look at the gas: about a nanosecond, in which straight code runs ten to
 * fifty units. Without it a loop that does nothing would hold its host many times longer than its gas says.
 */
export const LOOP_ROUND_COST = 20

const CALL = 16
const CALL_INDIRECT = 24
const MEMORY = 2
const INTEGER_DIVISION = 32
const FLOAT_DIVISION = 16
const TABLE = 8
const VECTOR = 2

function buildCosts(): Uint16Array {
  const costs = new Uint16Array(CODES).fill(1)
  const set = (first: number, last: number, cost: number) => {
    costs.fill(cost, first, last + 1)
  }
  // Not executed, only where things begin and end.
  for (const code of [0x01, 0x02, 0x03, 0x05, 0x0b]) set(code, code, 0)
  set(0x0e, 0x0e, 4) // br_table
  set(0x10, 0x10, CALL)
  set(0x11, 0x11, CALL_INDIRECT)
  set(0x25, 0x26, TABLE)
  set(0x28, 0x3e, MEMORY)
  set(0x40, 0x40, GROW_COST)
  set(0x6d, 0x70, INTEGER_DIVISION)
  set(0x7f, 0x82, INTEGER_DIVISION)
  for (const code of [0x91, 0x95, 0x9f, 0xa3]) set(code, code, FLOAT_DIVISION)
  set(MISC, MISC + 7, 2)
  set(MISC + 8, MISC + 17, BULK_COST)
  set(MISC + 15, MISC + 15, GROW_COST)
  set(SIMD, SIMD + 0xff, VECTOR)
  for (const code of [227, 231, 239, 243]) set(SIMD + code, SIMD + code, FLOAT_DIVISION)
  return costs
}

/** By code, as in opcodes.ts. */
export const COSTS = buildCosts()
