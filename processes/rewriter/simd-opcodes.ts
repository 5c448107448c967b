import type { Instruction } from './opcodes.ts'

type Rest = Partial<Omit<Instruction, 'pops' | 'push'>>

const memory = (width: number): Rest => ({ immediate: 'memory-argument', width })
const lanes = (width: number): Rest => ({ immediate: 'lane', width })
const laneOf = (width: number, stores: boolean): Rest => ({
  immediate: 'memory-argument-lane',
  width,
  stores,
})
const F32X4: Rest = { nan: 'f32x4' }
const F64X2: Rest = { nan: 'f64x2' }

/**
 * The 128-bit instructions: `[first, last, signature, rest]`, numbered as behind the 0xfd prefix.
 * Relaxed instructions (from 0x100) are not among them: their results depend on the machine.
 * A vector has no lane type, so NaNs are made canonical where they arise, never where they are seen.
 * abs, neg, pmin and pmax are exact in the specification.
 */
export const SIMD_FAMILIES: readonly (readonly [number, number, string, Rest?])[] = [
  [0, 0, 'p>v', memory(16)],
  [1, 6, 'p>v', memory(8)],
  [7, 7, 'p>v', memory(1)],
  [8, 8, 'p>v', memory(2)],
  [9, 9, 'p>v', memory(4)],
  [10, 10, 'p>v', memory(8)],
  [11, 11, 'pv>', { ...memory(16), stores: true }],
  [12, 12, '>v', { immediate: 'bytes16' }],
  [13, 13, 'vv>v', { immediate: 'shuffle' }],
  [14, 14, 'vv>v'],
  [15, 17, 'i>v'],
  [18, 18, 'I>v'],
  [19, 19, 'f>v', { nan: 'observes' }], // f32x4.splat shows the bits of a scalar
  [20, 20, 'F>v', { nan: 'observes' }],
  [21, 22, 'v>i', lanes(16)],
  [23, 23, 'vi>v', lanes(16)],
  [24, 25, 'v>i', lanes(8)],
  [26, 26, 'vi>v', lanes(8)],
  [27, 27, 'v>i', lanes(4)],
  [28, 28, 'vi>v', lanes(4)],
  [29, 29, 'v>I', lanes(2)],
  [30, 30, 'vI>v', lanes(2)],
  [31, 31, 'v>f', { ...lanes(4), nan: 'exact' }],
  [32, 32, 'vf>v', { ...lanes(4), nan: 'observes' }],
  [33, 33, 'v>F', { ...lanes(2), nan: 'exact' }],
  [34, 34, 'vF>v', { ...lanes(2), nan: 'observes' }],
  [35, 76, 'vv>v'], // comparisons
  [77, 77, 'v>v'],
  [78, 81, 'vv>v'],
  [82, 82, 'vvv>v'],
  [83, 83, 'v>i'],
  [84, 84, 'pv>v', laneOf(1, false)],
  [85, 85, 'pv>v', laneOf(2, false)],
  [86, 86, 'pv>v', laneOf(4, false)],
  [87, 87, 'pv>v', laneOf(8, false)],
  [88, 88, 'pv>', laneOf(1, true)],
  [89, 89, 'pv>', laneOf(2, true)],
  [90, 90, 'pv>', laneOf(4, true)],
  [91, 91, 'pv>', laneOf(8, true)],
  [92, 92, 'p>v', memory(4)],
  [93, 93, 'p>v', memory(8)],
  [94, 94, 'v>v', F32X4], // demote
  [95, 95, 'v>v', F64X2], // promote
  // i8x16, with the roundings of floats in between
  [96, 98, 'v>v'],
  [99, 100, 'v>i'],
  [101, 102, 'vv>v'],
  [103, 106, 'v>v', F32X4],
  [107, 109, 'vi>v'],
  [110, 115, 'vv>v'],
  [116, 117, 'v>v', F64X2],
  [118, 121, 'vv>v'],
  [122, 122, 'v>v', F64X2],
  [123, 123, 'vv>v'],
  // i16x8
  [124, 129, 'v>v'],
  [130, 130, 'vv>v'],
  [131, 132, 'v>i'],
  [133, 134, 'vv>v'],
  [135, 138, 'v>v'],
  [139, 141, 'vi>v'],
  [142, 147, 'vv>v'],
  [148, 148, 'v>v', F64X2],
  [149, 153, 'vv>v'],
  [155, 159, 'vv>v'],
  // i32x4
  [160, 161, 'v>v'],
  [163, 164, 'v>i'],
  [167, 170, 'v>v'],
  [171, 173, 'vi>v'],
  [174, 174, 'vv>v'],
  [177, 177, 'vv>v'],
  [181, 186, 'vv>v'],
  [188, 191, 'vv>v'],
  // i64x2
  [192, 193, 'v>v'],
  [195, 196, 'v>i'],
  [199, 202, 'v>v'],
  [203, 205, 'vi>v'],
  [206, 206, 'vv>v'],
  [209, 209, 'vv>v'],
  [213, 223, 'vv>v'],
  // f32x4
  [224, 225, 'v>v'],
  [227, 227, 'v>v', F32X4],
  [228, 233, 'vv>v', F32X4],
  [234, 235, 'vv>v'],
  // f64x2
  [236, 237, 'v>v'],
  [239, 239, 'v>v', F64X2],
  [240, 245, 'vv>v', F64X2],
  [246, 247, 'vv>v'],
  // conversions
  [248, 255, 'v>v'],
]
