import type { GlobalType } from './engine-state.ts'
import { module, section, text, unsigned, vector } from './wasm-bytes.ts'

/** The module name of what is imported: `gas`, and `0`, `1`, … */
export const WATCHED = 'watched'

const TYPES: Readonly<Record<GlobalType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c }
/** Instructions between two values and whether their bits differ. */
const DIFFER: Readonly<Record<GlobalType, { readonly bits: readonly number[]; readonly compare: number }>> = {
  i32: { bits: [], compare: 0x47 },
  i64: { bits: [], compare: 0x52 },
  f32: { bits: [0xbc], compare: 0x47 },
  f64: { bits: [0xbd], compare: 0x52 },
}
const [I32, I64, F64] = [TYPES.i32, TYPES.i64, TYPES.f64]
const GAS = 0
const END = 0x0b
const get = (global: number): number[] => [0x23, ...unsigned(global)]
const set = (global: number): number[] => [0x24, ...unsigned(global)]
/** An argument, which is a whole number, as 64 bits. */
const whole = (local: number): number[] => [0x20, local, 0xfc, 6]

/**
 * A module that imports the gas of an instance and its mutable globals, of the given types, and keeps a copy of these:
 * `setGas(limit)`, `spent(limit, more)`, `keep()`, `restore()`, `isChanged()`.
 */
export function keptGlobalsModule(types: readonly GlobalType[]): Uint8Array<ArrayBuffer> {
  const globals = types.map((type, index) => ({ type, live: 1 + index, kept: 1 + types.length + index }))
  const imported = [
    [...text(WATCHED), ...text('gas'), 3, I64, 1],
    ...globals.map(({ type }, index) => [...text(WATCHED), ...text(String(index)), 3, TYPES[type], 1]),
  ]
  const bodies = [
    [...whole(0), ...set(GAS)],
    // gas < 0 ? limit + 1 : limit - gas + more
    [
      ...[...whole(0), 0x42, 1, 0x7c],
      ...[...whole(0), ...get(GAS), 0x7d, ...whole(1), 0x7c],
      ...[...get(GAS), 0x42, 0, 0x53, 0x1b],
    ],
    globals.flatMap(({ live, kept }) => [...get(live), ...set(kept)]),
    globals.flatMap(({ live, kept }) => [...get(kept), ...set(live)]),
    [
      ...[0x41, 0],
      ...globals.flatMap(({ type, live, kept }) => {
        const { bits, compare } = DIFFER[type]
        return [...get(live), ...bits, ...get(kept), ...bits, compare, 0x72]
      }),
    ],
  ]
  return module([
    section(
      1,
      vector([
        [0x60, 1, F64, 0],
        [0x60, 2, F64, F64, 1, I64],
        [0x60, 0, 0],
        [0x60, 0, 1, I32],
      ]),
    ),
    section(2, vector(imported)),
    section(3, vector([[0], [1], [2], [2], [3]])),
    section(6, vector(types.map(type => [TYPES[type], 1, ...zeroOf(type), END]))),
    section(
      7,
      vector(['setGas', 'spent', 'keep', 'restore', 'isChanged'].map((name, index) => [...text(name), 0, index])),
    ),
    section(
      10,
      vector(
        bodies.map(code => {
          const body = [0, ...code, END]
          return [...unsigned(body.length), ...body]
        }),
      ),
    ),
  ])
}

function zeroOf(type: GlobalType): number[] {
  if (type === 'i32') return [0x41, 0]
  if (type === 'i64') return [0x42, 0]
  return type === 'f32' ? [0x43, 0, 0, 0, 0] : [0x44, 0, 0, 0, 0, 0, 0, 0, 0]
}
