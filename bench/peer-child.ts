/**
 * One peer program in a child process of its own: a crash, a leak or a clobbered global there
 * does not touch the benchmark, and its CPU time is told apart.
 *
 * 1. The child leads a process group; whatever it starts stays in that group.
 * 2. Disposing kills the whole group and waits for its end, so no process outlives its `Peer`.
 * 3. The child kills its own group when the channel to this process closes (see program.ts),
 *    so nothing outlives a killed benchmark either.
 */

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { NODE_ENGINE } from '../startup/index.ts'

export interface PeerOptions {
  readonly signal?: AbortSignal
  /** Small counts: enough to see that it works, too few to publish. */
  readonly quick?: boolean
  /** The engine and the C library keep memory as in a node. */
  readonly asNode?: boolean
}

const PLAIN_ENGINE = { execArgv: [], env: {} } as const
const STDERR_TAIL_CHARS = 4_000
const DEFAULT_TIMEOUT_MS = 300_000
const EXIT_WAIT_MS = 5_000
const EXIT_POLL_MS = 20

const FromChild = z.union([
  z.object({ progress: z.string() }),
  z.object({ answer: z.unknown() }),
  z.object({ failure: z.string() }),
])

/** Progress goes to stderr; stdout is for figures. */
export function progress(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}

export class Peer {
  readonly #name: string
  readonly #child: ChildProcess
  readonly #answer = Promise.withResolvers<unknown>()
  #tail = ''

  private constructor(name: string, child: ChildProcess) {
    this.#name = name
    this.#child = child
    this.#answer.promise.catch(() => undefined)
  }

  /** Starts bench/peer-programs/<name>.ts, or `program`; `input` reaches it as JSON. */
  static start(
    name: string,
    input: unknown,
    program = new URL(`peer-programs/${name}.ts`, import.meta.url),
    { asNode = false }: Pick<PeerOptions, 'asNode'> = {},
  ): Peer {
    const path = fileURLToPath(program)
    const { execArgv, env } = asNode ? NODE_ENGINE : PLAIN_ENGINE
    const child = spawn(process.execPath, [...execArgv, '--no-warnings', path, JSON.stringify(input)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      detached: true,
      env: { ...process.env, ...env, DO_NOT_TRACK: '1' },
    })
    const peer = new Peer(name, child)
    peer.#listen()
    return peer
  }

  get pid(): number {
    const { pid } = this.#child
    if (pid === undefined) throw new Error(`${this.#name} did not start`)
    return pid
  }

  #listen(): void {
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#tail = (this.#tail + text).slice(-STDERR_TAIL_CHARS)
    })
    this.#child.on('message', raw => this.#take(FromChild.parse(raw)))
    this.#child.once('error', error => this.#fail(error.message))
    this.#child.once('close', (code, killedBy) => {
      this.#fail(`ended with ${killedBy ?? `code ${code}`}`)
    })
  }

  #take(message: z.infer<typeof FromChild>): void {
    if ('progress' in message) progress(`${this.#name}: ${message.progress}`)
    else if ('failure' in message) this.#fail(message.failure)
    else this.#answer.resolve(message.answer)
  }

  #fail(reason: string): void {
    const tail = this.#tail.trim()
    this.#answer.reject(new Error(`${this.#name}: ${reason}${tail ? `\n${tail}` : ''}`))
  }

  /** What the program answered, parsed; rejects if it failed, ended, or took too long. */
  async answer<T>(schema: z.ZodType<T>, options: PeerOptions & { readonly timeoutMs?: number } = {}): Promise<T> {
    const timeout = AbortSignal.timeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS)
    const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout
    const stopped = Promise.withResolvers<never>()
    const stop = (): void => {
      stopped.reject(new Error(`${this.#name}: stopped`, { cause: signal.reason }))
    }
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      return schema.parse(await Promise.race([this.#answer.promise, stopped.promise]))
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { pid } = this.#child
    if (pid === undefined) return
    const end = performance.now() + EXIT_WAIT_MS
    while (killGroup(pid) && performance.now() < end) await sleep(EXIT_POLL_MS)
  }
}

/** SIGKILL for a child and all that it started; false once none of them is left. */
function killGroup(pid: number): boolean {
  try {
    return process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

/** Starts a program, waits for its one answer and ends it. */
export async function askPeer<T>(
  name: string,
  input: unknown,
  schema: z.ZodType<T>,
  options: PeerOptions & { readonly timeoutMs?: number } = {},
): Promise<T> {
  await using peer = Peer.start(name, input)
  return await peer.answer(schema, options)
}

/** The same for one of our own programs, which is timed in a process that did nothing else. */
export async function askProgram<T>(
  program: URL,
  input: unknown,
  schema: z.ZodType<T>,
  options: PeerOptions & { readonly timeoutMs?: number } = {},
): Promise<T> {
  const name = basename(program.pathname, '.ts')
  await using peer = Peer.start(name, input, program, options)
  return await peer.answer(schema, options)
}
