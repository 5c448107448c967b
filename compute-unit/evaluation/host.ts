import {
  decodeEnvelope,
  describeProcess,
  FAILURES,
  Failure,
  type GuestFactory,
  HostFault,
  PATIENCE_GAS,
  type ModuleId,
  type ProcessId,
  readFrameHead,
  type Runtime,
  TooLong,
} from '../../protocol/index.ts'
import { writeAnswer } from '../hosts/answer-packets.ts'
import type { HostAnswer, HostModule, HostRequest } from '../hosts/host-words.ts'
import { decodeRequest } from '../hosts/request-packets.ts'
import { PACKET_MAX_BYTES, PacketReader, PacketWriter } from '../hosts/packet-stream.ts'
import { toCellKey } from './cells.ts'
import { HostedProcess } from './hosted-process.ts'
import { rehearsal } from './lifecycle-messages.ts'
import type { LoadedModule } from './loaded-module.ts'
import { readComputeLimit } from './module-limits.ts'
import { refusedModule } from './refused-module.ts'

/** A pipe to the compute unit. */
export interface HostPipe {
  /** Waits for bytes; ends when the compute unit is gone. */
  readonly input: Iterable<Uint8Array>
  write(bytes: Uint8Array): void
  /** There is nothing to do: what is not needed goes back to the system. */
  rest?(): void
  /** What was answered was sent: those young objects that stay may be put among the old ones. */
  tidy?(): void
}

const ALIVE_EVERY_MS = 500
/** Answers wait this long for others to go with them, while requests are at hand. */
const GATHER_MS = 2
const GATHER_MAX_BYTES = 256 * 1024
/**
 * Processes that are opened, until what they leave among the young objects is put away. All of it stays, so it is copied whenever the
 * engine collects: for 150 of them at one stroke of 5 to 10 ms, in the middle of somebody's message.
 */
const OPENED_TIDY = 8

/**
 * The program of a host: guests run here, one slot at a time, without keys, files or network.
 * Ends when its pipe does. A fault of the engine is told as such and ends the host; a bug is told as such and ends one process
 * here: no result is made of either.
 */
export function runHost(pipe: HostPipe, runtimes: readonly Runtime[]): void {
  const host = new Host(pipe, runtimes)
  const packets = new PacketReader(PACKET_MAX_BYTES)
  for (const chunk of pipe.input) {
    const goesOn = packets.take(chunk).every(packet => host.serve(packet))
    host.flush()
    if (!goesOn) return
    host.tidy()
  }
}

/**
 * Whether others in this host are in danger: the engine or memory gave way. Anything else that escapes is a bug, and leaves nothing to
 * trust of the process that met it.
 */
const isFatal = (error: unknown): boolean =>
  error instanceof HostFault || (error instanceof RangeError && /alloc|memory/i.test(error.message))

/** What a request needs is not here, or not so far: no fact about the process nor about its snapshot, which nothing has touched. */
class Untouched extends Error {
  override readonly name: string = 'Untouched'
}

/** Serves requests one after the other. */
export class Host {
  readonly #pipe: HostPipe
  readonly #runtimes: readonly Runtime[]
  readonly #modules = new Map<ModuleId, LoadedModule>()
  readonly #processes = new Map<ProcessId, HostedProcess>()
  #aliveMs = performance.now()
  readonly #answers = new PacketWriter()
  #gatherMs = 0
  /** Since the host was last tidied. */
  #opened = 0

  constructor(pipe: HostPipe, runtimes: readonly Runtime[]) {
    this.#pipe = pipe
    this.#runtimes = runtimes
  }

  /** Answers one request; false if this host can go on no longer. */
  serve(packet: Uint8Array): boolean {
    const { number, request } = decodeRequest(packet)
    const answer = this.answer(request)
    this.#answer(number, answer)
    return answer.kind !== 'fault' || !answer.fatal
  }

  /** What came of one request; after a fault that is fatal this host can go on no longer. */
  answer(request: HostRequest): HostAnswer {
    try {
      return this.#serve(request)
    } catch (error) {
      if (error instanceof TooLong && (request.kind === 'evaluate' || request.kind === 'query')) {
        this.#give(request.process)
        return { kind: 'too-long' }
      }
      const fatal = isFatal(error)
      if (!fatal && !(error instanceof Untouched) && 'process' in request) this.#give(request.process)
      const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      return { kind: 'fault', message, fatal, untouched: error instanceof Untouched }
    }
  }

  /** A process that met a bug of ours, or stands in the middle of a slot, is not used any more; the others have nothing of it. */
  #give(process: ProcessId): void {
    const left = this.#processes.get(process)
    this.#processes.delete(process)
    try {
      left?.close()
    } catch {
      // What holds it is dropped all the same.
    }
  }

  #serve(request: HostRequest): HostAnswer {
    switch (request.kind) {
      case 'check':
        return this.#check(request.module)
      case 'load':
        this.#load(request.module)
        return { kind: 'done' }
      case 'open':
        return this.#open(request)
      case 'evaluate': {
        const process = this.#process(request.process)
        const { firstSlot } = readFrameHead(request.frame)
        if (firstSlot !== process.slots) throw new Untouched(`expected slot ${process.slots}, got ${firstSlot}`)
        const outcome = process.evaluate(request.frame, request.verdicts, {
          alive: () => this.#alive(),
          steps: request.steps,
          patienceGas: request.impatient === true ? PATIENCE_GAS : undefined,
        })
        return { kind: 'evaluated', outcome, sizeBytes: process.sizeBytes }
      }
      case 'query': {
        const process = this.#process(request.process)
        const ending = process.query(
          request.message,
          request.timestampMs,
          request.impatient === true ? PATIENCE_GAS : undefined,
        )
        const error = ending.status === 'error' ? ending.error : undefined
        const { status, gas, log } = ending
        const output = ending.output ?? new Uint8Array(0)
        return { kind: 'queried', slot: process.slots - 1, status, gas, error, output, log }
      }
      case 'export': {
        const process = this.#process(request.process)
        const { module } = process.lifecycle()
        return {
          kind: 'exported',
          slot: process.slots - 1,
          module,
          ending: process.exportDocument(request.timestampMs),
        }
      }
      case 'rehearse': {
        const process = this.#process(request.process)
        const message = rehearsal(process.description, request.tags, process.slots, request.timestampMs)
        const ending = process.rehearse(message)
        return { kind: 'exported', slot: process.slots - 1, module: process.lifecycle().module, ending }
      }
      case 'delta':
        return { kind: 'delta', delta: this.#process(request.process).takeDelta() }
      case 'cell': {
        const process = this.#process(request.process)
        return { kind: 'bytes', bytes: process.cell(toCellKey(request.key)), slot: process.slots }
      }
      case 'memory': {
        const process = this.#process(request.process)
        return { kind: 'bytes', bytes: process.memory(), slot: process.slots }
      }
      case 'close':
        this.#processes.get(request.process)?.close()
        this.#processes.delete(request.process)
        return { kind: 'done' }
      case 'unload':
        return this.#unload(request.module)
      case 'rest':
        for (const { factory } of this.#modules.values()) factory.rest?.()
        this.#pipe.rest?.()
        return { kind: 'done' }
    }
  }

  /** Whether a module can run here; gives the rule it breaks, if it breaks one. */
  #check(module: HostModule): HostAnswer {
    try {
      this.#prepare(module).close()
      return { kind: 'done' }
    } catch (error) {
      if (!Failure.is(error, 'module-refused')) throw error
      return { kind: 'refused', reason: withoutTitle(error) }
    }
  }

  /** A refused module has processes all the same, if somebody spawned them: each of their slots ends in the same error. */
  #load(module: HostModule): void {
    if (this.#modules.has(module.id)) return
    let factory: GuestFactory
    let refused: string | undefined
    try {
      factory = this.#prepare(module)
    } catch (error) {
      if (!Failure.is(error, 'module-refused')) throw error
      refused = error.message
      factory = refusedModule(refused)
    }
    const { id, format, tags } = module
    const limits = { gasPerSlotMax: readComputeLimit(tags) }
    const stateForm = this.#runtime(format)?.stateForm ?? 'document'
    this.#modules.set(id, { id, format, tags, stateForm, refused, factory, limits })
  }

  /** Lets go of a module, unless a process runs on it. */
  #unload(id: ModuleId): HostAnswer {
    for (const process of this.#processes.values()) {
      if (process.module === id) return { kind: 'refused', reason: 'a process runs on it' }
    }
    this.#modules.get(id)?.factory.close()
    this.#modules.delete(id)
    return { kind: 'done' }
  }

  #runtime(format: string): Runtime | undefined {
    return this.#runtimes.find(one => one.formats.includes(format))
  }

  #prepare(module: HostModule): GuestFactory {
    const runtime = this.#runtime(module.format)
    if (runtime === undefined)
      throw new Failure('module-refused', { format: module.format }, { note: 'no such format' })
    return runtime.load(runtime.prepare(module), module)
  }

  #open(request: Extract<HostRequest, { kind: 'open' }>): HostAnswer {
    const loaded = this.#modules.get(request.module)
    if (loaded === undefined) throw new Untouched(`module ${request.module} is not loaded`)
    this.#processes.get(request.process)?.close()
    const description = describeProcess(decodeEnvelope(request.spawn))
    const process = HostedProcess.open(description, loaded, request.snapshot, id => this.#modules.get(id))
    this.#processes.set(request.process, process)
    this.#opened += 1
    return { kind: 'opened', stateRoot: process.stateRoot(), sizeBytes: process.sizeBytes, timers: process.timers() }
  }

  #process(id: ProcessId): HostedProcess {
    const process = this.#processes.get(id)
    if (process === undefined) throw new Untouched(`process ${id} is not open here`)
    return process
  }

  /** Tells the compute unit now and then that a long frame is still under way. */
  #alive(): void {
    const now = performance.now()
    if (now - this.#aliveMs < ALIVE_EVERY_MS) return
    this.#aliveMs = now
    this.#answer(0, { kind: 'alive' })
    this.flush()
  }

  /** Sends the answers that were gathered. */
  flush(): void {
    if (this.#answers.length > 0) this.#pipe.write(this.#answers.finish())
  }

  /** Between two requests: whoever asked has the answer. */
  tidy(): void {
    if (this.#opened < OPENED_TIDY) return
    this.#opened = 0
    this.#pipe.tidy?.()
  }

  #answer(number: number, answer: HostAnswer): void {
    const now = performance.now()
    if (this.#answers.length === 0) this.#gatherMs = now
    this.#answers.add(writer => writeAnswer(writer, number, answer))
    if (now - this.#gatherMs >= GATHER_MS || this.#answers.length >= GATHER_MAX_BYTES) this.flush()
  }
}

/** What a failure says beyond its title: whoever wraps it in one of the same code says that again. */
function withoutTitle({ code, message }: Failure): string {
  const { title } = FAILURES[code]
  return message.startsWith(`${title} (`) ? message.slice(title.length + 2, -1) : message
}
