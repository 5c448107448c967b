import { Buffer } from 'node:buffer'
import type {
  AgentModule,
  Ending,
  Guest,
  GuestContext,
  GuestMessage,
  GuestSnapshot,
  ProcessDescription,
} from '../../protocol/index.ts'
import { CHUNK_SIZE_BYTES, findTag, toUtf8 } from '../../protocol/index.ts'
import type { ChunkStore } from '../actor/chunk-store.ts'
import {
  decodeGlobals,
  encodeGlobals,
  type GlobalType,
  type GlobalValues,
} from '../actor/engine-state.ts'
import { CHUNKS_PER_PAGE } from '../rewriter/index.ts'
import { type Image, STACK_CHUNKS } from './image.ts'
import type { Machine } from './machine.ts'
import type { Positions } from './positions.ts'
import { runSlot } from './slot-run.ts'

/** Bytes of a guest without chunks: objects, a map, a list. */
const GUEST_OVERHEAD_BYTES = 600
/** Bytes of a chunk besides its content. */
const CHUNK_OVERHEAD_BYTES = 150

/** What a guest needs of the factory that opened it. */
export interface AgentHome {
  readonly module: AgentModule
  readonly positions: Positions
  readonly base: Image
  readonly globalTypes: readonly GlobalType[]
  readonly store: ChunkStore
  imageChunk(index: number): Uint8Array
  isImageChunk(index: number, bytes: Uint8Array): boolean
  /** An instance with the state of `guest` in its memory. */
  pageIn(guest: AgentGuest): Machine
  /** The memory of the guest's instance grew in a kept run. */
  resized(guest: AgentGuest, machine: Machine): void
  /** The state in the guest's instance cannot be set back. */
  drop(guest: AgentGuest): void
  /** Takes a guest out of its seat before it is closed. */
  forget(guest: AgentGuest): void
}

interface KeptChunk {
  readonly bytes: Uint8Array
  /** Changed since the last `takeChanged`. */
  changed: boolean
}

/**
 * One agent: the difference of its memory from the module's image. It has no instance of its own; to run, it is
 * paged into one, and stays there until another needs it.
 */
export class AgentGuest implements Guest {
  readonly chunks = new Map<number, KeptChunk>()
  /** How often it was paged in where another was. */
  exchanges = 0
  readonly #home: AgentHome
  readonly #process: ProcessDescription
  #pages: number
  #globals: GlobalValues
  #machine: Machine | undefined
  #open: 'no' | 'ok' | 'error' = 'no'

  constructor(process: ProcessDescription, home: AgentHome, snapshot: GuestSnapshot | undefined) {
    this.#process = process
    this.#home = home
    this.#pages = snapshot?.pages ?? home.base.pages
    this.#globals = home.base.globals
    if (snapshot !== undefined) this.#restore(snapshot)
  }

  #restore(snapshot: GuestSnapshot): void {
    this.#globals = decodeGlobals(this.#home.globalTypes, snapshot.engine)
    for (const [index, content] of snapshot.chunks) {
      if (index >= this.#pages * CHUNKS_PER_PAGE || content.length !== CHUNK_SIZE_BYTES)
        throw new RangeError(`expected a chunk inside ${this.#pages} pages, got chunk ${index}`)
      const bytes = this.#home.store.take()
      bytes.set(content)
      this.chunks.set(index, { bytes, changed: false })
    }
  }

  get pages(): number {
    return this.#pages
  }

  get globals(): GlobalValues {
    return this.#globals
  }

  get sizeBytes(): number {
    return GUEST_OVERHEAD_BYTES + this.chunks.size * (CHUNK_SIZE_BYTES + CHUNK_OVERHEAD_BYTES)
  }

  /** Whether a run waits for keep or discard: its instance may serve nobody else. */
  get running(): boolean {
    return this.#open !== 'no'
  }

  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending {
    if (this.#open !== 'no') throw new Error('expected keep or discard before the next run')
    const { module, positions, base } = this.#home
    this.#open = 'error'
    if (message.kind === 'query' && findTag(message.tags, 'Action') === '@contract') {
      return {
        status: 'ok',
        gas: 0n,
        output: toUtf8(JSON.stringify({ reply: module.interface })),
      }
    }
    try {
      const ending = runSlot({
        message,
        context,
        gasLimit,
        process: this.#process,
        module,
        positions,
        entry: base.entry,
        machine: () => this.#before(),
      })
      this.#open = ending.status
      return ending
    } catch (error) {
      // Not even how to set it back is known.
      this.#open = 'no'
      this.#machine = undefined
      this.#home.drop(this)
      throw error
    }
  }

  /** An instance with the kept state; what an earlier attempt of this slot did is undone. */
  #before(): Machine {
    if (this.#machine !== undefined) this.#undo(this.#machine)
    const machine = this.#home.pageIn(this)
    this.#machine = machine
    return machine
  }

  keep(): void {
    const machine = this.#machine
    if (this.#open !== 'ok' || machine === undefined)
      throw new Error('expected a run that ended well')
    this.#open = 'no'
    this.#machine = undefined
    const { memory } = machine.calls
    const { dirty, dirtyCount } = machine
    for (let at = 0; at < dirtyCount; at++) this.#keepChunk(dirty[at] ?? 0, machine)
    memory.clearDirty(dirty, dirtyCount)
    this.#globals = machine.readChangedGlobals(this.#globals)
    if (memory.pages !== this.#pages) {
      this.#pages = memory.pages
      this.#home.resized(this, machine)
    }
  }

  #keepChunk(index: number, { calls }: Machine): void {
    const now = calls.memory.chunk(index)
    if (index < STACK_CHUNKS) {
      now.fill(0)
      return
    }
    const kept = this.chunks.get(index)
    if (kept !== undefined) {
      // Counts of references go up and down again: half of what is stored to is as it was. What changed in this frame
      // already changes again.
      if (!kept.changed && Buffer.compare(kept.bytes, now) === 0) return
      kept.bytes.set(now)
      kept.changed = true
      return
    }
    if (this.#home.isImageChunk(index, now)) return
    const bytes = this.#home.store.take()
    bytes.set(now)
    this.chunks.set(index, { bytes, changed: true })
  }

  /** Also after a run that threw; a second call does nothing. */
  discard(): void {
    const machine = this.#machine
    this.#open = 'no'
    this.#machine = undefined
    if (machine !== undefined) this.#undo(machine)
  }

  #undo(machine: Machine): void {
    const { memory } = machine.calls
    if (memory.pages !== this.#pages) {
      this.#home.drop(this)
      return
    }
    machine.countDirty()
    const { dirty, dirtyCount } = machine
    for (let at = 0; at < dirtyCount; at++) {
      const index = dirty[at] ?? 0
      memory.chunk(index).set(this.chunk(index))
    }
    // A store that trapped may have marked a chunk anywhere.
    memory.clearAllDirty()
    machine.calls.writeGlobals(this.#globals)
  }

  takeChanged(): readonly number[] {
    const changed: number[] = []
    for (const [index, kept] of this.chunks) {
      if (!kept.changed) continue
      kept.changed = false
      changed.push(index)
    }
    return changed.sort((a, b) => a - b)
  }

  chunk(index: number): Uint8Array {
    return this.chunks.get(index)?.bytes ?? this.#home.imageChunk(index)
  }

  engine(): Uint8Array {
    return encodeGlobals(this.#home.globalTypes, this.#globals)
  }

  close(): void {
    this.discard()
    this.#home.forget(this)
    for (const { bytes } of this.chunks.values()) this.#home.store.release(bytes)
    this.chunks.clear()
  }
}
