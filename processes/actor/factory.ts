import { Buffer } from 'node:buffer'
import type { GuestFactory, GuestSnapshot, ProcessDescription } from '../../protocol/index.ts'
import { CHUNK_SIZE_BYTES, HostFault } from '../../protocol/index.ts'
import { ChunkStore } from './chunk-store.ts'
import { encodeGlobals, type GlobalType, type GlobalValues } from './engine-state.ts'
import { ActorGuest, type GuestHome } from './guest.ts'
import { CHUNKS_PER_PAGE } from '../rewriter/index.ts'
import { type CompiledModule, Instance } from './instance.ts'
import { MessageEncoder } from './message-layout.ts'

/** Gas of all that a module does before its first message. */
export const INITIALIZE_GAS = 1_000_000_000n
/** Instances of one module kept, one for each size of memory in use: V8 has room for about 13,000. */
const INSTANCES_MAX = 32

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

/** An instance in the pool, and the guest whose state stands in its memory. */
interface Seat {
  readonly instance: Instance
  guest: ActorGuest | undefined
}

/**
 * One loaded module and its guests.
 *
 * 1. A memory cannot shrink and guests must trap at their own size, so instances are pooled by size.
 * 2. The memory of an instance is the image, with the chunks of its seated guest laid over it, and
 *    nothing else, whenever no run is open. The dirty map is then clear, and its globals are kept.
 * 3. Scratch guests have no chunks: after each run the image is restored.
 */
export class ActorFactory implements GuestFactory, GuestHome {
  readonly image: GuestSnapshot
  readonly imageGlobals: GlobalValues
  readonly globalTypes: readonly GlobalType[]
  readonly scratch: boolean
  readonly store = new ChunkStore()
  readonly encoder = new MessageEncoder()
  readonly #compiled: CompiledModule
  /** By size in pages; the most recently used last. */
  readonly #seats = new Map<number, Seat>()
  /** Chunks in which the image differs from a fresh instance. */
  readonly #prelude: ReadonlyMap<number, Uint8Array>

  /** @throws {HostFault} @throws {Error} if what runs before the first message fails */
  constructor(compiled: CompiledModule, scratch: boolean) {
    this.#compiled = compiled
    this.scratch = scratch
    this.globalTypes = compiled.globals.map(({ type }) => type)
    const { image, globals, prelude } = makeImage(compiled)
    this.image = { ...image, engine: encodeGlobals(this.globalTypes, globals) }
    this.imageGlobals = globals
    this.#prelude = prelude
  }

  open(process: ProcessDescription, snapshot?: GuestSnapshot): ActorGuest {
    return new ActorGuest(process.id, this, snapshot)
  }

  imageChunk(index: number): Uint8Array {
    return this.image.chunks.get(index) ?? ZEROES
  }

  isImageChunk(index: number, bytes: Uint8Array): boolean {
    return Buffer.compare(this.imageChunk(index), bytes) === 0
  }

  pageIn(guest: ActorGuest): Instance {
    const seat = this.#seats.get(guest.pages) ?? this.#makeSeat(guest.pages)
    if (seat.guest !== guest) {
      if (seat.guest?.running === true) throw new Error('expected keep or discard before another run')
      if (!this.scratch) this.#exchange(seat, guest)
      seat.guest = guest
    }
    return seat.instance
  }

  #exchange({ instance, guest: before }: Seat, next: ActorGuest): void {
    const { memory } = instance
    if (before !== undefined) {
      for (const index of before.chunks.keys()) {
        if (!next.chunks.has(index)) memory.chunk(index).set(this.imageChunk(index))
      }
    }
    for (const [index, kept] of next.chunks) memory.chunk(index).set(kept.bytes)
    if (next.globals !== (before?.globals ?? this.imageGlobals)) instance.writeGlobals(next.globals)
  }

  #makeSeat(pages: number): Seat {
    const instance = new Instance(this.#compiled)
    growTo(instance, pages)
    for (const [index, bytes] of this.#prelude) instance.memory.chunk(index).set(bytes)
    instance.writeGlobals(this.imageGlobals)
    const seat = { instance, guest: undefined }
    this.#seats.set(pages, seat)
    for (const oldest of this.#seats.keys()) {
      if (this.#seats.size <= INSTANCES_MAX) break
      this.#seats.delete(oldest)
    }
    return seat
  }

  resized(instance: Instance): void {
    const guest = this.#leave(instance)
    this.#seats.set(instance.memory.pages, { instance, guest })
  }

  dropInstance(instance: Instance): void {
    this.#leave(instance)
  }

  #leave(instance: Instance): ActorGuest | undefined {
    for (const [pages, seat] of this.#seats) {
      if (seat.instance !== instance) continue
      this.#seats.delete(pages)
      return seat.guest
    }
    return undefined
  }

  resetScratch(instance: Instance): void {
    if (instance.memory.pages !== this.image.pages) {
      this.dropInstance(instance)
      return
    }
    const { dirty, dirtyCount, memory } = instance
    for (let at = 0; at < dirtyCount; at++) {
      const index = dirty[at] ?? 0
      memory.chunk(index).set(this.imageChunk(index))
    }
    memory.clearDirty(dirty, dirtyCount)
    instance.restoreGlobals()
  }

  forget(guest: ActorGuest): void {
    const seat = this.#seats.get(guest.pages)
    if (seat?.guest !== guest) return
    if (!this.scratch) {
      for (const index of guest.chunks.keys()) {
        seat.instance.memory.chunk(index).set(this.imageChunk(index))
      }
      seat.instance.writeGlobals(this.imageGlobals)
    }
    seat.guest = undefined
  }

  close(): void {
    this.#seats.clear()
  }
}

function growTo(instance: Instance, pages: number): void {
  try {
    instance.memory.grow(pages - instance.memory.pages)
  } catch (cause) {
    throw new HostFault('no memory for a guest', { cause })
  }
}

interface Image {
  readonly image: { readonly pages: number; readonly chunks: ReadonlyMap<number, Uint8Array> }
  readonly globals: GlobalValues
  readonly prelude: ReadonlyMap<number, Uint8Array>
}

/** The state after start function, `_initialize` and `init`. */
function makeImage(compiled: CompiledModule): Image {
  const instance = new Instance(compiled)
  const ending = instance.initialize(INITIALIZE_GAS)
  if (ending.status === 'error') throw new InitializeFailed(ending.error.code, ending.error.message)
  const { memory } = instance
  const prelude = new Map<number, Uint8Array>()
  for (const index of instance.dirty.slice(0, instance.dirtyCount)) {
    prelude.set(index, memory.chunk(index).slice())
  }
  const chunks = new Map<number, Uint8Array>()
  for (let index = 0; index < memory.pages * CHUNKS_PER_PAGE; index++) {
    const bytes = memory.chunk(index)
    if (Buffer.compare(bytes, ZEROES) !== 0) chunks.set(index, bytes.slice())
  }
  return { image: { pages: memory.pages, chunks }, globals: instance.readGlobals(), prelude }
}

/** What a module does before its first message failed; deterministic. */
export class InitializeFailed extends Error {
  override readonly name = 'InitializeFailed'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
