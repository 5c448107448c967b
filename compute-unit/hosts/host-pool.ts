import { Failure, type ModuleDescription, type ModuleId, type ProcessId } from '../../protocol/index.ts'
import type { HostAnswer, HostRequest } from './host-words.ts'

/** Runs guests. When it ends, all that waits for it fails with `host-fault`. */
export interface Host extends AsyncDisposable {
  /** Id of its own process, if it has one. */
  readonly pid: number | undefined
  /** Requests that are not answered yet. */
  readonly waiting: number
  /** Requests are served in order. @throws {Failure} `host-fault` */
  ask(request: HostRequest): Promise<HostAnswer>
  /** What runs there is lost and repeated elsewhere. */
  kill(): void
}

/** A fault as whoever asked is told. What the host did not begin has no part in it, as one who only waited has none in a crash. */
export function faultOf({ message, fatal, untouched }: Extract<HostAnswer, { kind: 'fault' }>): Failure {
  return new Failure('host-fault', { cause: message, fatal, ...(untouched ? { bystander: true } : {}) })
}

/** Opens a host: a child process of a node (host-process.ts), or this very thread in a simulation (in-thread-host.ts). */
export type OpenHost = (options: {
  /** No sign of life for this long, with work under way: the host is killed. */
  readonly wallMaxMs: number
  /** What runs there gives way to all else on this machine. */
  readonly background?: boolean | undefined
  /** The host ended; nobody asked it to. */
  readonly onExit: () => void
}) => Host

export interface HostSeatParts {
  readonly open: OpenHost
  readonly wallMaxMs: number
  /** What runs there gives way to all else on this machine. */
  readonly background?: boolean | undefined
  readonly onExit: (seat: HostSeat) => void
  /** A host without work for this long ends; the next request starts another. Never, if it is not given. */
  readonly endAfterMs?: number | undefined
}

const LOOK_EVERY_MS = 1_000
/** Modules that stay loaded though no process may run on them: whoever changes a program goes back and forth. */
const MODULES_KEPT = 32
const UNLOAD_TOGETHER_MAX = 2
/**
 * A host without work for this long gives back what the last work left behind. Not sooner: that drops compiled code whose objects are all
 * gone, and what comes next is compiled again, a third of a second of work. Who pauses for a moment must not pay for that.
 */
const REST_AFTER_MS = 8_000
/** Requests that leave enough behind: a message now and then does not. */
const REST_WORTH_REQUESTS = 256

/** One seat for a host: the process in it may change, what is loaded is known. */
export class HostSeat implements AsyncDisposable {
  readonly #parts: HostSeatParts
  #host: Host | undefined
  #modules = new Map<ModuleId, Promise<void>>()
  /** Counts the hosts that sat here: what was opened in an earlier one is gone. */
  generation = 0
  #closed = false
  #usedMs = 0
  /** Requests since the host was last at rest. */
  #asked = 0
  #holders = 0
  /** Who still has to ask something that needs a module, by its id. */
  readonly #pins = new Map<ModuleId, number>()
  #looking: NodeJS.Timeout | undefined

  constructor(parts: HostSeatParts) {
    this.#parts = parts
  }

  get pid(): number | undefined {
    return this.#host?.pid
  }

  /** @throws {Failure} `host-fault` */
  ask(request: HostRequest): Promise<HostAnswer> {
    if (this.#closed) return Promise.reject(new Failure('shutting-down'))
    this.#host ??= this.#start()
    this.#usedMs = performance.now()
    this.#asked += 1
    return this.#host.ask(request)
  }

  /** For somebody who counts on what is open in the host, though nothing is asked of it just now. */
  hold(): Disposable {
    this.#holders += 1
    return {
      [Symbol.dispose]: () => {
        this.#holders -= 1
        this.#usedMs = performance.now()
      },
    }
  }

  /** A module is not unloaded before this ends: for whoever has it loaded, until the request that needs it was asked. */
  pin(id: ModuleId): Disposable {
    this.#pins.set(id, (this.#pins.get(id) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        const left = (this.#pins.get(id) ?? 1) - 1
        if (left === 0) this.#pins.delete(id)
        else this.#pins.set(id, left)
      },
    }
  }

  /** Loads a module once for each host that sits here. Those that nobody asked for lately go, if no process runs on them. */
  load(module: ModuleDescription): Promise<void> {
    this.#host ??= this.#closed ? undefined : this.#start()
    const loading = this.#modules.get(module.id) ?? this.ask({ kind: 'load', module }).then(() => undefined)
    const isNew = !this.#modules.delete(module.id)
    this.#modules.set(module.id, loading)
    if (!isNew) return loading
    loading.catch(() => {
      if (this.#modules.get(module.id) === loading) this.#modules.delete(module.id)
    })
    this.#unloadOldest()
    return loading
  }

  /** Of several thousand in use, two are asked about at each new one: none is missed for long. */
  #unloadOldest(): void {
    const modules = this.#modules
    const excess = Math.min(UNLOAD_TOGETHER_MAX, modules.size - MODULES_KEPT)
    const free = modules.entries().filter(([id]) => !this.#pins.has(id))
    for (const [id, loaded] of [...free.take(Math.max(0, excess))]) {
      // Whoever asks for it from now on has it loaded again.
      modules.delete(id)
      this.ask({ kind: 'unload', module: id }).then(
        answer => {
          if (answer.kind === 'refused' && this.#modules === modules && !modules.has(id)) modules.set(id, loaded)
        },
        () => undefined,
      )
    }
  }

  #start(): Host {
    this.generation += 1
    this.#modules = new Map()
    this.#looking ??= setInterval(() => this.#look(), LOOK_EVERY_MS).unref()
    return this.#parts.open({
      wallMaxMs: this.#parts.wallMaxMs,
      background: this.#parts.background,
      onExit: () => {
        this.#host = undefined
        this.#parts.onExit(this)
      },
    })
  }

  #look(): void {
    const host = this.#host
    // A host in this very thread has nothing of its own to give back.
    if (host?.pid === undefined || host.waiting > 0 || this.#holders > 0) return
    const idleMs = performance.now() - this.#usedMs
    if (idleMs >= (this.#parts.endAfterMs ?? Number.POSITIVE_INFINITY)) {
      this.#host = undefined
      this.generation += 1
      void host[Symbol.asyncDispose]()
    } else if (idleMs >= REST_AFTER_MS && this.#asked >= REST_WORTH_REQUESTS) {
      this.#asked = 0
      host.ask({ kind: 'rest' }).catch(() => undefined)
    }
  }

  kill(): void {
    this.#host?.kill()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    clearInterval(this.#looking)
    await this.#host?.[Symbol.asyncDispose]()
  }
}

/** The seat that evaluates a process: the same one as long as the number of seats stays. */
export function seatOf(seats: readonly HostSeat[], process: ProcessId): HostSeat {
  let hash = 2166136261
  for (let i = 0; i < process.length; i++) hash = Math.imul(hash ^ process.charCodeAt(i), 16777619)
  const seat = seats[(hash >>> 0) % seats.length]
  if (seat === undefined) throw new Error('no seats')
  return seat
}
