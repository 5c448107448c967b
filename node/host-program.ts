import { fileURLToPath } from 'node:url'

/** A program for a compute host: its path, and flags of its engine. */
export interface HostProgram {
  readonly path: string
  readonly execArgv: readonly string[]
}

/**
 * The program of a compute host. It may read this program's files and nothing else: it may write none, start no
 * process, load no addon. The stack is large because call depth is bounded by count, not by the engine.
 * `flags` go to the engine too: results must not depend on them.
 */
export function hostProgram(flags: readonly string[] = []): HostProgram {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const path = fileURLToPath(new URL(`host-main.${extension}`, import.meta.url))
  const root = fileURLToPath(new URL('..', import.meta.url))
  const rights = ['--permission', `--allow-fs-read=${root}*`]
  return { path, execArgv: [...rights, '--stack-size=3900', '--no-warnings', '--max-old-space-size=2048', ...flags] }
}
