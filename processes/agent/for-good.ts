import { HostFault } from '../../protocol/index.ts'
import type { GuestMemory } from '../actor/guest-memory.ts'
import { COUNT_BEFORE, KEPT_COUNT_MIN, KIND_BEFORE, OBJECTS_AT } from './values/layout.ts'
import { PLACE_HEAD_BYTES, PLACE_SIZES, SLAB_HEAD_BYTES } from './slabs.ts'

/** Far from the least that is never written again, and far from being below zero. */
export const KEPT_COUNT = KEPT_COUNT_MIN + 2 ** 29

/** In the runtime of quickjs-wasi 3.6.2: a list of slabs for each size. */
const SLAB_LISTS_AT = 40
/** A list is a ring of links: the one before, the one behind. */
const LINK_BYTES = 8
const NEXT_AT = 4
/** In a slab, before its places: the links of the free list and of the list, then size class, places in use, places, and the first free one. */
const SLAB_LINK_AT = 8
const SLAB_SIZE_AT = 16
const SLAB_COUNT_AT = 20
const SLAB_FREE_AT = 22
/** The kind of what says how objects are laid out: one that is of a single object is changed in place. It has seven bits. */
const SHAPE = 2
/** The smallest thing that a list can have. */
const LISTED_MIN_BYTES = 16

/**
 * Gives all that stands in the heap a count of references that stays as it is: an image is shared, and half of what a message stored to was
 * counts of it, which go up and down again. What has such a count is never freed. Free places are left alone. `runtime` is the address of the engine's.
 * @throws {HostFault} if the heap is not that of the engine that this was made for
 */
export function keepForGood(memory: GuestMemory, runtime: number): void {
  const { words } = memory
  const listedMax = memory.bytes.length / LISTED_MIN_BYTES
  const word = (at: number): number => words[at >> 2] ?? 0
  const half = (at: number): number => (word(at & ~3) >>> (8 * (at & 2))) & 0xffff
  const keep = (content: number): void => {
    const count = word(content - COUNT_BEFORE)
    const isShape = ((memory.bytes[content - KIND_BEFORE] ?? 0) & 0x7f) === SHAPE
    if (count > (isShape ? 1 : 0) && count < KEPT_COUNT) words[(content - COUNT_BEFORE) >> 2] = KEPT_COUNT
  }

  PLACE_SIZES.forEach((size, sizeClass) => {
    for (const link of ring(word, runtime + SLAB_LISTS_AT + sizeClass * LINK_BYTES, listedMax)) {
      const slab = link - SLAB_LINK_AT
      if ((word(slab + SLAB_SIZE_AT) & 0xff) !== sizeClass) throw otherHeap(`a slab of another size at ${slab}`)
      const count = half(slab + SLAB_COUNT_AT)
      const free = new Set<number>()
      const place = (index: number): number => slab + SLAB_HEAD_BYTES + index * size
      for (let index = half(slab + SLAB_FREE_AT); index < count; index = half(place(index))) {
        if (free.has(index)) throw otherHeap(`free places in a ring at ${slab}`)
        free.add(index)
      }
      for (let index = 0; index < count; index++) if (!free.has(index)) keep(place(index) + PLACE_HEAD_BYTES)
    }
  })
  for (const object of ring(word, runtime + OBJECTS_AT, listedMax)) keep(object)
}

/** The links of a list, without its head: up to `max`, which is more than memory has room for. */
function* ring(word: (at: number) => number, head: number, max: number): Iterable<number> {
  let length = 0
  for (let link = word(head + NEXT_AT); link !== head; link = word(link + NEXT_AT)) {
    if (++length > max) throw otherHeap(`a list without end at ${head}`)
    yield link
  }
}

const otherHeap = (what: string): HostFault => new HostFault(`the heap of the engine is another than expected: ${what}`)
