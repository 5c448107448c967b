import { describe, expect, it } from 'vitest'
import { start, wat } from './wat.ts'

/** Words that spell NaNs: negative integers and tagged values look like this. */
const WORDS = [-1n, -5n, -126_666_675_431n, 0x7ff8000000000001n, 0x7ff0000000000001n, -0x8000000000000n]
const CANONICAL = 0x7ff8000000000000n

const moves = wat(`(module (memory 1) (global $g (mut f64) (f64.const 0))
  (table funcref (elem $same))
  (func $same (param f64) (result f64) (local.get 0))
  (func (export "local") (local $x f64)
    (local.set $x (f64.load (i32.const 0)))
    (f64.store (i32.const 8) (local.get $x)))
  (func (export "chain") (local $x f64) (local $y f64) (local $z f64)
    (local.set $y (local.tee $x (f64.load (i32.const 0))))
    (local.set $z (local.get $y))
    (f64.store (i32.const 8) (local.get $z)))
  (func (export "call") (f64.store (i32.const 8) (call $same (f64.load (i32.const 0)))))
  (func (export "indirect")
    (f64.store (i32.const 8) (call_indirect (param f64) (result f64) (f64.load (i32.const 0)) (i32.const 0))))
  (func (export "block")
    (f64.store (i32.const 8) (block (result f64) (br 0 (f64.load (i32.const 0))))))
  (func (export "select") (local $x f64)
    (local.set $x (f64.load (i32.const 0)))
    (f64.store (i32.const 8) (select (local.get $x) (f64.const 1) (i32.const 1))))
  (func (export "global") (local $x f64)
    (global.set $g (f64.load (i32.const 0)))
    (local.set $x (global.get $g))
    (f64.store (i32.const 8) (local.get $x)))
  (func (export "mixed") (local $x f64)
    (local.set $x (f64.div (f64.const 0) (f64.load (i32.const 16))))
    (f64.store (i32.const 24) (local.get $x))
    (local.set $x (f64.load (i32.const 0)))
    (f64.store (i32.const 8) (local.get $x)))
  (func (export "integer") (local $x f64)
    (local.set $x (f64.reinterpret_i64 (i64.load (i32.const 0))))
    (i64.store (i32.const 8) (i64.reinterpret_f64 (local.get $x)))))`)

describe('a word that moves through float locals', () => {
  it.each(['local', 'chain', 'call', 'indirect', 'block', 'select', 'global', 'mixed', 'integer'])(
    'keeps its bits: %s',
    name => {
      for (const word of WORDS) {
        const guest = start(moves)
        const view = new DataView(guest.memory.buffer)
        view.setBigInt64(0, word, true)
        guest.call(name)
        expect(view.getBigInt64(8, true)).toBe(word)
      }
    },
  )
})

/** 0 / 0, in ways that let its bits wander; the engine's own NaN is negative on common machines. */
const arithmetic = wat(`(module (memory 1) (global $g (mut f64) (f64.const 0))
  (func $nan (result f64) (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 0))))
  (func $same (param f64) (result f64) (local.get 0))
  (func (export "direct") (i64.store (i32.const 8) (i64.reinterpret_f64
    (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 0))))))
  (func (export "local") (local $x f64)
    (local.set $x (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 0))))
    (f64.store (i32.const 8) (local.get $x)))
  (func (export "loop") (local $x f64) (local $i i32)
    (local.set $x (f64.const 0))
    (loop $again
      (local.set $x (f64.add (local.get $x) (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 0)))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3))))
    (f64.store (i32.const 8) (local.get $x)))
  (func (export "mixed") (local $x f64)
    (local.set $x (f64.load (i32.const 0)))
    (local.set $x (f64.div (local.get $x) (local.get $x)))
    (f64.store (i32.const 8) (local.get $x)))
  (func (export "copied") (local $x f64) (local $y f64)
    (local.set $x (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 0))))
    (local.set $y (local.get $x))
    (f64.store (i32.const 8) (local.get $y)))
  (func (export "negated") (local $x f64)
    (local.set $x (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 0))))
    (f64.store (i32.const 8) (f64.abs (f64.neg (local.get $x)))))
  (func (export "call") (f64.store (i32.const 8) (call $same (call $nan))))
  (func (export "select") (f64.store (i32.const 8) (select
    (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 0))) (f64.const 1) (i32.const 1))))
  (func (export "global") (global.set $g (call $nan)) (f64.store (i32.const 8) (global.get $g)))
  (func (export "table") (f64.store (i32.const 8) (block (result f64) (br_table 0 0
    (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 0))) (i32.const 0))))))`)

describe('a NaN that arithmetic made', () => {
  it.each(['direct', 'local', 'loop', 'mixed', 'copied', 'negated', 'call', 'select', 'global', 'table'])(
    'is canonical where it is seen: %s',
    name => {
      const guest = start(arithmetic)
      guest.call(name)
      expect(new DataView(guest.memory.buffer).getBigInt64(8, true)).toBe(CANONICAL)
    },
  )
})
