import {
  CHUNK_SIZE_BYTES,
  chunkDifference,
  type GuestFactory,
  type GuestSnapshot,
  wholeChunk,
} from '../../protocol/index.ts'

const ZEROES = new Uint8Array(CHUNK_SIZE_BYTES)

/**
 * What a checkpoint keeps of a chunk: how it differs from the module's image. Programs that count references touch most
 * of their memory and change little of it.
 */
export function keptChunk({ image }: GuestFactory, index: number, chunk: Uint8Array): Uint8Array {
  return chunkDifference(chunk, image.chunks.get(index) ?? ZEROES)
}

/**
 * The chunks of a checkpoint as they are in memory, in one buffer: many small ones are much work for the collector of garbage.
 * @throws {RangeError} if the checkpoint is damaged
 */
export function wholeChunks<S extends GuestSnapshot>({ image }: GuestFactory, snapshot: S): S {
  const chunks = new Map<number, Uint8Array>()
  const all = new Uint8Array(snapshot.chunks.size * CHUNK_SIZE_BYTES)
  for (const [index, kept] of snapshot.chunks) {
    const start = chunks.size * CHUNK_SIZE_BYTES
    const whole = all.subarray(start, start + CHUNK_SIZE_BYTES)
    wholeChunk(kept, image.chunks.get(index) ?? ZEROES, whole)
    chunks.set(index, whole)
  }
  return { ...snapshot, chunks }
}
