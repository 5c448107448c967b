import { CHUNK_SIZE_BYTES } from '../limits/limits.ts'

/** Unequal places closer together than this are told as one: a run costs four bytes of its own. */
const GAP_BYTES = 8
const RUN_HEADER_BYTES = 4

/** A run takes a byte at least, and all of them less than a chunk. */
const RUNS_MAX = Math.ceil(CHUNK_SIZE_BYTES / (RUN_HEADER_BYTES + 1))
/** Where the runs that are found begin and end; as objects they would be made anew with each byte that differs. */
const starts = new Uint16Array(RUNS_MAX)
const ends = new Uint16Array(RUNS_MAX)

/**
 * How a chunk differs from `base`: runs of `[offset, length, bytes]`, both 16-bit little-endian, in order. The chunk
 * itself if that is not shorter; so a difference is known by its length. Both chunks are whole.
 */
export function chunkDifference(chunk: Uint8Array, base: Uint8Array): Uint8Array {
  let [runs, bytes, end] = [0, 0, -GAP_BYTES]
  for (let at = 0; at < CHUNK_SIZE_BYTES; at++) {
    if (chunk[at] === base[at]) continue
    if (at - end < GAP_BYTES) bytes += at + 1 - end
    else {
      bytes += RUN_HEADER_BYTES + 1
      starts[runs++] = at
    }
    if (bytes >= CHUNK_SIZE_BYTES) return chunk.slice()
    end = at + 1
    ends[runs - 1] = end
  }
  const difference = new Uint8Array(bytes)
  for (let [run, to] = [0, 0]; run < runs; run++) {
    const [start, length] = [starts[run] ?? 0, (ends[run] ?? 0) - (starts[run] ?? 0)]
    difference[to++] = start
    difference[to++] = start >> 8
    difference[to++] = length
    difference[to++] = length >> 8
    for (let at = start; at < start + length; at++) difference[to++] = chunk[at] ?? 0
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
