import { seededDice } from '../../../fakes/seeded-random.ts'

/**
 * Random programs that end: nested blocks, branches, bounded loops, calls, every width of load and
 * store, vectors, bulk memory, growth. Float arithmetic stays finite, because the bits of a NaN are
 * the one thing in which a rewritten program may differ; words move through floats unharmed.
 */
type Type = 'i32' | 'i64' | 'f32' | 'f64' | 'v128'

const TYPES: readonly Type[] = ['i32', 'i64', 'f32', 'f64', 'v128']
/** Locals of every type in each function: parameters are of type i32, i64 and f64. */
const LOCALS_EACH = 3
const FUNCTIONS = 4

const COMPARE = ['eq', 'ne', 'lt_s', 'lt_u', 'gt_s', 'gt_u', 'le_s', 'ge_u']
const INTEGER = ['add', 'sub', 'mul', 'and', 'or', 'xor', 'shl', 'shr_s', 'shr_u', 'rotl']
const DIVISION = ['div_s', 'div_u', 'rem_s', 'rem_u']
const FLOAT = ['add', 'sub', 'mul', 'min', 'max', 'copysign']
const LANES = ['i8x16.add', 'i16x8.mul', 'i32x4.sub', 'i64x2.add', 'v128.xor', 'i8x16.swizzle']
const STORES: readonly (readonly [string, Type])[] = [
  ['i32.store', 'i32'],
  ['i32.store8', 'i32'],
  ['i32.store16', 'i32'],
  ['i64.store', 'i64'],
  ['i64.store8', 'i64'],
  ['i64.store16', 'i64'],
  ['i64.store32', 'i64'],
  ['f32.store', 'f32'],
  ['f64.store', 'f64'],
  ['v128.store', 'v128'],
]

export class ProgramGenerator {
  readonly #is64: boolean
  readonly #below: (max: number) => number
  /** Index of the function in hand: it calls only those before it. */
  #function = 0
  #labels = 0
  #loops = 0

  constructor(seed: number, is64: boolean) {
    this.#below = seededDice(seed)
    this.#is64 = is64
  }

  module(): string {
    const functions = Array.from({ length: FUNCTIONS }, (_, index) => {
      this.#function = index
      return this.#functionText(index)
    })
    const data = Array.from({ length: 64 }, () => `\\${this.#byte()}`).join('')
    const address = this.#is64 ? 'i64' : 'i32'
    return `(module (import "host" "note" (func $note (param i32)))
      (memory (export "memory") ${this.#is64 ? 'i64' : ''} 2 4)
      (data (${address}.const 8) "${data}") (data (${address}.const 4090) "${data}")
      (global $g0 (export "g0") (mut i32) (i32.const 1))
      (global $g1 (export "g1") (mut i64) (i64.const 2))
      (global $g2 (mut f64) (f64.const 3))
      (type $t (func (param i32 i64 f64) (result i64)))
      (table 4 funcref) (elem (i32.const 0) ${functions.map((_, index) => `$f${index}`).join(' ')})
      ${functions.join('\n')}
      (func (export "run") (param i32) (result i64)
        (call $f${FUNCTIONS - 1} (local.get 0) (i64.const 77) (f64.const 1.5))))`
  }

  #pick<T>(items: readonly T[]): T {
    const item = items[this.#below(items.length)]
    if (item === undefined) throw new Error('expected items')
    return item
  }

  #byte(): string {
    return this.#below(256).toString(16).padStart(2, '0')
  }

  #local(type: Type): string {
    return `$${type}_${this.#below(LOCALS_EACH)}`
  }

  #functionText(index: number): string {
    const locals = TYPES.flatMap(type =>
      Array.from({ length: LOCALS_EACH }, (_, position) => {
        const parameter = position === 0 && ['i32', 'i64', 'f64'].includes(type)
        return parameter ? [] : [`(local $${type}_${position} ${type})`]
      }).flat(),
    )
    const counters = Array.from({ length: 8 }, (_, loop) => `(local $loop_${loop} i32)`)
    this.#loops = 0
    const body = this.#statements(4, 3)
    return `(func $f${index} (param $i32_0 i32) (param $i64_0 i64) (param $f64_0 f64) (result i64)
      ${locals.join(' ')} ${counters.join(' ')} ${body} ${this.#expression('i64', 2)})`
  }

  #statements(count: number, depth: number): string {
    return Array.from({ length: 1 + this.#below(count) }, () => this.#statement(depth)).join('\n')
  }

  #statement(depth: number): string {
    const kind = this.#below(depth > 0 ? 17 : 9)
    switch (kind) {
      case 0:
      case 1: {
        const type = this.#pick(TYPES)
        return `(local.set ${this.#local(type)} ${this.#expression(type, 3)})`
      }
      case 2:
      case 3:
      case 4:
        return this.#store()
      case 5:
        return this.#neighbours()
      case 6:
        return this.#bulk()
      case 7:
        return `(global.set $g0 ${this.#expression('i32', 2)})`
      case 8:
        return `(call $note ${this.#expression('i32', 1)})`
      case 9:
      case 10:
        return `(if ${this.#expression('i32', 2)} (then ${this.#statements(3, depth - 1)})
          (else ${this.#statements(2, depth - 1)}))`
      case 11:
      case 12:
        return this.#block(depth)
      case 13:
      case 14:
        return this.#loop(depth)
      case 15:
        return this.#switch(depth)
      default:
        return `(if ${this.#expression('i32', 2)} (then (return ${this.#expression('i64', 1)})))`
    }
  }

  #block(depth: number): string {
    this.#labels += 1
    const label = `$b${this.#labels}`
    return `(block ${label} ${this.#statements(2, depth - 1)}
      (br_if ${label} ${this.#expression('i32', 2)}) ${this.#statements(2, depth - 1)})`
  }

  #loop(depth: number): string {
    if (this.#loops >= 8) return this.#store()
    const counter = `$loop_${this.#loops}`
    this.#loops += 1
    this.#labels += 1
    const label = `$b${this.#labels}`
    const rounds = 1 + this.#below(4)
    return `(local.set ${counter} (i32.const ${rounds})) (loop ${label}
      ${this.#statements(3, depth - 1)}
      (br_if ${label} (local.tee ${counter} (i32.sub (local.get ${counter}) (i32.const 1)))))`
  }

  #switch(depth: number): string {
    this.#labels += 1
    const label = `$s${this.#labels}`
    return `(block ${label}_end (block ${label}_1 (block ${label}_0
      (br_table ${label}_0 ${label}_1 ${label}_end ${this.#expression('i32', 2)}))
      ${this.#statements(1, depth - 1)} (br ${label}_end)) ${this.#statements(1, depth - 1)})`
  }

  /** Mostly in memory, and often close to the end of a chunk. */
  #address(): string {
    const masked = `(i32.and ${this.#expression('i32', 2)} (i32.const 0x1ffff))`
    const near = `(i32.or (i32.and ${this.#expression('i32', 1)} (i32.const 0x1f000)) (i32.const
      ${4096 - 1 - this.#below(20)}))`
    const address = this.#below(2) === 0 ? masked : near
    return this.#is64 ? `(i64.extend_i32_u ${address})` : address
  }

  #offset(): string {
    const offset = this.#pick([0, 0, 4, 8, 4088, 4095, 100])
    return offset === 0 ? '' : `offset=${offset}`
  }

  #store(): string {
    if (this.#below(12) === 0) {
      const value = this.#expression('v128', 1)
      return `(v128.store32_lane ${this.#offset()} 2 ${this.#address()} ${value})`
    }
    const [name, type] = this.#pick(STORES)
    return `(${name} ${this.#offset()} ${this.#address()} ${this.#expression(type, 2)})`
  }

  /** Several stores over one address, as compilers write a structure. */
  #neighbours(): string {
    const type = this.#is64 ? 'i64' : 'i32'
    const local = `$${type}_1`
    const stores = Array.from({ length: 3 }, () => {
      const [name, value] = this.#pick(STORES)
      const offset = this.#pick([0, 8, 24, 96, 2000, 4090, 5000])
      return `(${name} offset=${offset} (local.get ${local}) ${this.#expression(value, 1)})`
    })
    const branch = this.#below(2) === 0 ? '' : `(br_if 0 ${this.#expression('i32', 1)})`
    return `(block (local.set ${local} ${this.#address()}) ${stores[0]} ${branch}
      ${stores[1]} ${stores[2]})`
  }

  #bulk(): string {
    const length = this.#is64
      ? `(i64.extend_i32_u (i32.and ${this.#expression('i32', 1)} (i32.const 0x2fff)))`
      : `(i32.and ${this.#expression('i32', 1)} (i32.const 0x2fff))`
    switch (this.#below(5)) {
      case 0:
      case 1:
        return `(memory.copy ${this.#address()} ${this.#address()} ${length})`
      case 2:
      case 3:
        return `(memory.fill ${this.#address()} ${this.#expression('i32', 1)} ${length})`
      default:
        return `(drop (memory.grow (${this.#is64 ? 'i64' : 'i32'}.const 1)))`
    }
  }

  #expression(type: Type, depth: number): string {
    if (depth <= 0 || this.#below(5) === 0) return this.#leaf(type)
    switch (type) {
      case 'i32':
        return this.#i32(depth - 1)
      case 'i64':
        return this.#i64(depth - 1)
      case 'v128':
        return this.#v128(depth - 1)
      default:
        return this.#float(type, depth - 1)
    }
  }

  #leaf(type: Type): string {
    if (this.#below(2) === 0) return `(local.get ${this.#local(type)})`
    switch (type) {
      case 'i32':
        return `(i32.const ${this.#below(0x7fffffff)})`
      case 'i64':
        return `(i64.const ${this.#below(0x7fffffff)})`
      case 'v128':
        return `(v128.const i32x4 ${[1, 2, 3, 4].map(() => this.#below(0x7fffffff)).join(' ')})`
      default:
        return `(${type}.load ${this.#offset()} ${this.#address0()})`
    }
  }

  #address0(): string {
    return `(${this.#is64 ? 'i64' : 'i32'}.const ${this.#below(8000)})`
  }

  #i32(depth: number): string {
    const sub = (type: Type) => this.#expression(type, depth)
    switch (this.#below(9)) {
      case 0:
      case 1:
        return `(i32.${this.#pick(INTEGER)} ${sub('i32')} ${sub('i32')})`
      case 2:
        return `(i64.${this.#pick(COMPARE)} ${sub('i64')} ${sub('i64')})`
      case 3:
        return `(i32.load${this.#pick(['', '8_u', '16_s'])} ${this.#offset()} ${this.#address()})`
      case 4:
        return `(i32.wrap_i64 ${sub('i64')})`
      case 5:
        return `(i32.trunc_sat_f64_s ${this.#finite('f64', depth)})`
      case 6:
        return `(local.tee ${this.#local('i32')} ${sub('i32')})`
      case 7:
        return this.#below(8) === 0
          ? `(i32.${this.#pick(DIVISION)} ${sub('i32')} ${sub('i32')})`
          : `(i8x16.bitmask ${sub('v128')})`
      default:
        return `(if (result i32) ${sub('i32')} (then ${sub('i32')}) (else ${sub('i32')}))`
    }
  }

  #i64(depth: number): string {
    const sub = (type: Type) => this.#expression(type, depth)
    switch (this.#below(8)) {
      case 0:
      case 1:
        return `(i64.${this.#pick(INTEGER)} ${sub('i64')} ${sub('i64')})`
      case 2:
        return `(i64.extend_i32_s ${sub('i32')})`
      case 3:
        return `(i64.load${this.#pick(['', '8_u', '32_s'])} ${this.#offset()} ${this.#address()})`
      case 4:
        return `(i64.reinterpret_f64 ${sub('f64')})`
      case 5:
        return `(select ${sub('i64')} ${sub('i64')} ${sub('i32')})`
      case 6:
        return this.#call(depth)
      default:
        return this.#is64 ? '(memory.size)' : '(i64.extend_i32_u (memory.size))'
    }
  }

  #call(depth: number): string {
    if (this.#function === 0) return '(global.get $g1)'
    const args = `${this.#expression('i32', depth)} ${this.#expression('i64', depth)}
      ${this.#expression('f64', depth)}`
    const callee = this.#below(this.#function)
    return this.#below(2) === 0
      ? `(call $f${callee} ${args})`
      : `(call_indirect (type $t) ${args} (i32.const ${callee}))`
  }

  /** Any bits: loaded, moved, or computed. */
  #float(type: 'f32' | 'f64', depth: number): string {
    switch (this.#below(4)) {
      case 0:
        return this.#finite(type, depth)
      case 1:
        return `(select ${this.#expression(type, depth)} ${this.#expression(type, depth)}
          ${this.#expression('i32', depth)})`
      case 2:
        return `(local.tee ${this.#local(type)} ${this.#expression(type, depth)})`
      default:
        return type === 'f64'
          ? `(f64.reinterpret_i64 ${this.#expression('i64', depth)})`
          : `(f32.reinterpret_i32 ${this.#expression('i32', depth)})`
    }
  }

  /** Arithmetic on small whole numbers. */
  #finite(type: 'f32' | 'f64', depth: number): string {
    if (depth <= 0) {
      return `(${type}.convert_i32_s (i32.and ${this.#expression('i32', 1)} (i32.const 0x3f)))`
    }
    return `(${type}.${this.#pick(FLOAT)} ${this.#finite(type, depth - 1)}
      ${this.#finite(type, depth - 1)})`
  }

  #v128(depth: number): string {
    switch (this.#below(4)) {
      case 0:
        return `(v128.load ${this.#offset()} ${this.#address()})`
      case 1:
        return `(i32x4.splat ${this.#expression('i32', depth)})`
      case 2:
        return `(i64x2.replace_lane 1 ${this.#expression('v128', depth)}
          ${this.#expression('i64', depth)})`
      default:
        return `(${this.#pick(LANES)} ${this.#expression('v128', depth)}
          ${this.#expression('v128', depth)})`
    }
  }
}
