import type { Ending, Guest, GuestContext, GuestMessage, GuestSnapshot, ProcessId } from '../../protocol/index.ts'
import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'
import type { ChunkStore } from './chunk-store.ts'
import { decodeGlobals, encodeGlobals, type GlobalType, type GlobalValues } from './engine-state.ts'
import { CHUNKS_PER_PAGE } from '../rewriter/index.ts'
import type { Instance } from './instance.ts'
import type { MessageEncoder } from './message-layout.ts'

/** Bytes of a guest without chunks: objects, a map, a list. */
const GUEST_OVERHEAD_BYTES = 400
const NO_CHUNKS: readonly number[] = []
/** Bytes of a chunk besides its content. */
const CHUNK_OVERHEAD_BYTES = 150

/** What a guest needs of the factory that opened it. */
export interface GuestHome {
  readonly image: GuestSnapshot
  readonly imageGlobals: GlobalValues
  readonly globalTypes: readonly GlobalType[]
  /** Memory is set back after each run; guests hold no chunks. */
  readonly scratch: boolean
  readonly store: ChunkStore
  readonly encoder: MessageEncoder
  imageChunk(index: number): Uint8Array
  isImageChunk(index: number, bytes: Uint8Array): boolean
  /** An instance with the state of `guest` in its memory. */
  pageIn(guest: ActorGuest): Instance
  /** The memory of `instance` grew in a kept run: it now serves guests of its new size. */
  resized(instance: Instance): void
  /** The state in `instance` cannot be set back. */
  dropInstance(instance: Instance): void
  /** Restores the image after a run of a scratch guest. */
  resetScratch(instance: Instance): void
  /** Takes a guest out of its seat before it is closed. */
  forget(guest: ActorGuest): void
}

/** A chunk that differs from the image, or did once, as of the last keep. */
interface KeptChunk {
  readonly bytes: Uint8Array
  /** Changed since the last `takeChanged`. */
  changed: boolean
}

/**
 * One process: the difference of its memory from the module's image. It has no instance of its own;
 * to run, it is paged into one, and stays there until another guest needs it.
 */
export class ActorGuest implements Guest {
  readonly id: ProcessId
  /** By chunk index. In step with the instance's memory whenever no run is open. */
  readonly chunks = new Map<number, KeptChunk>()
  readonly #home: GuestHome
  #pages: number
  #globals: GlobalValues
  #instance: Instance | undefined
  #open: 'no' | 'ok' | 'error' = 'no'

  constructor(id: ProcessId, home: GuestHome, snapshot: GuestSnapshot | undefined) {
    this.id = id
    this.#home = home
    this.#pages = snapshot?.pages ?? home.image.pages
    this.#globals = home.imageGlobals
    if (snapshot !== undefined) this.#restore(snapshot)
  }

  #restore(snapshot: GuestSnapshot): void {
    this.#globals = decodeGlobals(this.#home.globalTypes, snapshot.engine)
    for (const [index, content] of snapshot.chunks) {
      if (index >= this.#pages * CHUNKS_PER_PAGE || content.length !== CHUNK_SIZE_BYTES) {
        throw new RangeError(`expected a chunk inside ${this.#pages} pages, got chunk ${index}`)
      }
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

  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending {
    if (this.#open !== 'no') throw new Error('expected keep or discard before the next run')
    const instance = this.#home.pageIn(this)
    this.#instance = instance
    this.#open = 'error'
    try {
      const run = { self: this.id, message, context, gasLimit }
      const ending = instance.run(run, this.#home.encoder)
      this.#open = ending.status
      return ending
    } catch (error) {
      this.discard()
      throw error
    }
  }

  keep(): void {
    const instance = this.#instance
    if (this.#open !== 'ok' || instance === undefined) throw new Error('expected a run that ended well')
    this.#open = 'no'
    this.#instance = undefined
    if (this.#home.scratch) {
      this.#home.resetScratch(instance)
      return
    }
    const { dirty, dirtyCount, memory } = instance
    for (let at = 0; at < dirtyCount; at++) this.#keepChunk(dirty[at] ?? 0, instance)
    memory.clearDirty(dirty, dirtyCount)
    this.#globals = instance.keepGlobals(this.#globals)
    if (memory.pages !== this.#pages) {
      this.#pages = memory.pages
      this.#home.resized(instance)
    }
  }

  #keepChunk(index: number, instance: Instance): void {
    const now = instance.memory.chunk(index)
    const kept = this.chunks.get(index)
    if (kept !== undefined) {
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
    const instance = this.#instance
    if (this.#open === 'no' || instance === undefined) return
    this.#open = 'no'
    this.#instance = undefined
    if (this.#home.scratch) {
      this.#home.resetScratch(instance)
      return
    }
    if (instance.memory.pages !== this.#pages) {
      this.#home.dropInstance(instance)
      return
    }
    const { dirty, dirtyCount, memory } = instance
    for (let at = 0; at < dirtyCount; at++) {
      const index = dirty[at] ?? 0
      memory.chunk(index).set(this.chunk(index))
    }
    memory.clearDirty(dirty, dirtyCount)
    instance.restoreGlobals()
  }

  takeChanged(): readonly number[] {
    if (this.chunks.size === 0) return NO_CHUNKS
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
    if (this.#globals === this.#home.imageGlobals) return this.#home.image.engine
    return encodeGlobals(this.#home.globalTypes, this.#globals)
  }

  /** Whether a run waits for keep or discard: its instance may serve nobody else. */
  get running(): boolean {
    return this.#open !== 'no'
  }

  close(): void {
    this.discard()
    this.#home.forget(this)
    for (const { bytes } of this.chunks.values()) this.#home.store.release(bytes)
    this.chunks.clear()
  }
}
