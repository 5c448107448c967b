// How the engine keeps all that takes 512 bytes at most: in slabs, each of which has places of one size.
export const SLAB_BYTES = 4096
/** What stands before the first place of a slab, and before the content of every place. */
export const SLAB_HEAD_BYTES = 24
export const PLACE_HEAD_BYTES = 8
/** Sizes of places, ascending. */
export const PLACE_SIZES: readonly number[] = [...steps(16, 128, 8), ...steps(144, 256, 16), ...steps(288, 512, 32)]

function steps(first: number, last: number, step: number): number[] {
  const sizes: number[] = []
  for (let size = first; size <= last; size += step) sizes.push(size)
  return sizes
}
