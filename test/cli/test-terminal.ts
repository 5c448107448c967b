import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '../../cli/run-command.ts'
import type { Terminal } from '../../cli/terminal.ts'

/** What a command wrote, and how it ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

interface World {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly stdin?: string
  readonly signal?: AbortSignal
  readonly columns?: number
  /** Is told what is written while the command still runs. */
  readonly onOut?: (text: string) => void
  readonly onErr?: (text: string) => void
}

/** Runs a command in this program, with a terminal that nobody looks at. */
export async function run(words: readonly string[], world: World = {}): Promise<Ended> {
  let [stdout, stderr] = ['', '']
  const terminal: Terminal = {
    env: world.env ?? {},
    cwd: world.cwd ?? tmpdir(),
    out: text => {
      stdout += text
      world.onOut?.(text)
    },
    err: text => {
      stderr += text
      world.onErr?.(text)
    },
    columns: world.columns,
    isLive: false,
    paint: (_, text) => text,
    paintErr: (_, text) => text,
    signal: world.signal ?? new AbortController().signal,
    readStdin: async () => new TextEncoder().encode(world.stdin ?? ''),
  }
  const code = await runCommand(words, terminal)
  return { code, stdout, stderr }
}

/** A folder of its own that goes away with `await using`. */
export async function temporaryFolder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'atoll-cli-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** The lines of a text as JSON documents. */
export function documents(text: string): Record<string, unknown>[] {
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
}
