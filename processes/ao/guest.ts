import {
  AO_OUTPUT_SIZE_MAX_BYTES,
  CHUNK_SIZE_BYTES,
  type Ending,
  type Guest,
  type GuestContext,
  type GuestMessage,
  type GuestSnapshot,
  type ModuleDescription,
  type ProcessDescription,
} from '../../protocol/index.ts'
import { ChunkStore } from './chunk-store.ts'
import { endingOf, endingOfException, errorEnding } from './ending.ts'
import { decodeGlobals, encodeGlobals, readGlobals, writeGlobals } from './engine-state.ts'
import type { Machine } from './machine.ts'
import type { MachinePool } from './machine-pool.ts'
import { encodeEnvironment, encodeMessage } from './message-json.ts'
import { sendOutbox } from './outbox.ts'
import { readResponse } from './response.ts'
import type { RawWord } from './unwind.ts'

/** Longest response text that is read; what is made of it has its own bounds. */
const RESPONSE_MAX_BYTES = 16 * 1024 * 1024
/** A resident instance beside its memory: code is shared, tables and views are not. */
const INSTANCE_BYTES = 256 * 1024

export interface AoGuestParts {
  readonly machines: MachinePool
  readonly image: GuestSnapshot
  readonly module: ModuleDescription
  readonly process: ProcessDescription
  readonly snapshot: GuestSnapshot | undefined
}

/**
 * One AO process in memory.
 *
 *  1. Between runs memory, globals and size are the kept state; the dirty map is empty.
 *  2. A run changes the instance in place. `keep` copies the chunks that changed, `discard` puts
 *     them back: the cost of both follows what the run touched, not the size of memory.
 *  3. Memory cannot shrink. A discarded run that grew it takes its instance with it.
 */
export class AoGuest implements Guest {
  readonly outputMaxBytes = AO_OUTPUT_SIZE_MAX_BYTES
  readonly #machines: MachinePool
  readonly #imageChunks: number
  readonly #process: ProcessDescription
  readonly #environment: Uint8Array
  readonly #chunks: ChunkStore
  #machine: Machine | undefined
  #pages: number
  #globals: readonly RawWord[]
  #ran = false

  constructor(parts: AoGuestParts) {
    const { machines, image, module, process } = parts
    const state = parts.snapshot ?? image
    this.#machines = machines
    this.#imageChunks = image.chunks.size
    this.#process = process
    this.#environment = encodeEnvironment(process, module)
    this.#chunks = new ChunkStore(image.chunks)
    if (state !== image) this.#chunks.adopt(state.chunks)
    this.#pages = state.pages
    const machine = this.#freshMachine()
    decodeGlobals(state.engine, machine.globals)
    this.#globals = readGlobals(machine.globals)
    this.#machine = machine
  }

  get pages(): number {
    return this.#pages
  }

  get sizeBytes(): number {
    const own = 2 * this.#chunks.count + this.#imageChunks
    return own * CHUNK_SIZE_BYTES + this.#environment.length + INSTANCE_BYTES
  }

  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending {
    if (this.#ran) throw new Error('expected keep or discard before the next run')
    const machine = this.#live()
    this.#ran = true
    const { timestampMs } = message
    machine.begin({ timestampMs, random: length => context.random(length), log: line => context.log(line) }, gasLimit)
    let text: Uint8Array
    try {
      text = machine.handle(encodeMessage(message, this.#process), this.#environment, RESPONSE_MAX_BYTES)
    } catch (error) {
      return endingOfException(error, machine, gasLimit)
    }
    const left = machine.gas.value
    if (left < 0n) return errorEnding('out-of-gas', 'out of gas', gasLimit)
    const response = readResponse(text)
    const ending = endingOf(response, gasLimit - left)
    if (ending.status === 'ok' && message.kind !== 'query') {
      sendOutbox(response, this.#process, context)
    }
    return ending
  }

  keep(): void {
    const machine = this.#endRun()
    this.#chunks.keep(machine.memory, machine.deadStack)
    this.#globals = readGlobals(machine.globals)
    this.#pages = machine.memory.pages
  }

  discard(): void {
    let machine = this.#endRun()
    if (machine.memory.pages === this.#pages) this.#chunks.restore(machine.memory)
    else {
      machine = this.#freshMachine()
      this.#machine = machine
    }
    writeGlobals(machine.globals, this.#globals)
  }

  takeChanged(): readonly number[] {
    return this.#chunks.takeChanged()
  }

  chunk(index: number): Uint8Array {
    return this.#live().memory.chunk(index)
  }

  engine(): Uint8Array {
    return encodeGlobals(this.#live().globals)
  }

  close(): void {
    if (this.#machine === undefined) return
    if (this.#ran) this.discard()
    this.#chunks.clear(this.#machine.memory)
    this.#machines.give(this.#machine)
    this.#machine = undefined
  }

  #live(): Machine {
    if (this.#machine === undefined) throw new Error('expected a guest that is open')
    return this.#machine
  }

  #endRun(): Machine {
    if (!this.#ran) throw new Error('expected a run before keep or discard')
    this.#ran = false
    return this.#live()
  }

  /** An instance with the kept memory; its globals are those of the image. */
  #freshMachine(): Machine {
    const machine = this.#machines.take()
    machine.addPages(this.#pages - machine.memory.pages)
    this.#chunks.writeTo(machine.memory)
    return machine
  }
}
