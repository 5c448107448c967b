import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'

const MAIN = join(import.meta.dirname, '../../cli/main.mjs')

/** The `atoll` program in a process of its own. */
export class AtollProgram implements AsyncDisposable {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  readonly #ended: Promise<number>

  constructor(words: readonly string[], env: Readonly<Record<string, string>>, main = MAIN) {
    this.child = spawn(process.execPath, [main, ...words], {
      env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'], CI: 'true', ...env },
      stdio: 'pipe',
    })
    this.child.stdout?.on('data', piece => {
      this.stdout += String(piece)
    })
    this.child.stderr?.on('data', piece => {
      this.stderr += String(piece)
    })
    this.#ended = once(this.child, 'close').then(([code]) => (code as number | null) ?? -1)
  }

  /** Resolves once standard output has what is looked for; rejects if the program ends before. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.stdout)
      if (found !== null) return found
      const next = await Promise.race([
        once(this.child.stdout ?? this.child, 'data').then(() => undefined),
        this.#ended,
      ])
      if (next !== undefined && !pattern.test(this.stdout))
        throw new Error(`ended with ${next}\n${this.stdout}\n${this.stderr}`)
    }
  }

  /** Sends a signal, and waits for the end. */
  stop(signal: NodeJS.Signals = 'SIGINT'): Promise<number> {
    this.child.kill(signal)
    return this.#ended
  }

  /** Exit code, once it has ended by itself. */
  ended(): Promise<number> {
    return this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL')
    await this.#ended
  }
}
