/**
 * The instructions whose type is the same wherever they stand. Control, variables, tables and bulk
 * memory depend on the module and are in validate-instruction.ts.
 *
 * A code is the opcode byte, or `SIMD + n` for instruction n behind the 0xfd prefix, or `MISC + n`
 * behind 0xfc.
 */
import { SIMD_FAMILIES } from './simd-opcodes.ts'
import { F32, F64, I32, I64, V128, type ValueType } from './value-types.ts'

export const MISC = 0x100
export const SIMD = 0x200
export const CODES = 0x300

/** What follows an opcode. */
export type Immediate = 'none' | 'memory-argument' | 'lane' | 'memory-argument-lane' | 'bytes16' | 'shuffle'

/**
 * What an instruction does to the bits of a NaN:
 * - `observes`: shows the bits of its topmost operand, a scalar float, to the guest
 * - `exact`: its float result has bits fixed by the specification, or is never NaN
 * - `keeps`: its result is exact if its (first) operand is
 * - `f32x4`, `f64x2`: its vector result can hold NaNs with bits the engine chose
 * - `none`: nothing, or a scalar float whose NaN bits the engine chose
 */
export type NanRole = 'none' | 'observes' | 'exact' | 'keeps' | 'f32x4' | 'f64x2'

export interface Instruction {
  /** Operands, the deepest first. A memory address stands as `ADDRESS`. */
  readonly pops: readonly ValueType[]
  /** The result, or 0. */
  readonly push: ValueType
  readonly immediate: Immediate
  /** Bytes read or written, for memory instructions; lanes, for lane instructions. */
  readonly width: number
  readonly stores: boolean
  readonly nan: NanRole
}

/** Stands for the address type of the memory, which the module decides. */
export const ADDRESS: ValueType = 1

const LETTERS: Readonly<Record<string, ValueType>> = {
  i: I32,
  I: I64,
  f: F32,
  F: F64,
  v: V128,
  p: ADDRESS,
}

const typeOf = (letter: string): ValueType => {
  const type = LETTERS[letter]
  if (type === undefined) throw new Error(`expected a type letter, got ${letter}`)
  return type
}

/** Reads `ii>i`: two i32 operands, one i32 result. */
function instruction(signature: string, rest: Partial<Omit<Instruction, 'pops' | 'push'>> = {}): Instruction {
  const [pops = '', push = ''] = signature.split('>')
  return {
    pops: [...pops].map(typeOf),
    push: push === '' ? 0 : typeOf(push),
    immediate: rest.immediate ?? 'none',
    width: rest.width ?? 0,
    stores: rest.stores ?? false,
    nan: rest.nan ?? 'none',
  }
}

/** `[first code, last code, signature, NaN role]` */
const NUMERIC: readonly (readonly [number, number, string, NanRole?])[] = [
  [0x45, 0x45, 'i>i'],
  [0x46, 0x4f, 'ii>i'],
  [0x50, 0x50, 'I>i'],
  [0x51, 0x5a, 'II>i'],
  [0x5b, 0x60, 'ff>i'],
  [0x61, 0x66, 'FF>i'],
  [0x67, 0x69, 'i>i'],
  [0x6a, 0x78, 'ii>i'],
  [0x79, 0x7b, 'I>I'],
  [0x7c, 0x8a, 'II>I'],
  [0x8b, 0x8c, 'f>f', 'keeps'], // abs, neg: a change of the sign bit
  [0x8d, 0x91, 'f>f'],
  [0x92, 0x97, 'ff>f'],
  [0x98, 0x98, 'ff>f', 'observes'], // copysign: the sign of a NaN is seen
  [0x99, 0x9a, 'F>F', 'keeps'],
  [0x9b, 0x9f, 'F>F'],
  [0xa0, 0xa5, 'FF>F'],
  [0xa6, 0xa6, 'FF>F', 'observes'],
  [0xa7, 0xa7, 'I>i'],
  [0xa8, 0xa9, 'f>i'],
  [0xaa, 0xab, 'F>i'],
  [0xac, 0xad, 'i>I'],
  [0xae, 0xaf, 'f>I'],
  [0xb0, 0xb1, 'F>I'],
  [0xb2, 0xb3, 'i>f', 'exact'],
  [0xb4, 0xb5, 'I>f', 'exact'],
  [0xb6, 0xb6, 'F>f'],
  [0xb7, 0xb8, 'i>F', 'exact'],
  [0xb9, 0xba, 'I>F', 'exact'],
  [0xbb, 0xbb, 'f>F'],
  [0xbc, 0xbc, 'f>i', 'observes'], // reinterpret
  [0xbd, 0xbd, 'F>I', 'observes'],
  [0xbe, 0xbe, 'i>f', 'exact'],
  [0xbf, 0xbf, 'I>F', 'exact'],
  [0xc0, 0xc1, 'i>i'],
  [0xc2, 0xc4, 'I>I'],
  [MISC + 0, MISC + 1, 'f>i'], // saturating truncations
  [MISC + 2, MISC + 3, 'F>i'],
  [MISC + 4, MISC + 5, 'f>I'],
  [MISC + 6, MISC + 7, 'F>I'],
]

/** `[code, result or operand type, bytes]` */
const LOADS: readonly (readonly [number, string, number])[] = [
  [0x28, 'i', 4],
  [0x29, 'I', 8],
  [0x2a, 'f', 4],
  [0x2b, 'F', 8],
  [0x2c, 'i', 1],
  [0x2d, 'i', 1],
  [0x2e, 'i', 2],
  [0x2f, 'i', 2],
  [0x30, 'I', 1],
  [0x31, 'I', 1],
  [0x32, 'I', 2],
  [0x33, 'I', 2],
  [0x34, 'I', 4],
  [0x35, 'I', 4],
]

const STORES: readonly (readonly [number, string, number])[] = [
  [0x36, 'i', 4],
  [0x37, 'I', 8],
  [0x38, 'f', 4],
  [0x39, 'F', 8],
  [0x3a, 'i', 1],
  [0x3b, 'i', 2],
  [0x3c, 'I', 1],
  [0x3d, 'I', 2],
  [0x3e, 'I', 4],
]

function buildTable(): readonly (Instruction | undefined)[] {
  const table = new Array<Instruction | undefined>(CODES).fill(undefined)
  for (const [first, last, signature, nan = 'none'] of NUMERIC) {
    table.fill(instruction(signature, { nan }), first, last + 1)
  }
  for (const [code, type, width] of LOADS) {
    table[code] = instruction(`p>${type}`, { immediate: 'memory-argument', width, nan: 'exact' })
  }
  for (const [code, type, width] of STORES) {
    const nan = type === 'f' || type === 'F' ? 'observes' : 'none'
    table[code] = instruction(`p${type}>`, {
      immediate: 'memory-argument',
      width,
      nan,
      stores: true,
    })
  }
  for (const [first, last, signature, rest] of SIMD_FAMILIES) {
    table.fill(instruction(signature, rest), SIMD + first, SIMD + last + 1)
  }
  return table
}

/** By code; `undefined` where the instruction does not exist or is not of this simple kind. */
export const INSTRUCTIONS = buildTable()
