import { fileURLToPath } from 'node:url'

/** A program for a compute host: its path, and flags of its engine. */
export interface HostProgram {
  readonly path: string
  readonly execArgv: readonly string[]
}

/** What a host is made of; from a build, dependencies and package.json lie one folder higher. */
const CODE = ['protocol', 'processes', 'compute-unit', 'node', 'node_modules', 'package.json', '../node_modules', '../package.json']

/**
 * The program of a compute host. It may read the code it consists of and nothing else, above all no keys: a data
 * folder may lie beside the code. It may write nothing, start no process, load no addon. The stack is large because
 * call depth is bounded by count, not by the engine.
 * `flags` go to the engine too: results must not depend on them.
 */
export function hostProgram(flags: readonly string[] = []): HostProgram {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const path = fileURLToPath(new URL(`host-main.${extension}`, import.meta.url))
  const readable = CODE.map(name => fileURLToPath(new URL(`../${name}`, import.meta.url)))
  const rights = ['--permission', ...readable.map(path => `--allow-fs-read=${path}`)]
  return { path, execArgv: [...rights, '--stack-size=3900', '--no-warnings', '--max-old-space-size=2048', ...flags] }
}
