import { CHUNK_SIZE_BYTES } from '../limits/limits.ts'

/** Unequal places closer together than this are told as one: a run costs four bytes of its own. */
const GAP_BYTES = 8
const RUN_HEADER_BYTES = 4

/**
 * How a chunk differs from `base`: runs of `[offset, length, bytes]`, both 16-bit little-endian, in order. The chunk
 * itself if that is not shorter; so a difference is known by its length. Both chunks are whole.
 */
export function chunkDifference(chunk: Uint8Array, base: Uint8Array): Uint8Array {
  const runs: (readonly [start: number, end: number])[] = []
  let bytes = 0
  for (let at = 0; at < CHUNK_SIZE_BYTES; at++) {
    if (chunk[at] === base[at]) continue
    const last = runs.at(-1)
    if (last !== undefined && at - last[1] < GAP_BYTES) {
      bytes += at + 1 - last[1]
      runs[runs.length - 1] = [last[0], at + 1]
    } else {
      bytes += RUN_HEADER_BYTES + 1
      runs.push([at, at + 1])
    }
    if (bytes >= CHUNK_SIZE_BYTES) return chunk.slice()
  }
  const difference = new Uint8Array(bytes)
  const view = new DataView(difference.buffer)
  let to = 0
  for (const [start, end] of runs) {
    view.setUint16(to, start, true)
    view.setUint16(to + 2, end - start, true)
    difference.set(chunk.subarray(start, end), to + RUN_HEADER_BYTES)
    to += RUN_HEADER_BYTES + end - start
  }
  return difference
}

/** The chunk that `difference` tells, written to `into`. @throws {RangeError} if it tells none */
export function wholeChunk(difference: Uint8Array, base: Uint8Array, into: Uint8Array): void {
  if (difference.length === CHUNK_SIZE_BYTES) {
    into.set(difference)
    return
  }
  into.set(base)
  const view = new DataView(difference.buffer, difference.byteOffset, difference.length)
  for (let at = 0; at < difference.length; ) {
    const start = view.getUint16(at, true)
    const end = start + view.getUint16(at + 2, true)
    const next = at + RUN_HEADER_BYTES + end - start
    if (end > CHUNK_SIZE_BYTES || next > difference.length) throw new RangeError('a run outside of its chunk')
    into.set(difference.subarray(at + RUN_HEADER_BYTES, next), start)
    at = next
  }
}
