import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { APART } from './test/apart.ts'
import { LongestFirst } from './test/longest-first.ts'

/** Programs that tests start read hundreds of files; what the engine made of them is kept for the next. */
const NODE_COMPILE_CACHE = fileURLToPath(new URL('.cache/compiled', import.meta.url))

const project = (
  name: string,
  include: string[],
  testTimeout: number,
  more: {
    exclude?: string[]
    isolate?: boolean
    setupFiles?: string[]
    env?: Record<string, string>
    retry?: number | { count: number; condition: RegExp }
  } = {},
) => ({
  extends: true as const,
  test: { name, include, testTimeout, hookTimeout: testTimeout, ...more, env: { NODE_COMPILE_CACHE, ...more.env } },
})

export default defineConfig({
  test: {
    reporters: ['default', './scripts/closing-line.mjs'],
    // Without npm's own set-up, too: a test of an agent must not run on a prelude that was built from older sources.
    globalSetup: './test/set-up.mjs',
    // One file for each core; vitest would leave one core idle, which is half of two.
    maxWorkers: '100%',
    sequence: { sequencer: LongestFirst },
    // Children of a test may outlive it by a moment; the machine may be slow.
    teardownTimeout: 60_000,
    // A wait ends with what it waits for, and its limit is for what never comes: vitest's own second is none on a busy machine.
    expect: { poll: { timeout: 60_000, interval: 50 } },
    projects: [
      // To load what a test imports takes longer than most tests do, so files share what is loaded.
      project('unit', ['test/**/*.test.ts'], 300_000, {
        exclude: ['test/network/**', ...APART],
        isolate: false,
        setupFiles: ['./test/shared-program.ts'],
      }),
      project('apart', [...APART], 300_000),
      // Real programs, sockets and disks: one more attempt, which the last lines of a run name (scripts/closing-line.mjs).
      // What takes twenty seconds takes minutes on a machine that has other things to do.
      project('network', ['test/network/**/*.test.ts'], 600_000, { exclude: ['test/network/bank/**'], retry: 1 }),
      // A minute of kills and cuts over eight programs; ATOLL_TEST_BANK_S has it last longer.
      // Slowness has a second attempt; money that is lost, or units that do not agree, have none.
      project('bank', ['test/network/bank/**/*.test.ts'], 3_600_000, {
        retry: { count: 1, condition: /time|less than|greater than/i },
      }),
      project('kill', ['test/network/kill.test.ts', 'test/network/ic-kill.test.ts'], 3_600_000, {
        env: { ATOLL_TEST_KILLS: process.env['ATOLL_TEST_KILLS'] ?? '200' },
      }),
    ],
  },
})
