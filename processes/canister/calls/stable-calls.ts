import { CanisterTrap } from '../canister-trap.ts'
import { CHUNK_GAS, GROW_PAGE_GAS, type Host, type SystemFunctions } from './host.ts'

/** Pages that 32-bit calls can name. */
const PAGES_32 = 65_536

export function stableCalls(host: Host): SystemFunctions {
  const read = (to: number, offset: number, length: number): undefined => {
    const { heap, stable } = host
    host.charge(length)
    // The heap is written only if all of it can be.
    heap.read(to, length)
    const bytes = new Uint8Array(length)
    stable.read(offset, bytes)
    heap.copyIn(to, bytes, 0, length)
  }
  const write = (offset: number, from: number, length: number): undefined => {
    const { heap, stable } = host
    host.charge(length)
    const before = stable.chunksWritten
    stable.write(offset, heap.read(from, length))
    host.charge(CHUNK_GAS * (stable.chunksWritten - before))
  }
  const grow = (pages: number): number => {
    const before = host.stable.grow(pages)
    if (before >= 0) host.charge(GROW_PAGE_GAS * pages)
    return before
  }
  const in32 = (): void => {
    if (host.stable.pages > PAGES_32) throw new CanisterTrap('stable memory is too large for 32-bit calls', 'IC0504')
  }
  return {
    stable_size: () => {
      in32()
      return host.stable.pages
    },
    stable_grow: (pages: number) => {
      in32()
      const more = pages >>> 0
      return host.stable.pages + more > PAGES_32 ? -1 : grow(more)
    },
    stable_write: (offset: number, from: number, length: number) => {
      in32()
      return write(offset >>> 0, from >>> 0, length >>> 0)
    },
    stable_read: (to: number, offset: number, length: number) => {
      in32()
      return read(to >>> 0, offset >>> 0, length >>> 0)
    },
    stable64_size: () => BigInt(host.stable.pages),
    stable64_grow: (pages: bigint) => BigInt(grow(unsigned(pages))),
    stable64_write: (offset: bigint, from: bigint, length: bigint) =>
      write(unsigned(offset), unsigned(from), unsigned(length)),
    stable64_read: (to: bigint, offset: bigint, length: bigint) =>
      read(unsigned(to), unsigned(offset), unsigned(length)),
  }
}

/** Beyond 2^53 nothing exists that could be met; rounding changes nothing. */
const unsigned = (value: bigint): number => Number(BigInt.asUintN(64, value))
