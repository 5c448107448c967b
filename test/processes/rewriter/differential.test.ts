import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProgramGenerator } from './programs/generate.ts'
import { Guest, start, wat } from './wat.ts'

const CHUNK_BYTES = 4096
const RUNS = Number(process.env['REWRITER_RUNS'] ?? 120)
const SEED = Number(process.env['REWRITER_SEED'] ?? 20_260_101)

interface Observation {
  readonly outcome: string
  readonly memory: Uint8Array
  readonly globals: readonly unknown[]
  readonly notes: readonly number[]
}

/** What a trap says depends on the engine's words only; gas and depth are not reached here. */
function observe(guest: Guest, memory: () => Uint8Array, notes: number[], seed: number): Observation {
  let outcome: string
  try {
    outcome = String(guest.call('run', seed))
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error
    outcome = error.message
  }
  const globals = [guest.global('g0').value, guest.global('g1').value]
  return { outcome, memory: memory().slice(), globals, notes }
}

function memoryOf(exports: WebAssembly.Exports): Uint8Array {
  const { memory } = exports
  if (!(memory instanceof WebAssembly.Memory)) throw new Error('expected a memory')
  return new Uint8Array(memory.buffer)
}

class Original extends Guest {
  override get gas(): bigint {
    return 0n
  }

  override set gas(_: bigint) {}
}

function check(seed: number, is64: boolean): string {
  const bytes = wat(new ProgramGenerator(seed, is64).module())
  const note = (into: number[]) => ({ host: { note: (value: number) => into.push(value) } })
  const notes: [number[], number[]] = [[], []]
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), note(notes[0]))
  const original = new Original(instance.exports)
  const rewritten = start(bytes, {}, note(notes[1]))
  const before = rewritten.memory.slice()
  const expected = observe(original, () => memoryOf(instance.exports), notes[0], seed)
  const got = observe(rewritten, () => rewritten.memory, notes[1], seed)
  expect(got).toEqual(expected)
  expect(rewritten.gas).toBeGreaterThan(0n)
  expectMarked(before, got.memory, rewritten.dirtyMap)
  return got.outcome
}

function expectMarked(before: Uint8Array, after: Uint8Array, map: Uint8Array): void {
  for (let chunk = 0; chunk * CHUNK_BYTES < after.length; chunk += 1) {
    if (map[chunk] !== 0) continue
    const range = [chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES] as const
    const old = before.length > range[0] ? before.subarray(...range) : new Uint8Array(CHUNK_BYTES)
    expect(after.subarray(...range), `chunk ${chunk}`).toEqual(old)
  }
}

describe('a generated program', () => {
  for (const is64 of [false, true]) {
    it(`does the same when rewritten, ${is64 ? 64 : 32}-bit`, () => {
      const outcomes = new Map<string, number>()
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 0x7fffffff }), seed => {
          const outcome = check(seed, is64).replace(/^-?\d+$/, 'result')
          outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
        }),
        { numRuns: RUNS, seed: SEED },
      )
      // Programs that all trap, or never do, would prove little.
      expect(outcomes.get('result')).toBeGreaterThan(RUNS / 4)
      expect(outcomes.size).toBeGreaterThan(1)
    }, 180_000)
  }
})
