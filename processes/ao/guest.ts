import {
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
import { startCrons } from './cron.ts'
import { endingOf, endingOfException, errorEnding } from './ending.ts'
import { decodeGlobals, encodeGlobals, readGlobals, writeGlobals } from './engine-state.ts'
import type { Image } from './image.ts'
import { type LoadedModule, Machine } from './machine.ts'
import { encodeEnvironment, encodeMessage } from './message-json.ts'
import { sendOutbox } from './outbox.ts'
import { readResponse } from './response.ts'
import type { RawWord } from './unwind.ts'

/** Longest response text that is read; what is made of it has its own bounds. */
const RESPONSE_MAX_BYTES = 16 * 1024 * 1024
/** A resident instance beside its memory: code is shared, tables and views are not. */
const INSTANCE_BYTES = 256 * 1024

export interface AoGuestParts {
  readonly loaded: LoadedModule
  readonly image: Image
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
  readonly #loaded: LoadedModule
  readonly #image: Image
  readonly #process: ProcessDescription
  readonly #environment: Uint8Array
  readonly #chunks: ChunkStore
  #machine: Machine
  #pages: number
  #globals: readonly RawWord[]
  #ran = false

  constructor(parts: AoGuestParts) {
    const { loaded, image, module, process, snapshot } = parts
    this.#loaded = loaded
    this.#image = image
    this.#process = process
    this.#environment = encodeEnvironment(process, module)
    this.#chunks = new ChunkStore(image.snapshot.chunks)
    if (snapshot !== undefined) this.#chunks.adopt(snapshot.chunks)
    this.#machine = new Machine(loaded)
    decodeGlobals((snapshot ?? image.snapshot).engine, this.#machine.globals)
    this.#globals = readGlobals(this.#machine.globals)
    this.#pages = (snapshot ?? image.snapshot).pages
    this.#fill()
  }

  get pages(): number {
    return this.#pages
  }

  get sizeBytes(): number {
    const own = 2 * this.#chunks.count + this.#image.snapshot.chunks.size
    return own * CHUNK_SIZE_BYTES + this.#environment.length + INSTANCE_BYTES
  }

  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending {
    if (this.#ran) throw new Error('expected keep or discard before the next run')
    this.#ran = true
    const { timestampMs } = message
    const machine = this.#machine
    machine.begin(
      { timestampMs, random: length => context.random(length), log: line => context.log(line) },
      gasLimit,
    )
    let text: Uint8Array
    try {
      text = machine.handle(
        encodeMessage(message, this.#process),
        this.#environment,
        RESPONSE_MAX_BYTES,
      )
    } catch (error) {
      return endingOfException(error, machine, gasLimit)
    }
    const left = machine.gas.value
    if (left < 0n) return errorEnding('out-of-gas', 'out of gas', gasLimit)
    const response = readResponse(text)
    const ending = endingOf(response, gasLimit - left)
    if (ending.status === 'ok' && message.kind !== 'query') {
      sendOutbox(response, this.#process, context)
      if (message.kind === 'spawn') startCrons(this.#process.tags, timestampMs, context)
    }
    return ending
  }

  keep(): void {
    this.#endRun()
    this.#chunks.keep(this.#machine.memory, this.#machine.deadStack)
    this.#globals = readGlobals(this.#machine.globals)
    this.#pages = this.#machine.memory.pages
  }

  discard(): void {
    this.#endRun()
    if (this.#machine.memory.pages === this.#pages) this.#chunks.restore(this.#machine.memory)
    else {
      this.#machine = new Machine(this.#loaded)
      this.#fill()
    }
    writeGlobals(this.#machine.globals, this.#globals)
  }

  takeChanged(): readonly number[] {
    return this.#chunks.takeChanged()
  }

  chunk(index: number): Uint8Array {
    return this.#machine.memory.bytes.subarray(
      index * CHUNK_SIZE_BYTES,
      (index + 1) * CHUNK_SIZE_BYTES,
    )
  }

  engine(): Uint8Array {
    return encodeGlobals(this.#machine.globals)
  }

  close(): void {
    this.#ran = true
  }

  #endRun(): void {
    if (!this.#ran) throw new Error('expected a run before keep or discard')
    this.#ran = false
  }

  /** Brings a fresh instance to the kept state. */
  #fill(): void {
    const { memory } = this.#machine
    this.#machine.addPages(this.#pages - memory.pages)
    this.#chunks.writeTo(memory, this.#image.boot)
    writeGlobals(this.#machine.globals, this.#globals)
  }
}
