import { describe, expect, it } from 'vitest'
import { start, wat } from './wat.ts'

const NEGATIVE_NAN = '-nan:0x'
const LANES = {
  f32x4: { payload: '212345', invalid: 'inf -inf -1 0', other: '-inf inf nan 0', bytes: 4 },
  f64x2: { payload: '4000000012345', invalid: 'inf -1', other: 'inf nan', bytes: 8 },
}
const BINARY = ['add', 'sub', 'mul', 'div', 'min', 'max']
const UNARY = ['sqrt', 'ceil', 'floor', 'trunc', 'nearest']

function operations(): [string, string, number][] {
  return Object.entries(LANES).flatMap(([lanes, { payload, invalid, other, bytes }]) => {
    const count = 16 / bytes
    const wild = `(v128.const ${lanes} ${`${NEGATIVE_NAN}${payload} `.repeat(count)})`
    const left = `(v128.const ${lanes} ${invalid})`
    const right = `(v128.const ${lanes} ${other})`
    const cases: [string, string, number][] = [
      ...BINARY.flatMap((name): [string, string, number][] => [
        [`${lanes}.${name} of a wild NaN`, `(${lanes}.${name} ${wild} ${left})`, bytes],
        [`${lanes}.${name} of infinities`, `(${lanes}.${name} ${left} ${right})`, bytes],
      ]),
      ...UNARY.map((name): [string, string, number] => [`${lanes}.${name}`, `(${lanes}.${name} ${wild})`, bytes]),
      [`${lanes}.sqrt of -1`, `(${lanes}.sqrt ${left})`, bytes],
      lanes === 'f32x4'
        ? ['f64x2.promote_low_f32x4', `(f64x2.promote_low_f32x4 ${wild})`, 8]
        : ['f32x4.demote_f64x2_zero', `(f32x4.demote_f64x2_zero ${wild})`, 4],
    ]
    return cases
  })
}

/** The NaN lanes of a vector, as bits. */
function nanLanes(memory: Uint8Array, bytes: number): bigint[] {
  const view = new DataView(memory.buffer, memory.byteOffset, 16)
  return Array.from({ length: 16 / bytes }, (_, lane) =>
    bytes === 4
      ? { value: view.getFloat32(lane * 4, true), bits: BigInt(view.getUint32(lane * 4, true)) }
      : { value: view.getFloat64(lane * 8, true), bits: view.getBigUint64(lane * 8, true) },
  ).flatMap(({ value, bits }) => (Number.isNaN(value) ? [bits] : []))
}

describe('a NaN that vector arithmetic made is canonical in every lane', () => {
  it.each(operations())('%s', (_, expression, bytes) => {
    const guest = start(wat(`(module (memory 1) (func (export "run") (v128.store (i32.const 0) ${expression})))`))
    guest.call('run')
    const lanes = nanLanes(guest.memory, bytes)
    const canonical = bytes === 4 ? 0x7fc00000n : 0x7ff8000000000000n
    expect(lanes.length).toBeGreaterThan(0)
    expect(new Set(lanes)).toEqual(new Set([canonical]))
  })
})
