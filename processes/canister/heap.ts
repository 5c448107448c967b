import { CHUNK_SIZE_BYTES, fromUtf8 } from '../../protocol/index.ts'
import { CHUNKS_PER_PAGE, markedChunks } from '../rewriter/index.ts'
import { CanisterTrap } from './canister-trap.ts'

const PAGE_BYTES = 65_536

/** Linear memory of one instance as the host uses it: checked ranges, marked writes. Addresses are numbers, 32-bit or 64-bit. */
export class Heap {
  readonly #memory: WebAssembly.Memory | undefined
  readonly #dirty: Uint8Array
  readonly #dirtyWords: Int32Array
  readonly #is64: boolean
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView<ArrayBuffer>

  constructor(memory: WebAssembly.Memory | undefined, dirty: WebAssembly.Memory | undefined, is64: boolean) {
    this.#memory = memory
    this.#is64 = is64
    this.#dirty = new Uint8Array(dirty?.buffer ?? new ArrayBuffer(4))
    this.#dirtyWords = new Int32Array(this.#dirty.buffer)
    this.#bytes = new Uint8Array(memory?.buffer ?? new ArrayBuffer(0))
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** All of it; growth detaches the old buffer, whose length is then 0. */
  get #now(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.length === 0 && this.#memory !== undefined) {
      this.#bytes = new Uint8Array(this.#memory.buffer)
      this.#view = new DataView(this.#memory.buffer)
    }
    return this.#bytes
  }

  get pages(): number {
    return this.#now.length / PAGE_BYTES
  }

  /** @throws RangeError if the engine has no memory left */
  grow(pages: number): void {
    if (pages <= 0) return
    // Delta and result are as wide as addresses.
    const grow = this.#memory?.grow as ((delta: number | bigint) => unknown) | undefined
    grow?.call(this.#memory, this.#is64 ? BigInt(pages) : pages)
  }

  has(start: number, length: number): boolean {
    return start >= 0 && length >= 0 && start + length <= this.#now.length
  }

  /** A view of a range. @throws {CanisterTrap} */
  read(start: number, length: number): Uint8Array<ArrayBuffer> {
    if (!this.has(start, length)) throw outOfBounds()
    return this.#now.subarray(start, start + length)
  }

  /** @throws {CanisterTrap} */
  text(start: number, length: number): string {
    try {
      return fromUtf8(this.read(start, length))
    } catch (error) {
      if (error instanceof CanisterTrap) throw error
      throw new CanisterTrap('a text that is not UTF-8', 'IC0504')
    }
  }

  /** Copies `source[offset … offset + length]` to `to`. @throws {CanisterTrap} if any of it does not exist */
  copyIn(to: number, source: Uint8Array, offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= source.length)) throw outOfBounds()
    const bytes = this.#now
    if (!(to >= 0 && to + length <= bytes.length)) throw outOfBounds()
    if (length === 0) return
    if (length < 64) for (let at = 0; at < length; at++) bytes[to + at] = source[offset + at] ?? 0
    else bytes.set(length === source.length ? source : source.subarray(offset, offset + length), to)
    this.#mark(to, length)
  }

  /** 128 bits, little-endian. @throws {CanisterTrap} */
  write128(to: number, value: bigint): void {
    if (!(to >= 0 && to + 16 <= this.#now.length)) throw outOfBounds()
    this.#view.setBigUint64(to, BigInt.asUintN(64, value), true)
    this.#view.setBigUint64(to + 8, BigInt.asUintN(64, value >> 64n), true)
    this.#mark(to, 16)
  }

  #mark(start: number, length: number): void {
    const last = Math.floor((start + length - 1) / CHUNK_SIZE_BYTES)
    for (let chunk = Math.floor(start / CHUNK_SIZE_BYTES); chunk <= last; chunk++) this.#dirty[chunk] = 1
  }

  /** The bytes of a chunk, in place. */
  chunk(index: number): Uint8Array {
    const start = index * CHUNK_SIZE_BYTES
    return this.#now.subarray(start, start + CHUNK_SIZE_BYTES)
  }

  /** Fills `into` with the chunks stored to since the map was last cleared, ascending; gives their number. */
  dirtyChunks(into: number[]): number {
    return markedChunks(this.#dirtyWords, this.pages, into)
  }

  /** Clears the map for the given chunks and the one mark that may stand behind the last. */
  clearDirty(chunks: readonly number[], count: number): void {
    for (let at = 0; at < count; at++) this.#dirty[chunks[at] ?? 0] = 0
    const behind = this.pages * CHUNKS_PER_PAGE
    if (behind < this.#dirty.length) this.#dirty[behind] = 0
  }

  /** Clears all of the map: a store that trapped may have marked a chunk anywhere behind the memory. */
  clearAllDirty(): void {
    this.#dirty.fill(0)
  }
}

const outOfBounds = (): CanisterTrap => new CanisterTrap('heap out of bounds')
