/**
 * Where writers write. Short pieces that they give are parts of a slab: an ArrayBuffer for each would cost more than its
 * bytes. Slabs are lent to one writer after the other, and a piece that was given is never written to again.
 */
export interface Slab {
  readonly bytes: Uint8Array
  readonly view: DataView
  /** Whether pieces are given of it; else copies. */
  readonly isShared: boolean
  /** From here on nothing has been given. */
  free: number
}

/** A piece that is kept keeps no more than this. */
const SLAB_BYTES = 4096
/** What is longer is given as a copy of its own. */
const PIECE_MAX_BYTES = 1024
const SLABS_KEPT_MAX = 8
const LARGE_MIN_BYTES = 8192
const LARGE_KEPT_MAX_BYTES = 1024 * 1024

const slabs: Slab[] = []
/** For what is too long for a slab; nothing of them is given, so that they can be used again and again. */
const large: Slab[] = []

export const NO_SLAB = newSlab(0, false)

function newSlab(size: number, isShared: boolean): Slab {
  const bytes = new Uint8Array(size)
  return { bytes, view: new DataView(bytes.buffer), isShared, free: 0 }
}

/** A slab with room for so many bytes behind what was given of it. */
export function takeSlab(sizeBytes: number): Slab {
  if (sizeBytes <= PIECE_MAX_BYTES) return slabs.pop() ?? newSlab(SLAB_BYTES, true)
  const kept = large.pop()
  if (kept !== undefined && kept.bytes.length >= sizeBytes) return kept
  return newSlab(Math.max(LARGE_MIN_BYTES, sizeBytes), false)
}

/** Ends the loan of a slab; gives what stands there from `free` up to `end`. */
export function pieceOf(slab: Slab, end: number): Uint8Array {
  const { bytes, free, isShared } = slab
  const isPiece = isShared && end - free <= PIECE_MAX_BYTES
  if (isPiece) slab.free = end
  giveBack(slab)
  return isPiece ? bytes.subarray(free, end) : bytes.slice(free, end)
}

/** Ends the loan of a slab; nothing that was written meanwhile is needed. */
export function giveBack(slab: Slab): void {
  const { length } = slab.bytes
  if (slab.isShared) {
    if (slabs.length < SLABS_KEPT_MAX && slab.free + PIECE_MAX_BYTES <= length) slabs.push(slab)
  } else if (length > 0 && length <= LARGE_KEPT_MAX_BYTES && large.length < SLABS_KEPT_MAX) large.push(slab)
}
