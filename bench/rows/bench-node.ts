/**
 * An Atoll node in a process of its own, over a fresh folder.
 *
 * 1. The node leads a process group; its hosts stay in it. Disposing asks it to close, and kills
 *    the group if it does not; the folder goes too.
 * 2. What the node wrote as warnings, and a slow or failed end, is noted: it may explain a figure.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { NODE_ENGINE } from '../../startup/index.ts'
import { type Client, connect } from '../../sdk/index.ts'
import { cpuMsOf } from '../peer-programs/cpu-time.ts'
import { processTree, residentBytes } from './cpu.ts'
import type { NodeAnswer, NodeInput, NodeQuestion } from './node-channel.ts'
import type { RowContext } from './row.ts'

const PROGRAM = fileURLToPath(new URL('../programs/node.ts', import.meta.url))
const START_MAX_MS = 60_000
const ANSWER_MAX_MS = 120_000
const CLOSE_MAX_MS = 20_000
const QUIET_POLL_MS = 200
/** Ticks of a clock of 10 ms that a node at rest may use between two looks. */
const QUIET_CPU_MS = 10
/** For longer than a node lets blocks gather before they go into their Hypercores. */
const QUIET_LOOKS = 8
const QUIET_MAX_MS = 30_000
/** Memory that changes by less than this, for this long, is at rest. */
const REST_STABLE_BYTES = 256 * 1024
const REST_STABLE_MS = 10_000
const REST_MAX_MS = 60_000
const STDERR_MAX_CHARS = 100_000
const LINE_SHOWN_CHARS = 300

export class BenchNode implements AsyncDisposable {
  readonly url: string
  readonly scheduler: string
  readonly client: Client
  /** Ends whatever waits for this node. */
  readonly signal: AbortSignal
  readonly #child: ChildProcess
  readonly #data: string
  readonly #ended: Promise<void>
  readonly #context: RowContext
  readonly #stderr: { readonly text: string }

  private constructor(parts: {
    readonly child: ChildProcess
    readonly data: string
    readonly ended: Promise<void>
    readonly context: RowContext
    readonly stderr: { text: string }
    readonly where: { readonly url: string; readonly scheduler: string }
  }) {
    this.#child = parts.child
    this.#data = parts.data
    this.#ended = parts.ended
    this.#context = parts.context
    this.signal = parts.context.signal
    this.url = parts.where.url
    this.scheduler = parts.where.scheduler
    this.client = connect({ url: this.url })
    this.#stderr = parts.stderr
  }

  static async start(context: RowContext, options: Omit<NodeInput, 'data'> = {}): Promise<BenchNode> {
    const data = await mkdtemp(join(tmpdir(), 'bench-atoll-'))
    const input: NodeInput = { data, ...options }
    const child = spawn(process.execPath, [...NODE_ENGINE.execArgv, '--no-warnings', PROGRAM, JSON.stringify(input)], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      detached: true,
      env: { ...process.env, ...NODE_ENGINE.env },
    })
    const stderr = { text: '' }
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr.text = (stderr.text + text).slice(0, STDERR_MAX_CHARS)
    })
    const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
    try {
      const where = await answerOf(child, ended, START_MAX_MS, context.signal)
      if (!('url' in where)) throw new Error('the node did not say where it serves')
      return new BenchNode({ child, data, ended, context, stderr, where })
    } catch (error) {
      await endGroup(child, ended)
      await rm(data, { recursive: true, force: true })
      throw new Error(`no node: ${stderr.text.trim()}`, { cause: error })
    }
  }

  get #pid(): number {
    return this.#child.pid ?? 0
  }

  /** The node and its hosts. */
  get pids(): number[] {
    return processTree(this.#pid)
  }

  /** CPU time of node and hosts so far, to 10 ms. */
  cpuMs(): number {
    return this.pids.reduce((sum, pid) => sum + (cpuMsOf(pid) ?? 0), 0)
  }

  /** Resident memory of node and hosts. */
  residentBytes(): number {
    return this.pids.reduce((sum, pid) => sum + residentBytes(pid), 0)
  }

  /** Resident memory of the node alone, without its hosts. */
  ownResidentBytes(): number {
    return residentBytes(this.#pid)
  }

  async ask(question: NodeQuestion): Promise<number> {
    const answer = answerOf(this.#child, this.#ended, ANSWER_MAX_MS, this.signal)
    this.#child.send(question)
    const said = await answer
    if (!('value' in said)) throw new Error(`no answer about ${question}`)
    return said.value
  }

  /** Waits until node and hosts have nothing left to do: what a receipt does not wait for counts. */
  async quiet(): Promise<void> {
    const end = performance.now() + QUIET_MAX_MS
    let quiet = 0
    for (let last = this.cpuMs(); quiet < QUIET_LOOKS; ) {
      await sleep(QUIET_POLL_MS, undefined, { signal: this.signal })
      const now = this.cpuMs()
      quiet = now - last <= QUIET_CPU_MS ? quiet + 1 : 0
      last = now
      if (performance.now() > end) {
        this.#context.note(`a node was still busy ${QUIET_MAX_MS / 1000} s after its last result`)
        return
      }
    }
  }

  /** Waits until resident memory stays as it is: what is not needed goes back a little after the last work. */
  async rest(): Promise<void> {
    await this.quiet()
    const start = performance.now()
    let [bytes, sinceMs] = [this.residentBytes(), start]
    while (performance.now() - sinceMs < REST_STABLE_MS) {
      await sleep(QUIET_POLL_MS, undefined, { signal: this.signal })
      const now = this.residentBytes()
      if (Math.abs(now - bytes) > REST_STABLE_BYTES) {
        bytes = now
        sinceMs = performance.now()
      }
      if (performance.now() - start > REST_MAX_MS) return
    }
  }

  /**
   * CPU time in microseconds that node and hosts spend on `run` and on what it leaves behind. Hosts that end on the
   * way, as the one for queries does once nobody asks, are in it.
   */
  async cpuUsOf(run: () => Promise<void>): Promise<number> {
    await this.quiet()
    const before = this.cpuMs()
    await run()
    await this.quiet()
    return (this.cpuMs() - before) * 1_000
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const start = performance.now()
    this.#child.kill('SIGTERM')
    const closed = await Promise.race([this.#ended.then(() => true), sleep(CLOSE_MAX_MS, false, { ref: false })])
    const seconds = ((performance.now() - start) / 1_000).toFixed(1)
    if (!closed) this.#context.note(`a node did not close within ${seconds} s and was killed`)
    else if (this.#child.exitCode !== 0)
      this.#context.note(`a node ended with ${this.#child.signalCode ?? `code ${this.#child.exitCode}`}`)
    await endGroup(this.#child, this.#ended)
    this.#noteStderr()
    await rm(this.#data, { recursive: true, force: true, maxRetries: 5 })
  }

  #noteStderr(): void {
    const lines = this.#stderr.text.split('\n').filter(line => line.trim() !== '')
    const [first] = lines
    if (first === undefined) return
    this.#context.note(`a node wrote ${lines.length} line(s), first: ${first.slice(0, LINE_SHOWN_CHARS)}`)
  }
}

/** The next thing a node says. */
async function answerOf(
  child: ChildProcess,
  ended: Promise<void>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<NodeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<NodeAnswer>()
  const timer = setTimeout(() => reject(new Error(`no word from the node in ${timeoutMs} ms`)), timeoutMs)
  const stop = (): void => reject(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  child.once('message', resolve)
  void ended.then(() => reject(new Error('the node ended')))
  try {
    signal.throwIfAborted()
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', stop)
    child.off('message', resolve)
  }
}

/** SIGKILL for a node and its hosts; returns when the node is gone. */
async function endGroup(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // nobody is left in it
  }
  await ended
}
