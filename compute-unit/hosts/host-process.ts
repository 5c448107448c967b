import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { Failure } from '../../protocol/index.ts'
import { faultOf, type Host, type OpenHost } from './host-pool.ts'
import { PACKET_MAX_BYTES, PacketReader, PacketWriter } from './packet-stream.ts'
import { decodeAnswer } from './answer-packets.ts'
import type { HostAnswer, HostRequest } from './host-words.ts'
import { writeRequest } from './request-packets.ts'

/** Hosts in child processes, which run `program`. */
export const childProcessHosts =
  (program: HostProcessParts['program']): OpenHost =>
  options =>
    new HostProcess({ program, ...options })

interface HostProcessParts {
  /** Program that calls `runHost`, and flags of its engine. */
  readonly program: { readonly path: string; readonly execArgv: readonly string[] }
  /** No sign of life for this long, with work under way: the host is killed. */
  readonly wallMaxMs: number
  readonly background?: boolean | undefined
  /** The host ended; nobody asked it to. */
  readonly onExit: () => void
}

interface Waiting {
  readonly number: number
  resolve(answer: HostAnswer): void
  reject(error: Failure): void
}

/** What the C library is told: few arenas, and what is free goes back. It does not know that one thread does all the work. */
const ENVIRONMENT = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_MMAP_THRESHOLD_: '131072' }
/** A host that has so many requests to answer is not idle before the next ones come. */
const BUSY_REQUESTS = 16
/** A host ends when its pipe does; one that is in the middle of a long slot is not waited for. */
const CLOSE_MAX_MS = 500

/** A quarter of what others get, where they ask for all: less, and long slots would never end. */
const NICENESS = 5

/** Where the system does not let us, it runs like the others. */
function giveWay(pid: number): void {
  try {
    setPriority(pid, NICENESS)
  } catch {
    // it ended already, or may not be told
  }
}

/** A child process that runs guests. When it dies, all that waits for it fails with `host-fault`. */
class HostProcess implements Host {
  readonly #child: ChildProcess
  readonly #parts: HostProcessParts
  /** In the order in which they are served. A list: what lay in a map would be kept until the whole heap is collected (decision 0043). */
  #waiting: Waiting[] = []
  readonly #packets = new PacketReader(PACKET_MAX_BYTES)
  readonly #exited: Promise<void>
  readonly #outgoing = new PacketWriter()
  /** Requests in `#outgoing`. */
  #unsent = 0
  #nextNumber = 1
  #guard: NodeJS.Timeout | undefined
  #closing = false
  /** Somebody has been told that it was they who brought the host down. */
  #blamed = false
  #stderr = ''
  alive = true

  constructor(parts: HostProcessParts) {
    this.#parts = parts
    const { path, execArgv } = parts.program
    // No environment of ours, no keys: a guest that breaks out of its sandbox finds nothing here.
    this.#child = spawn(process.execPath, [...execArgv, path], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: ENVIRONMENT,
      cwd: '/',
    })
    this.#exited = new Promise<void>(resolve => {
      this.#child.once('error', () => resolve())
      this.#child.once('exit', () => resolve())
    }).then(() => this.#exit())
    this.#child.stdin?.on('error', () => undefined)
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      // Plain bytes: what is read from them travels far, and nobody there expects a Buffer.
      this.#receive(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length))
    })
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString('utf8')).slice(-4000)
    })
    // When memory runs out, this process goes first, not the node.
    if (this.#child.pid !== undefined) {
      if (parts.background === true) giveWay(this.#child.pid)
      void writeFile(`/proc/${this.#child.pid}/oom_score_adj`, '900').catch(() => undefined)
    }
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Sends a request; requests are served in order. @throws {Failure} `host-fault` */
  ask(request: HostRequest): Promise<HostAnswer> {
    if (!this.alive)
      return Promise.reject(new Failure('host-fault', { bystander: true }, { note: 'the host has ended' }))
    const number = this.#nextNumber++
    this.#send(number, request)
    const { promise, resolve, reject } = Promise.withResolvers<HostAnswer>()
    this.#waiting.push({ number, resolve, reject })
    // Asking is no sign of life: a busy node must not keep alive a host that hangs.
    this.#guard ??= this.#startGuard()
    return promise
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Requests of one turn of the loop go in one write, and those that a busy host does not miss: a write costs more than most requests. */
  #send(number: number, request: HostRequest): void {
    this.#outgoing.add(writer => writeRequest(writer, number, request))
    if (this.#unsent === 0) setImmediate(() => this.#flush())
    this.#unsent += 1
  }

  #flush(): void {
    const atWork = this.#waiting.length - this.#unsent
    if (this.#unsent === 0 || atWork >= BUSY_REQUESTS) return
    this.#unsent = 0
    this.#child.stdin?.write(this.#outgoing.finish())
  }

  #receive(chunk: Uint8Array): void {
    try {
      this.#takeAnswers(chunk)
    } catch {
      // Only a guest that broke out, or a bug, makes a host speak nonsense.
      this.#child.kill('SIGKILL')
    }
  }

  #takeAnswers(chunk: Uint8Array): void {
    for (const packet of this.#packets.take(chunk)) {
      const { number, answer } = decodeAnswer(packet)
      // A sign of life answers nobody.
      const waiting = this.#waiting[0]?.number === number ? this.#waiting.shift() : undefined
      if (answer.kind === 'fault') {
        waiting?.reject(faultOf(answer))
        if (answer.fatal) return this.#giveUp()
      } else waiting?.resolve(answer)
    }
    this.#watch()
    this.#flush()
  }

  /** Who asks now asks the next host. */
  #giveUp(): void {
    this.#blamed = true
    this.#child.kill('SIGKILL')
    this.#exit()
  }

  /** Starts the wall-clock guard anew: something moved. */
  #watch(): void {
    if (this.#waiting.length === 0) {
      clearTimeout(this.#guard)
      this.#guard = undefined
    } else this.#guard?.refresh()
  }

  #startGuard(): NodeJS.Timeout {
    return setTimeout(() => this.#child.kill('SIGKILL'), this.#parts.wallMaxMs)
  }

  /** It serves nobody any more: it ended, or said that it cannot go on. */
  #exit(): void {
    if (!this.alive) return
    this.alive = false
    clearTimeout(this.#guard)
    const note = this.#stderr.split('\n').find(line => /error|fatal/i.test(line))
    // Requests are served in order: what ran is what was asked first. The others only waited.
    for (const waiting of this.#waiting) {
      const details = this.#blamed ? { bystander: true } : {}
      waiting.reject(new Failure('host-fault', details, { note: note ?? 'the host ended' }))
      this.#blamed = true
    }
    this.#waiting = []
    if (!this.#closing) this.#parts.onExit()
  }

  /** Kills the host: what runs there is lost and repeated elsewhere. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true
    this.#child.stdin?.end()
    const force = setTimeout(() => this.#child.kill('SIGKILL'), CLOSE_MAX_MS)
    await this.#exited
    clearTimeout(force)
  }
}
