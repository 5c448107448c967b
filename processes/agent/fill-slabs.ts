import { PLACE_HEAD_BYTES, PLACE_SIZES, SLAB_BYTES, SLAB_HEAD_BYTES } from './slabs.ts'

/** What takes places in the slabs of an engine. */
export interface Slabs {
  /** Keeps so many bytes for good; gives their address. */
  bytes(length: number): number
  /** The same in a string, which is shorter by `TEXT_HEAD_BYTES` than its place. */
  text(length: number): number
  /** Takes so many bytes, which can be given back. */
  take(length: number): number
  giveBack(address: number): void
}

/** What a string takes besides its characters and the head of its place. */
const TEXT_HEAD_BYTES = 26
/** Strings have places of this size at least. Smaller ones are for the content of buffers. */
const TEXT_PLACE_MIN_BYTES = 40
/** So many places side by side are those of a fresh slab, or of one that is as good. */
const NEIGHBOURS = 12
/** A slab of another kind of allocator would never show neighbours. */
const PLACES_MAX = 10_000

/**
 * Uses up the free places that loading left in the engine's slabs, for good. A slab that lost one of a hundred neighbours is filled before a fresh
 * one is begun. So what a process allocates would lie in forty slabs all over the heap, and each would be a chunk that
 * changed. Afterwards a message finds fresh slabs, which lie together.
 */
export function fillSlabs({ bytes, text }: Slabs): void {
  // Small places first: what fills them is buffers, and each comes with places for its object.
  for (const place of PLACE_SIZES) {
    const content = place - PLACE_HEAD_BYTES
    fillSize(place, () => (place < TEXT_PLACE_MIN_BYTES ? bytes(content) : text(content - TEXT_HEAD_BYTES)))
  }
}

/**
 * Begins slabs that stay, because one place or two in each are kept for good. The engine gives a slab back with its last place, and to begin one costs as
 * much as forty places of it: a message that took the first place of a slab and gave it back would pay for that each time.
 */
export function beginSlabs({ take, giveBack }: Slabs): void {
  for (const place of PLACE_SIZES) {
    const places = Math.floor((SLAB_BYTES - SLAB_HEAD_BYTES) / place)
    const taken = Array.from({ length: places }, () => take(place - PLACE_HEAD_BYTES))
    const apart = Math.floor(places / 2)
    for (let index = taken.length - 1; index >= 0; index--) if (index % apart !== 0) giveBack(taken[index] ?? 0)
  }
}

function fillSize(place: number, allocate: () => number): void {
  const enough = Math.min(NEIGHBOURS, Math.floor(SLAB_BYTES / place) - 2)
  let before = 0
  let neighbours = 0
  for (let made = 0; neighbours < enough && made < PLACES_MAX; made++) {
    const address = allocate()
    // Every other place may be taken by what comes along.
    const isNeighbour = address > before && address - before <= 2 * place
    neighbours = isNeighbour ? neighbours + 1 : 0
    before = address
  }
}
