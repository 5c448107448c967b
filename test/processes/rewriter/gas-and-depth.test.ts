import { describe, expect, it } from 'vitest'
import { start, wat } from './wat.ts'

const FIB = wat(`(module (func $fib (export "fib") (param i32) (result i32)
  (if (result i32) (i32.lt_s (local.get 0) (i32.const 2)) (then (local.get 0))
    (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                   (call $fib (i32.sub (local.get 0) (i32.const 2))))))))`)

const SPIN = wat('(module (func (export "spin") (loop (br 0))))')

describe('gas', () => {
  it('is the same for the same work, and more for more', () => {
    const guest = start(FIB)
    const spent = (n: number) => {
      guest.gas = 1_000_000n
      guest.call('fib', n)
      return 1_000_000n - guest.gas
    }
    expect(spent(10)).toBe(spent(10))
    expect(spent(11)).toBeGreaterThan(spent(10))
  })

  it('ends an endless loop below zero', () => {
    const guest = start(SPIN)
    guest.gas = 1_000_000n
    expect(() => guest.call('spin')).toThrow(WebAssembly.RuntimeError)
    expect(guest.gas).toBeLessThan(0n)
  })

  it('ends exponential recursion below zero', () => {
    const guest = start(FIB)
    guest.gas = 100_000n
    expect(() => guest.call('fib', 60)).toThrow(WebAssembly.RuntimeError)
    expect(guest.gas).toBeLessThan(0n)
  })

  it('is charged by length for bulk memory', () => {
    const guest = start(
      wat(`(module (memory 4) (func (export "fill") (param i32)
        (memory.fill (i32.const 0) (i32.const 1) (local.get 0))))`),
    )
    const spent = (n: number) => {
      guest.gas = 1_000_000n
      guest.call('fill', n)
      return 1_000_000n - guest.gas
    }
    expect(spent(80_000) - spent(0)).toBe(80_000n)
  })

  it('may be read and written by the host while the guest is in a call', () => {
    const bytes = wat(`(module (import "host" "pay" (func $pay)) (func (export "run") (param i32)
      (loop (call $pay) (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))`)
    const seen: bigint[] = []
    const guest = start(
      bytes,
      {},
      {
        host: {
          pay: () => {
            seen.push(guest.gas)
            guest.gas -= 1000n
          },
        },
      },
    )
    guest.gas = 100_000n
    guest.call('run', 3)
    const [first = 0n, second = 0n, third = 0n] = seen
    expect(first - second).toBe(second - third)
    expect(first - second).toBeGreaterThan(1000n)
  })
})

describe('depth', () => {
  const DEEP = wat(`(module (func $down (export "down") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
      (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))`)

  it('is back where it was after a call', () => {
    const guest = start(DEEP)
    expect(guest.call('down', 100)).toBe(100)
    expect(guest.depth).toBe(0)
  })

  it('passes the maximum when recursion does not end', () => {
    const guest = start(DEEP, { frameSlotsMax: 4096 })
    expect(() => guest.call('down', 1_000_000)).toThrow(WebAssembly.RuntimeError)
    expect(guest.depth).toBeGreaterThan(4096)
    expect(guest.gas).toBeGreaterThan(0n)
  })

  it('traps before a real stack overflow on a default stack with a modest maximum', () => {
    const guest = start(DEEP, { frameSlotsMax: 32_768 })
    for (let round = 0; round < 50; round += 1) {
      guest.depth = 0
      expect(() => guest.call('down', 1_000_000)).toThrow(/unreachable/)
    }
  })

  it('can be restored by a host that catches an exception, as longjmp needs', () => {
    const bytes = wat(`(module
      (import "host" "invoke" (func $invoke (param i32) (result i32)))
      (import "host" "throw" (func $throw))
      (func $deep (param i32) (if (local.get 0)
        (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (call $throw))))
      (func (export "thrower") (param i32) (call $deep (local.get 0)))
      (func (export "run") (param i32) (result i32)
        (call $invoke (local.get 0))))`)
    const depths: number[] = []
    const guest = start(
      bytes,
      {},
      {
        host: {
          invoke: (n: number) => {
            const { depth } = guest
            try {
              guest.call('thrower', n)
              return 0
            } catch (error) {
              if (error !== longjmp) throw error
              depths.push(guest.depth - depth)
              guest.depth = depth
              return 1
            }
          },
          throw: () => {
            throw longjmp
          },
        },
      },
    )
    const longjmp = new Error('longjmp')
    expect(guest.call('run', 5)).toBe(1)
    expect(guest.depth).toBe(0)
    expect(depths[0]).toBeGreaterThan(0)
    const before = guest.gas
    guest.call('run', 0)
    expect(guest.gas).toBeLessThan(before)
  })
})
