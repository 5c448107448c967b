import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hostProgram } from '../../../node/index.ts'
import { stackBytesFor } from '../../../processes/rewriter/index.ts'

/** The engine's ways to run a module: tiers as it likes, baseline only, optimised only. */
const MODES = {
  default: [],
  baseline: ['--liftoff-only'],
  optimised: ['--no-liftoff'],
  'no inlining': ['--no-wasm-inlining'],
  'as in hosts': hostProgram().execArgv.filter(flag => flag.startsWith('--wasm-')),
}
/** The limit of the programs, and no more stack than it is said to need. */
const FRAME_SLOTS_MAX = 65_536
const STACK = `--stack-size=${stackBytesFor(FRAME_SLOTS_MAX) / 1024}`
const REPORT = join(import.meta.dirname, 'programs/report.ts')

interface Observed {
  readonly outcome: string
  readonly gas: string
  readonly depth: number
}

interface Report {
  readonly nans: readonly (Observed & { readonly memory: string })[]
  readonly original: string
  readonly depths: readonly { readonly name: string; readonly first: Observed; second: Observed }[]
}

function report(flags: readonly string[]): Report {
  const result = spawnSync(process.execPath, [STACK, ...flags, REPORT], { encoding: 'utf8' })
  if (result.status !== 0) throw new Error(result.stderr)
  return JSON.parse(result.stdout)
}

describe('every mode of the engine', () => {
  const reports = new Map(Object.entries(MODES).map(([name, flags]) => [name, report(flags)]))
  const reference = reports.get('default')

  for (const name of Object.keys(MODES)) {
    it(`gives the same results, gas, depth, memory and dirty map: ${name}`, () => {
      const got = reports.get(name)
      expect(got?.nans).toEqual(reference?.nans)
      expect(got?.depths).toEqual(reference?.depths)
    })
  }

  it('would give different bits without rewriting', () => {
    expect(new Set([...reports.values()].map(({ original }) => original)).size).toBeGreaterThan(1)
  })

  it('leaves the same memory when cold and when hot', () => {
    const memories = new Set(reference?.nans.map(({ memory }) => memory))
    expect(memories.size).toBe(1)
  })

  it('ends every endless recursion by depth, before the stack is full', () => {
    for (const { name, first, second } of reference?.depths ?? []) {
      expect(first.outcome, name).toBe('RuntimeError: unreachable')
      expect(first.depth, name).toBeGreaterThan(FRAME_SLOTS_MAX)
      expect(second, name).toEqual(first)
    }
    expect(reference?.depths.length).toBeGreaterThan(50)
  })
}, 180_000)
