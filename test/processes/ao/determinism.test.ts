import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { evalOf, GAS, loadModule, messageOf, readModule, recorder, WASM32, WASM64 } from './fixtures.ts'
import { Held, stateOf } from './state.ts'

const script = fileURLToPath(new URL('determinism-child.ts', import.meta.url))

/** Ways in which V8 can run the same code: baseline compiler, optimising compiler, one after the other. */
const MODES = [[], ['--liftoff-only'], ['--no-liftoff'], ['--no-wasm-lazy-compilation', '--stack-size=2000']]

async function hashIn(mode: readonly string[], module: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [...mode, script, ...module], {
    env: { ...process.env, TZ: 'Asia/Tokyo' },
  })
  return stdout.trim()
}

describe('the same messages', { timeout: 240_000 }, () => {
  it.each([
    ['aos2_0_4_32', WASM32],
    ['aos2_0_6', WASM64],
  ])('give the same memory, gas and output in every mode of the engine: %s', async (...module) => {
    const hashes: string[] = []
    for (const mode of MODES) hashes.push(await hashIn(mode, module))
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(new Set(hashes).size).toBe(1)
  })

  it('give the same in a guest that was opened from a snapshot half way, with grown memory', () => {
    const module = readModule('aos2_0_6')
    const whole = new Held(loadModule(module, WASM64))
    const messages = [
      messageOf(0, ''),
      ...[1, 2, 3, 4, 5, 6].map(slot =>
        evalOf(
          slot,
          'B = (B or "x") .. ("y"):rep(1000):rep(9000); C = coroutine.wrap(function() for i = 1, 9 do coroutine.yield(i) end end); return C() + #B',
        ),
      ),
    ]
    for (const message of messages.slice(0, 4)) whole.step(message)
    const opened = new Held(loadModule(module, WASM64), whole.snapshot())
    expect(stateOf(opened.guest)).toBe(stateOf(whole.guest))
    for (const message of messages.slice(4)) {
      expect(opened.step(message).ending).toEqual(whole.step(message).ending)
      expect(stateOf(opened.guest)).toBe(stateOf(whole.guest))
    }
    expect(whole.guest.pages).toBeGreaterThan(1088)
  })

  it('give the same in an instance that other processes used before', () => {
    const used = loadModule(readModule('aos2_0_4_32'), WASM32)
    const fresh = loadModule(readModule('aos2_0_4_32'), WASM32)
    const first = new Held(used)
    const image = stateOf(first.guest)
    first.step(messageOf(0, ''))
    first.step(evalOf(1, 'Secret = ("secret"):rep(100000)'))
    first.step(evalOf(2, 'error("failed")'))
    first.guest.close()
    const second = new Held(used)
    expect(stateOf(second.guest)).toBe(image)
    second.guest.run(messageOf(0, ''), recorder(), GAS)
    second.guest.close()
    const third = new Held(used)
    expect(stateOf(third.guest)).toBe(image)
    const other = new Held(fresh)
    for (const message of [messageOf(0, ''), evalOf(1, 'return Secret')]) {
      expect(third.step(message).ending).toEqual(other.step(message).ending)
      expect(stateOf(third.guest)).toBe(stateOf(other.guest))
    }
    expect(() => first.guest.chunk(0)).toThrow()
    expect(() => first.guest.run(messageOf(0, ''), recorder(), GAS)).toThrow()
  })
})
