import type { CoreRX, CoreTX } from 'hypercore-storage/lib/tx.js'
import { equalBytes } from '../../protocol/index.ts'

/** Blocks in one page of a Hypercore's bitfield, as hypercore-storage keeps it: a bit for each, lowest bit first. */
const BLOCKS_PER_PAGE = 32_768
const PAGE_SIZE_BYTES = BLOCKS_PER_PAGE / 8

/** The pages that become full when a feed that has all its blocks grows from `from` to `to` blocks, by their index. */
export function* fullPages(from: number, to: number): Iterable<readonly [number, Uint8Array]> {
  const end = Math.floor(to / BLOCKS_PER_PAGE)
  for (let index = Math.floor(from / BLOCKS_PER_PAGE); index < end; index++) yield [index, pageOf(BLOCKS_PER_PAGE)]
}

/** Writes the last page of the bitfield, should it lag behind the hints. */
export async function completeBitfield(read: () => CoreRX, write: () => CoreTX): Promise<void> {
  const rx = read()
  const reading = rx.getHints()
  rx.tryFlush()
  const length = (await reading)?.contiguousLength ?? 0
  if (length === 0) return
  const [index, page] = lastPage(length)
  const pages = read()
  const held = pages.getBitfieldPage(index)
  pages.tryFlush()
  const before = await held
  // A Hypercore may have set bits beyond, of blocks it fetched out of order.
  for (const [at, byte] of before?.entries() ?? []) page[at] = (page[at] ?? 0) | byte
  if (before !== null && equalBytes(before, page)) return
  const tx = write()
  tx.putBitfieldPage(index, page)
  await tx.flush()
}

/** The last page of a feed that has all of its `length` blocks, one or more, and its index. */
function lastPage(length: number): readonly [number, Uint8Array] {
  const index = Math.floor((length - 1) / BLOCKS_PER_PAGE)
  return [index, pageOf(length - index * BLOCKS_PER_PAGE)]
}

/** A page whose first `count` bits are set. */
function pageOf(count: number): Uint8Array {
  const page = new Uint8Array(PAGE_SIZE_BYTES)
  const whole = count >> 3
  page.fill(0xff, 0, whole)
  if ((count & 7) !== 0) page[whole] = (1 << (count & 7)) - 1
  return page
}
