import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hostPath } from './host-path.ts'

/** A program for a compute host: its path, and flags of its engine. */
export interface HostProgram {
  readonly path: string
  readonly execArgv: readonly string[]
}

/** A flag for hosts that run programs through Wasmer; what a host may read and write stays as it is. */
export const MAY_START_WORKERS: readonly string[] = ['--allow-worker']

/**
 * The program of a compute host. It may read this program's files and its packages, and nothing else: it may write
 * none, start no process, load no addon. The stack is large because call depth is bounded by count, not by the
 * engine. Semi-spaces for young objects stay at 8 MiB: left alone they grow to 32 in a burst, and are not given back.
 * One thread collects garbage: there is a host for each core, and helpers would take theirs from another.
 * Large functions of WebAssembly may take in more of what they call: the loop of an interpreter is one, and what is metered is larger than what
 * the engine's bound was made for. Work of QuickJS takes an eighth less.
 * `flags` go to the engine too: results must not depend on them.
 */
export function hostProgram(flags: readonly string[] = []): HostProgram {
  const rights = [
    '--permission',
    ...readable(fileURLToPath(new URL('../..', import.meta.url))).map(folder => `--allow-fs-read=${folder}*`),
  ]
  return {
    path: hostPath(),
    execArgv: [
      ...rights,
      '--stack-size=3900',
      '--no-warnings',
      '--expose-gc',
      '--max-old-space-size=2048',
      '--max-semi-space-size=8',
      '--single-threaded-gc',
      '--wasm-inlining-budget=60000',
      ...flags,
    ],
  }
}

/** This program's own folder, and where its packages may lie: beside it, above it if it is one itself, or linked. */
function readable(root: string): string[] {
  const folders = new Set([root])
  for (let folder = dirname(join(root, 'any')); ; folder = dirname(folder)) {
    const packages = join(folder, 'node_modules')
    if (existsSync(packages)) folders.add(packages + sep).add(realpathSync(packages) + sep)
    if (dirname(folder) === folder) break
  }
  // What lies below the root is covered by it.
  return [...folders].filter(folder => folder === root || !folder.startsWith(root))
}
