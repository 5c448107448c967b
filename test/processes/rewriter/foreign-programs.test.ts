import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { INJECTED, type RewrittenModule, rewrite } from '../../../processes/rewriter/index.ts'
import { seededDice } from '../../fakes/seeded-random.ts'
import { Guest, OPEN_PROFILE } from './wat.ts'

const GENERATOR = join(import.meta.dirname, '../../../node_modules/.bin/wasm-opt')
const FEATURES = ['bulk-memory', 'sign-ext', 'nontrapping-float-to-int', 'mutable-globals', 'multivalue', 'simd']
const PROGRAMS = Number(process.env['REWRITER_FOREIGN'] ?? 10)
const SEED = Number(process.env['REWRITER_SEED'] ?? 1)
const SOURCE_MAX_BYTES = 16_384
/** What was called before is in memory and globals. */
const ROUNDS = 2

/** What binaryen's generator makes of random bytes: a program by somebody who does not know our rules. */
function foreignProgram(seed: number): Uint8Array<ArrayBuffer> {
  const dice = seededDice(seed)
  const path = join(tmpdir(), `foreign-program-${process.pid}`)
  const features = [...FEATURES, ...(seed % 3 === 0 ? ['memory64'] : [])].map(name => `--enable-${name}`)
  writeFileSync(
    path,
    Uint8Array.from({ length: 512 + dice(SOURCE_MAX_BYTES) }, () => dice(256)),
  )
  try {
    const made = spawnSync(GENERATOR, [path, '-ttf', '--denan', ...features, '-o', path], { encoding: 'utf8' })
    if (made.status !== 0) throw new Error(made.stderr)
    return Uint8Array.from(readFileSync(path))
  } finally {
    rmSync(path, { force: true })
  }
}

/** One line for each call out of the program and each end of a call into it. */
type Course = string[]

const shown = (value: unknown): string => (Object.is(value, -0) ? '-0' : String(value))

function argument(type: string, dice: (max: number) => number): number | bigint {
  const value = [dice(16), dice(70_000), -1, dice(2 ** 31)][dice(4)] ?? 0
  if (type === 'i64') return BigInt(value) << BigInt(dice(33))
  return type === 'i32' ? value : value / 3
}

/** Calls all that is exported with arguments by `seed`; to the end, or to where the program has no gas or stack left, which only a rewritten one has not. */
function courseOf(
  bytes: Uint8Array<ArrayBuffer>,
  rewritten: RewrittenModule,
  seed: number,
  guestOf: (exports: WebAssembly.Exports) => Guest | undefined,
): Course {
  const course: Course = []
  const dice = seededDice(seed)
  const imports: Record<string, WebAssembly.ModuleImports> = {}
  for (const { module, name } of rewritten.imports) {
    imports[module] ??= {}
    imports[module][name] = (...values: unknown[]) => {
      course.push(`${name} ${values.map(shown).join(' ')}`)
      return 0
    }
  }
  const attempt = (run: () => unknown): void => {
    try {
      course.push(`= ${shown(run())}`)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      course.push(`! ${error.message}`)
    }
  }
  let guest: Guest | undefined
  let exports: WebAssembly.Exports = {}
  attempt(() => {
    exports = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports).exports
    guest = guestOf(exports)
    const start = exports[INJECTED.start]
    if (typeof start === 'function') start()
  })
  const isOver = (): boolean => guest !== undefined && (guest.gas < 0n || guest.depth > OPEN_PROFILE.frameSlotsMax)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, type] of rewritten.exportTypes) {
      const callee = exports[name]
      if (typeof callee !== 'function' || type.includes('v128')) continue
      const [parameters = ''] = type.split('>')
      const values = parameters
        .split(' ')
        .filter(one => one !== '')
        .map(one => argument(one, dice))
      if (guest !== undefined) guest.depth = 0
      attempt(() => callee(...values))
      if (isOver()) return course.slice(0, -1)
    }
  }
  return course
}

it(`${PROGRAMS} programs of another make do the same when rewritten`, { timeout: 600_000 }, () => {
  let [ends, results] = [0, 0]
  for (let seed = SEED; seed < SEED + PROGRAMS; seed++) {
    const bytes = foreignProgram(seed)
    const rewritten = rewrite(bytes, OPEN_PROFILE)
    const got = courseOf(Uint8Array.from(rewritten.bytes), rewritten, seed, exports => new Guest(exports))
    const expected = courseOf(bytes, rewritten, seed, () => undefined)
    expect(got, `seed ${seed}`).toEqual(expected.slice(0, got.length))
    if (got.length === expected.length) ends += 1
    results += got.filter(line => line.startsWith('= ')).length
  }
  // Programs that all trap, or are not followed to their end, would prove little.
  expect(ends).toBeGreaterThan(PROGRAMS / 2)
  expect(results).toBeGreaterThan(PROGRAMS)
})
