/**
 * A module that puts every float instruction to every pair of awkward values, and stores what comes
 * out: directly, through locals, calls, globals, reinterpretations, and vectors.
 */
const F32 = ['7fc00000', 'ffc00000', '7fa12345', 'ffc54321', '7f800000', 'ff800000', '80000000', '3f800000']
const F64 = [
  '7ff8000000000000',
  'fff8000000000000',
  '7ff4000000012345',
  'fff8000000054321',
  '7ff0000000000000',
  'fff0000000000000',
  '8000000000000000',
  '3ff0000000000000',
]
const COUNT = F32.length
const BINARY = ['add', 'sub', 'mul', 'div', 'min', 'max', 'copysign']
const UNARY = ['sqrt', 'ceil', 'floor', 'trunc', 'nearest', 'abs', 'neg']
const VECTOR_BINARY = ['add', 'sub', 'mul', 'div', 'min', 'max', 'pmin', 'pmax']

const bytesOf = (hex: string): string =>
  (hex.match(/../g) ?? [])
    .reverse()
    .map(byte => `\\${byte}`)
    .join('')

/** Where the values lie, and where results go. */
const F32_BASE = 0
const F64_BASE = 64
const OUTPUT = 4096

function scalarOperations(type: 'f32' | 'f64'): string[] {
  const base = type === 'f32' ? F32_BASE : F64_BASE
  const shift = type === 'f32' ? 2 : 3
  const load = (local: string) => `(${type}.load offset=${base} (i32.shl (local.get ${local}) (i32.const ${shift})))`
  const bits = type === 'f32' ? 'i32' : 'i64'
  const other = type === 'f32' ? 'f64' : 'f32'
  const convert = type === 'f32' ? 'promote_f32' : 'demote_f64'
  const values = [
    ...BINARY.map(name => `(${type}.${name} ${load('$i')} ${load('$j')})`),
    ...UNARY.map(name => `(${type}.${name} ${load('$i')})`),
    `(call $through_${type} (${type}.add ${load('$i')} ${load('$j')}))`,
    `(select ${load('$i')} (${type}.mul ${load('$i')} ${load('$j')}) (local.get $j))`,
    `(block (result ${type}) (${type}.neg (${type}.sub ${load('$i')} ${load('$j')})))`,
    `(${type}.copysign (${type}.const 1) (${type}.div ${load('$i')} ${load('$j')}))`,
    // A compiler computes these itself, with its own idea of a NaN.
    `(${type}.div (${type}.const 0) (${type}.const 0))`,
    `(${type}.sub (${type}.const inf) (${type}.const inf))`,
    `(${type}.mul (${type}.const nan:0x12345) (${type}.const 1))`,
    `(${type}.add (${type}.const -nan) ${load('$i')})`,
    `(${type}.sqrt (${type}.const -1))`,
  ]
  const lanes = type === 'f32' ? 'f32x4' : 'f64x2'
  return [
    ...values.map(value => `(${type}.store (call $next) ${value})`),
    ...values.map(value => `(${bits}.store (call $next) (${bits}.reinterpret_${type} ${value}))`),
    ...values.map(value => `(global.set $g_${type} ${value})`),
    `(${type}.store (call $next) (global.get $g_${type}))`,
    `(${other}.store (call $next) (${other}.${convert} ${values[0]}))`,
    ...values.map(value => `(v128.store (call $next) (${lanes}.splat ${value}))`),
    `(v128.store (call $next) (${lanes}.replace_lane 1 (v128.const i64x2 0 0) ${values[1]}))`,
  ]
}

function vectorOperations(lanes: 'f32x4' | 'f64x2'): string[] {
  const vector = (local: string) => {
    const offset = lanes === 'f32x4' ? F32_BASE : F64_BASE
    return `(v128.load offset=${offset} (i32.shl (local.get ${local}) (i32.const 3)))`
  }
  const type = lanes === 'f32x4' ? 'f32' : 'f64'
  const values = [
    ...VECTOR_BINARY.map(name => `(${lanes}.${name} ${vector('$i')} ${vector('$j')})`),
    ...UNARY.map(name => `(${lanes}.${name} ${vector('$i')})`),
    '(f32x4.demote_f64x2_zero (f64x2.add (v128.load offset=64 (i32.const 8)) (v128.load (i32.const 64))))',
    `(f64x2.promote_low_f32x4 ${vector('$i')})`,
  ]
  return [
    ...values.map(value => `(v128.store (call $next) ${value})`),
    ...values.map(value => `(${type}.store (call $next) (${lanes}.extract_lane 1 ${value}))`),
    ...values.map(value => `(i32.store (call $next) (i8x16.bitmask ${value}))`),
  ]
}

/** One export, `run(rounds)`: all operations on all pairs, `rounds` times over the same output. */
export function nanKernel(): string {
  const operations = [
    ...scalarOperations('f32'),
    ...scalarOperations('f64'),
    ...vectorOperations('f32x4'),
    ...vectorOperations('f64x2'),
  ]
  return `(module (memory (export "memory") 16)
    (data (i32.const ${F32_BASE}) "${F32.map(bytesOf).join('')}")
    (data (i32.const ${F64_BASE}) "${F64.map(bytesOf).join('')}")
    (global $out (mut i32) (i32.const 0))
    (global $g_f32 (mut f32) (f32.const 0)) (global $g_f64 (mut f64) (f64.const 0))
    (func $next (result i32)
      (global.set $out (i32.add (global.get $out) (i32.const 16))) (global.get $out))
    (func $through_f32 (param f32) (result f32) (f32.add (local.get 0) (f32.const 0)))
    (func $through_f64 (param f64) (result f64) (f64.add (local.get 0) (f64.const 0)))
    (func $pair (param $i i32) (param $j i32) ${operations.join('\n')})
    (func (export "run") (param $rounds i32) (local $i i32) (local $j i32)
      (loop $round
        (global.set $out (i32.const ${OUTPUT}))
        (local.set $i (i32.const 0))
        (loop $is
          (local.set $j (i32.const 0))
          (loop $js
            (call $pair (local.get $i) (local.get $j))
            (br_if $js (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1)))
              (i32.const ${COUNT - 1}))))
          (br_if $is (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
            (i32.const ${COUNT - 1}))))
        (br_if $round (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1)))))))`
}
