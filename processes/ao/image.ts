import { Buffer } from 'node:buffer'
import { CHUNK_SIZE_BYTES, Failure, GAS_PER_SLOT_MAX, type GuestSnapshot } from '../../protocol/index.ts'
import { forEachDirty } from './chunk-store.ts'
import { encodeGlobals } from './engine-state.ts'
import { type LoadedModule, Machine } from './machine.ts'

/** A module's state before slot 0, and what of it a fresh instance does not have by itself. */
export interface Image {
  readonly snapshot: GuestSnapshot
  /** Chunks that running the module's constructors changed. */
  readonly boot: ReadonlyMap<number, Uint8Array>
}

const ZERO = new Uint8Array(CHUNK_SIZE_BYTES)

/**
 * Runs what a module runs before its first message; gives the instance too: it is as good as new.
 * @throws {Failure} `module-refused`
 */
export function makeImage(loaded: LoadedModule): { image: Image; machine: Machine } {
  const machine = new Machine(loaded)
  machine.begin({ timestampMs: 0, random: length => new Uint8Array(length), log: () => undefined }, GAS_PER_SLOT_MAX)
  try {
    machine.boot()
  } catch (error) {
    throw new Failure('module-refused', { rule: 'boot' }, { cause: error, note: 'its constructors fail' })
  }
  const { memory } = machine
  const boot = new Map<number, Uint8Array>()
  forEachDirty(memory, index => boot.set(index, memory.chunk(index).slice()))
  const chunks = new Map<number, Uint8Array>()
  const count = memory.bytes.length / CHUNK_SIZE_BYTES
  for (let index = 0; index < count; index++) {
    const chunk = memory.chunk(index)
    if (Buffer.compare(chunk, ZERO) !== 0) chunks.set(index, chunk.slice())
  }
  const snapshot = { pages: memory.pages, chunks, engine: encodeGlobals(machine.globals) }
  return { image: { snapshot, boot }, machine }
}
