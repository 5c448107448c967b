/**
 * Fills the small holes that loading left all over the heap, for good. What a process allocates afterwards then lies
 * together in the free space behind, not in as many chunks as there are holes: a message changes a fraction of the
 * chunks, and so does the stored difference of each process.
 *
 * A hole is found by asking for its size: the allocator fills holes before it cuts from its large free block, and
 * pieces cut from that one lie side by side.
 */
export function fillHoles(allocate: (bytes: number) => number): void {
  for (const size of SIZES) {
    let before = 0
    let neighbours = 0
    while (neighbours < NEIGHBOURS) {
      const pointer = allocate(size)
      neighbours = pointer > before && pointer - before <= size + HEADER_MAX_BYTES ? neighbours + 1 : 0
      before = pointer
    }
  }
}

/** So many pieces side by side were cut from one block: there is no hole of that size any more. */
const NEIGHBOURS = 4
/** Bytes of the allocator's own before a piece, and up to its alignment. */
const HEADER_MAX_BYTES = 24

/** Large holes first: what is left of one is a smaller one. */
const SIZES = [4096, 3072, 2048, 1536, 1024, 768, 512, 384, 320]
for (let size = 256; size >= 12; size -= 8) SIZES.push(size)
