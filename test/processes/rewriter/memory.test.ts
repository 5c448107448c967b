import { describe, expect, it } from 'vitest'
import { globalExport, INJECTED, rewrite } from '../../../processes/rewriter/index.ts'
import { OPEN_PROFILE, start, wat } from './wat.ts'

const memoryText = (is64: boolean) => {
  const type = is64 ? 'i64' : 'i32'
  return `(module (memory ${is64 ? 'i64' : ''} 4)
    (func (export "store8") (param ${type} i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "store") (param ${type} i64) (i64.store (local.get 0) (local.get 1)))
    (func (export "storeFar") (param ${type} i64)
      (i64.store offset=4090 (local.get 0) (local.get 1)))
    (func (export "storeSum") (param ${type} i64)
      (i64.store (${type}.add (local.get 0) (${type}.const 1)) (local.get 1)))
    (func (export "storeConstant") (i32.store offset=4094 (${type}.const 4096) (i32.const 7)))
    (func (export "storeMany") (param ${type})
      (i32.store offset=8 (local.get 0) (i32.const 1))
      (i32.store offset=4000 (local.get 0) (i32.const 2))
      (i32.store offset=9000 (local.get 0) (i32.const 3)))
    (func (export "vector") (param ${type})
      (v128.store (local.get 0) (v128.const i32x4 1 2 3 4)))
    (func (export "lane") (param ${type})
      (v128.store64_lane 1 (local.get 0) (v128.const i32x4 1 2 3 4)))
    (func (export "fill") (param ${type} ${type})
      (memory.fill (local.get 0) (i32.const 9) (local.get 1)))
    (func (export "copy") (param ${type} ${type} ${type})
      (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "grow") (param ${type}) (result ${type}) (memory.grow (local.get 0)))
    (func (export "size") (result ${type}) (memory.size)))`
}

for (const is64 of [false, true]) {
  const bytes = wat(memoryText(is64))
  const word = (value: number) => (is64 ? BigInt(value) : value)

  describe(`dirty map of a ${is64 ? 64 : 32}-bit memory`, () => {
    const marks = (name: string, ...args: (number | bigint)[]) => {
      const guest = start(bytes)
      guest.call(name, ...args)
      return guest.dirtyChunks
    }

    it('has the chunk of a store', () => {
      expect(marks('store8', word(0), 1)).toEqual([0])
      expect(marks('store8', word(4095), 1)).toEqual([0])
      expect(marks('store8', word(4096), 1)).toEqual([1])
      expect(marks('store8', word(4 * 65_536 - 1), 1)).toEqual([63])
    })

    it('has both chunks of a store that straddles', () => {
      expect(marks('store', word(4088), 1n)).toEqual([0])
      expect(marks('store', word(4089), 1n)).toEqual([0, 1])
      expect(marks('storeFar', word(0), 1n)).toEqual([0, 1])
      expect(marks('storeSum', word(4088), 1n)).toEqual([0, 1])
      expect(marks('storeConstant')).toEqual([1, 2])
      expect(marks('vector', word(4096 * 3 - 15))).toEqual([2, 3])
      expect(marks('lane', word(4096 * 3 - 7))).toEqual([2, 3])
    })

    it('has all chunks of stores that share an address', () => {
      expect(marks('storeMany', word(96))).toEqual([0, 1, 2])
    })

    it('has the range of bulk instructions', () => {
      expect(marks('fill', word(4000), word(96))).toEqual([0])
      expect(marks('fill', word(4000), word(97))).toEqual([0, 1])
      expect(marks('fill', word(4096), word(0))).toEqual([])
      expect(marks('copy', word(8192), word(0), word(4097))).toEqual([2, 3])
    })

    it('stays empty when a bulk instruction traps', () => {
      const guest = start(bytes)
      expect(() => guest.call('fill', word(4 * 65_536 - 1), word(2))).toThrow()
      expect(guest.dirtyChunks).toEqual([])
    })
  })

  describe(`memory.grow of a ${is64 ? 64 : 32}-bit memory`, () => {
    it('stops at the cap with -1, costs gas by the page, and is no fault', () => {
      const guest = start(bytes, { memoryPagesMax: 6 })
      expect(guest.call('grow', word(2))).toBe(word(4))
      expect(guest.call('size')).toBe(word(6))
      expect(guest.call('grow', word(1))).toBe(word(-1))
      expect(guest.call('grow', word(0))).toBe(word(6))
      expect(guest.outOfMemory).toBe(0)
    })

    it('runs out of gas before it grows', () => {
      const guest = start(bytes)
      guest.gas = 1000n
      expect(() => guest.call('grow', word(2))).toThrow()
      expect(guest.gas).toBeLessThan(0n)
      expect(guest.call('size')).toBe(word(4))
    })

    it('refuses what wraps around', () => {
      const guest = start(bytes)
      expect(guest.call('grow', word(-1))).toBe(word(-1))
      expect(guest.call('grow', word(-4))).toBe(word(-1))
    })
  })
}

describe('exports', () => {
  const bytes = wat(`(module (memory 1 8) (table 2 funcref)
    (global $a (mut i32) (i32.const 5)) (global i64 (i64.const 1)) (global (mut i64) (i64.const 2))
    (func $begin (global.set $a (i32.const 6))) (start $begin))`)

  it('hold what a snapshot needs', () => {
    const rewritten = rewrite(bytes, OPEN_PROFILE)
    expect(rewritten.mutableGlobals).toEqual([
      { exportName: globalExport(0), type: 'i32' },
      { exportName: globalExport(2), type: 'i64' },
    ])
    expect(rewritten).toMatchObject({ hasStart: true, hasTable: true, memoryPagesMax: 8 })
    expect(Object.keys(start(bytes).exports).sort()).toEqual(
      [...Object.values(INJECTED), globalExport(0), globalExport(2)].sort(),
    )
  })

  it('leave the start function to the host', () => {
    const guest = start(bytes)
    expect(guest.global(globalExport(0)).value).toBe(5)
    guest.call(INJECTED.start)
    expect(guest.global(globalExport(0)).value).toBe(6)
  })
})
