import {
  EMPTY_ROOT,
  equalBytes,
  GAS_PER_SLOT_MAX,
  type Guest,
  type GuestSnapshot,
  type ProcessDescription,
  sha256,
} from '../../protocol/index.ts'
import { keptChunk, wholeChunks } from './chunk-differences.ts'
import type { LoadedModule } from './loaded-module.ts'
import { MemoryTree } from './memory-tree.ts'
import type { Successor } from './succession.ts'

const NO_BYTES = new Uint8Array(0)
const NO_LINES = new Int32Array(0)

/** A guest with the hash tree of its memory, and with what of it changed since the last checkpoint. */
export class RunningGuest {
  readonly loaded: LoadedModule
  readonly guest: Guest
  /** What a slot may cost at most, whatever fuel its message has. */
  readonly gasPerSlotMax: bigint
  readonly #memory: MemoryTree
  readonly #changed = new Set<number>()
  #hashed: { readonly engine: Uint8Array; readonly hash: Uint8Array }

  private constructor(loaded: LoadedModule, guest: Guest, memory: GuestSnapshot | undefined) {
    this.loaded = loaded
    this.guest = guest
    const { gasPerSlotMax } = loaded.limits
    this.gasPerSlotMax = GAS_PER_SLOT_MAX
    if (gasPerSlotMax < GAS_PER_SLOT_MAX) this.gasPerSlotMax = gasPerSlotMax
    this.#memory = new MemoryTree(loaded.factory.image.chunks)
    this.#hashed = imageEngine(loaded)
    if (memory === undefined) return
    const { chunks } = memory
    this.#memory.put([...chunks.keys()], index => chunks.get(index) ?? NO_BYTES)
  }

  /** From a checkpoint, or from the image. */
  static open(process: ProcessDescription, loaded: LoadedModule, snapshot: GuestSnapshot | undefined): RunningGuest {
    const memory = snapshot && wholeChunks(loaded.factory, snapshot)
    return new RunningGuest(loaded, loaded.factory.open(process, memory), memory)
  }

  /** One that takes over: all its memory is new to the next checkpoint. */
  static succeed({ loaded, guest, memory, hasRun }: Successor): RunningGuest {
    if (hasRun) guest.keep()
    const running = new RunningGuest(loaded, guest, memory)
    for (const index of memory?.chunks.keys() ?? []) running.#changed.add(index)
    return running
  }

  get sizeBytes(): number {
    return this.guest.sizeBytes + this.#memory.sizeBytes
  }

  memoryRoot(): Uint8Array {
    const changed = this.guest.takeChanged()
    if (changed.length > 0) this.#tell(changed)
    for (const index of changed) this.#changed.add(index)
    return this.#memory.root()
  }

  #tell(changed: readonly number[]): void {
    const { guest } = this
    if (guest.changedLines === undefined) this.#memory.put(changed, index => guest.chunk(index))
    else this.#memory.putLines(changed, index => guest.changedLines?.(index) ?? NO_LINES)
  }

  /** sha256 of the engine's state, which of most processes never changes. */
  engineHash(): Uint8Array {
    const engine = this.guest.engine()
    if (engine !== this.#hashed.engine && !equalBytes(engine, this.#hashed.engine)) {
      this.#hashed = { engine: engine.slice(), hash: sha256(engine) }
    }
    return this.#hashed.hash
  }

  /** Chunks that changed since the last call, as differences from the image. */
  takeChunks(): Map<number, Uint8Array> {
    const chunks = new Map<number, Uint8Array>()
    for (const index of this.#changed) {
      chunks.set(index, keptChunk(this.loaded.factory, index, this.guest.chunk(index)))
    }
    this.#changed.clear()
    return chunks
  }

  /** Memory and engine state; nothing if both are as in the module's image. */
  ownMemory(): GuestSnapshot | undefined {
    const root = this.memoryRoot()
    const { image } = this.loaded.factory
    const { pages } = this.guest
    const engine = this.guest.engine()
    const isImage = pages === image.pages && equalBytes(engine, image.engine)
    if (isImage && equalBytes(root, EMPTY_ROOT)) return undefined
    const chunks = new Map<number, Uint8Array>()
    for (const index of this.#memory.own()) chunks.set(index, this.guest.chunk(index).slice())
    return { pages, engine, chunks }
  }
}

/** Most processes of a module have its engine state for ever: they share one hash. */
const imageEngines = new WeakMap<LoadedModule, { engine: Uint8Array; hash: Uint8Array }>()

function imageEngine(loaded: LoadedModule): { engine: Uint8Array; hash: Uint8Array } {
  const { engine } = loaded.factory.image
  const known = imageEngines.get(loaded) ?? { engine, hash: sha256(engine) }
  imageEngines.set(loaded, known)
  return known
}
