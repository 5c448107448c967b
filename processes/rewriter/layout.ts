import type { ModuleShape } from './module-shape.ts'
import type { RewriteProfile } from './profile.ts'

/** Bytes of a WebAssembly page, and of a chunk: the unit of dirty tracking and of snapshots. */
export const PAGE_BYTES = 65_536
export const CHUNK_SHIFT = 12
export const CHUNK_BYTES = 1 << CHUNK_SHIFT
export const CHUNKS_PER_PAGE = PAGE_BYTES >> CHUNK_SHIFT

/** Engines give memories with 32-bit addresses no more, those with 64-bit addresses 16 GiB. */
const PAGES_MAX_32 = 65_536
const PAGES_MAX_64 = 262_144

/** Where added things stand in the index spaces of the rewritten module: behind its own. */
export interface Layout {
  readonly gasGlobal: number
  readonly depthGlobal: number
  readonly outOfMemoryGlobal: number
  /** Index of the first added function. */
  readonly firstFunction: number
  /** The most pages memory 0 can have. */
  readonly pagesMax: number
  /** Memory 1 in pages; 0 if there is none. */
  readonly dirtyMapPages: number
}

export function layoutOf(shape: ModuleShape, profile: RewriteProfile): Layout {
  const globals = shape.globals.length
  const addressable = shape.memory?.is64 === true ? PAGES_MAX_64 : PAGES_MAX_32
  const pagesMax = Math.min(profile.memoryPagesMax, shape.memory?.max ?? addressable, addressable)
  // One chunk more than there is: a mark may be set ahead for a store that is not reached.
  const mapBytes = pagesMax * CHUNKS_PER_PAGE + 1
  const tracked = profile.trackDirty && shape.memory !== undefined
  return {
    gasGlobal: globals,
    depthGlobal: globals + 1,
    outOfMemoryGlobal: globals + 2,
    firstFunction: shape.functions.length,
    pagesMax,
    dirtyMapPages: tracked ? Math.ceil(mapBytes / PAGE_BYTES) : 0,
  }
}
