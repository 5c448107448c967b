import { defineConfig } from 'vitest/config'

/** Kinds of tests by folder; those in `heavy` take minutes and run only when asked for. */
const heavy = ['test/kill/**/*.test.ts', 'test/simulation/**/*.heavy.test.ts']

const project = (name: string, include: string[], testTimeout: number, exclude: string[] = []) => ({
  extends: true as const,
  test: { name, include, exclude, testTimeout, hookTimeout: testTimeout },
})

export default defineConfig({
  test: {
    reporters: ['default', './scripts/closing-line.mjs'],
    // Children of a test may outlive it by a moment; the machine may be slow.
    teardownTimeout: 20_000,
    projects: [
      project('unit', ['test/**/*.test.ts'], 30_000, [...heavy, 'test/network/**']),
      project('network', ['test/network/**/*.test.ts'], 120_000),
      project('simulation', ['test/simulation/**/*.heavy.test.ts'], 900_000),
      project('kill', ['test/kill/**/*.test.ts'], 3_600_000),
    ],
  },
})
