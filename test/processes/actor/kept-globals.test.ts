import { expect, it } from 'vitest'
import { KeptGlobals } from '../../../processes/actor/kept-globals.ts'
import { keptGlobalsModule } from '../../../processes/actor/kept-globals-code.ts'

const TYPES = ['i32', 'i64', 'f32', 'f64', 'i32'] as const
const FIRST = [1, -2n, 0.5, -0, 7]

function keptGlobals() {
  const gas = new WebAssembly.Global({ value: 'i64', mutable: true }, 0n)
  const globals = TYPES.map(type => new WebAssembly.Global({ value: type, mutable: true }))
  return { gas, globals, kept: new KeptGlobals(new WebAssembly.Module(keptGlobalsModule(TYPES)), gas, globals) }
}

it('globals go back to what was kept last, whichever of them changed', () => {
  for (const [changed, value] of [-1, 2n ** 40n, 1.5, 0, 8].entries()) {
    const { globals, kept } = keptGlobals()
    kept.write(FIRST)
    expect(kept.isChanged()).toBe(0)
    const global = globals[changed]
    if (global === undefined) throw new Error('no such global')
    global.value = value
    expect(kept.isChanged(), String(changed)).toBe(1)
    kept.restore()
    expect([kept.isChanged(), kept.read()]).toEqual([0, FIRST])
    global.value = value
    kept.keep()
    kept.restore()
    expect([kept.isChanged(), kept.read()]).toEqual([0, FIRST.with(changed, value)])
  }
})

it('gas is spent up to the limit, and one more is said where it is below zero', () => {
  const { gas, kept } = keptGlobals()
  kept.setGas(20_000_000_000)
  expect([gas.value, kept.spent(20_000_000_000, 5)]).toEqual([20_000_000_000n, 5n])
  gas.value = 1n
  expect(kept.spent(20_000_000_000, 3)).toBe(20_000_000_002n)
  gas.value = 0n
  expect(kept.spent(100, 0)).toBe(100n)
  gas.value = -1n
  expect(kept.spent(100, 0)).toBe(101n)
})
