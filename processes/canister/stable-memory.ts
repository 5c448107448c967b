import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'
import { STABLE_PAGES_MAX } from './bounds.ts'
import { CanisterTrap } from './canister-trap.ts'
import { type KeptChunks, STABLE_BASE } from './kept-chunks.ts'

const PAGE_BYTES = 65_536

/** Stable memory during one execution: what it writes lies over what is kept, until the execution ends well. */
export class StableMemory {
  readonly #kept: KeptChunks
  readonly #written = new Map<number, Uint8Array>()
  /** In 64 KiB. */
  pages = 0

  constructor(kept: KeptChunks) {
    this.#kept = kept
  }

  /** Forgets what was written, and begins with `pages`. */
  begin(pages: number): void {
    if (this.#written.size > 0) this.#written.clear()
    this.pages = pages
  }

  /** What was written stays. */
  commit(): void {
    for (const [index, bytes] of this.#written) this.#kept.put(index, bytes)
    this.#written.clear()
  }

  /** Pages before, or -1. */
  grow(pages: number): number {
    if (!(pages >= 0 && this.pages + pages <= STABLE_PAGES_MAX)) return -1
    this.pages += pages
    return this.pages - pages
  }

  #check(offset: number, length: number): void {
    if (offset >= 0 && length >= 0 && offset + length <= this.pages * PAGE_BYTES) return
    throw new CanisterTrap('stable memory out of bounds')
  }

  /** Fills `into`. @throws {CanisterTrap} */
  read(offset: number, into: Uint8Array): void {
    this.#check(offset, into.length)
    for (let at = 0; at < into.length; ) {
      const index = STABLE_BASE + Math.floor((offset + at) / CHUNK_SIZE_BYTES)
      const from = (offset + at) % CHUNK_SIZE_BYTES
      const length = Math.min(CHUNK_SIZE_BYTES - from, into.length - at)
      const chunk = this.#written.get(index) ?? this.#kept.get(index)
      into.set(chunk.subarray(from, from + length), at)
      at += length
    }
  }

  /** @throws {CanisterTrap} */
  write(offset: number, bytes: Uint8Array): void {
    this.#check(offset, bytes.length)
    for (let at = 0; at < bytes.length; ) {
      const index = STABLE_BASE + Math.floor((offset + at) / CHUNK_SIZE_BYTES)
      const from = (offset + at) % CHUNK_SIZE_BYTES
      const length = Math.min(CHUNK_SIZE_BYTES - from, bytes.length - at)
      let chunk = this.#written.get(index)
      if (chunk === undefined) {
        chunk = this.#kept.get(index).slice()
        this.#written.set(index, chunk)
      }
      chunk.set(bytes.subarray(at, at + length), from)
      at += length
    }
  }

  /** Chunks written to so far. */
  get chunksWritten(): number {
    return this.#written.size
  }
}
