import { Buffer } from 'node:buffer'
import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'
import { CHUNKS_PER_PAGE, markedChunks } from '../rewriter/index.ts'
import { badCall } from './guest-stop.ts'

const CHUNK_SHIFT = 12
const PAGE_BYTES = 65_536
/** Up to this many bytes a loop is faster than a call. */
const BY_HAND_MAX_BYTES = 48
/** Keys remembered of one instance. */
const KEYS_KEPT = 64

/** Linear memory of one instance as the host uses it: checked ranges, marked writes, chunks. */
export class GuestMemory {
  readonly #memory: WebAssembly.Memory
  #words: Int32Array | undefined
  readonly #dirty: Uint8Array
  readonly #dirtyWords: Int32Array
  #bytes: Uint8Array<ArrayBuffer>
  #view: DataView<ArrayBuffer>
  /** The same bytes again, for the quick text functions of Buffer; its slice() would not copy. */
  #buffer: Buffer<ArrayBuffer>
  #chunks: (Uint8Array | undefined)[] = []
  readonly #keys: (string | undefined)[] = []

  constructor(memory: WebAssembly.Memory, dirty: WebAssembly.Memory) {
    this.#memory = memory
    this.#dirty = new Uint8Array(dirty.buffer)
    this.#dirtyWords = new Int32Array(dirty.buffer)
    this.#bytes = new Uint8Array(memory.buffer)
    this.#view = new DataView(memory.buffer)
    this.#buffer = Buffer.from(memory.buffer)
  }

  /** All of it; growth detaches the old buffer, whose length is then 0. */
  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.length === 0 ? this.#refresh() : this.#bytes
  }

  /** The same as words. */
  get words(): Int32Array {
    if (this.#words === undefined || this.#words.length === 0) this.#words = new Int32Array(this.#memory.buffer)
    return this.#words
  }

  /** For code of ours that reads it itself. */
  get shared(): WebAssembly.Memory {
    return this.#memory
  }

  get pages(): number {
    return this.bytes.length / PAGE_BYTES
  }

  #refresh(): Uint8Array<ArrayBuffer> {
    const { buffer } = this.#memory
    this.#bytes = new Uint8Array(buffer)
    this.#view = new DataView(buffer)
    this.#buffer = Buffer.from(buffer)
    this.#chunks = []
    return this.#bytes
  }

  grow(pages: number): void {
    if (pages > 0) this.#memory.grow(pages)
  }

  /** A view of what the guest named by pointer and length, both taken as unsigned. */
  read(pointer: number, length: number, call: string): Uint8Array<ArrayBuffer> {
    const start = this.check(pointer, length, call)
    return this.#bytes.subarray(start, start + (length >>> 0))
  }

  /** A copy of it. */
  copy(pointer: number, length: number, call: string): Uint8Array<ArrayBuffer> {
    const start = this.check(pointer, length, call)
    const end = start + (length >>> 0)
    const bytes = this.#bytes
    if (end - start > BY_HAND_MAX_BYTES) return bytes.slice(start, end)
    const copy = new Uint8Array(end - start)
    for (let at = start; at < end; at++) copy[at - start] = bytes[at] ?? 0
    return copy
  }

  /** One character for each byte. */
  readLatin1(pointer: number, length: number, call: string): string {
    const start = this.check(pointer, length, call)
    return this.#buffer.toString('latin1', start, start + (length >>> 0))
  }

  /** The same for a key: keys recur, and one that was read before costs a look. */
  readKey(pointer: number, length: number, call: string): string {
    const start = this.check(pointer, length, call)
    const size = length >>> 0
    const place = (31 * size + (this.#bytes[start] ?? 0) + (this.#bytes[start + size - 1] ?? 0)) % KEYS_KEPT
    const known = this.#keys[place]
    if (known !== undefined && this.#isText(known, start, size)) return known
    const key = this.#buffer.toString('latin1', start, start + size)
    this.#keys[place] = key
    return key
  }

  #isText(text: string, start: number, length: number): boolean {
    if (text.length !== length) return false
    for (let at = 0; at < length; at++) if (text.charCodeAt(at) !== this.#bytes[start + at]) return false
    return true
  }

  /** The start of a range that lies in memory. */
  check(pointer: number, length: number, call: string): number {
    const start = pointer >>> 0
    if (start + (length >>> 0) > this.bytes.length) throw badCall(call, 'pointer outside of memory')
    return start
  }

  /** Writes for the guest, as its own store would. */
  write(pointer: number, source: Uint8Array, call: string): void {
    const start = this.check(pointer, source.length, call)
    const { length } = source
    if (length === 0) return
    const bytes = this.#bytes
    if (length > BY_HAND_MAX_BYTES) bytes.set(source, start)
    else for (let at = 0; at < length; at++) bytes[start + at] = source[at] ?? 0
    this.#mark(start, length)
  }

  /** The same of a part of the source. */
  writePart(pointer: number, source: Uint8Array, from: number, to: number, call: string): void {
    if (to - from > BY_HAND_MAX_BYTES) return this.write(pointer, source.subarray(from, to), call)
    const start = this.check(pointer, to - from, call)
    if (to === from) return
    const bytes = this.#bytes
    for (let at = from; at < to; at++) bytes[start + at - from] = source[at] ?? 0
    this.#mark(start, to - from)
  }

  /** Writes a word at an address that the guest's own code gave; what lies outside of memory is nowhere. */
  store(pointer: number, word: number): void {
    this.words[pointer >>> 2] = word
    this.#dirty[pointer >>> CHUNK_SHIFT] = 1
  }

  storeByte(pointer: number, byte: number): void {
    this.bytes[pointer >>> 0] = byte
    this.#dirty[pointer >>> CHUNK_SHIFT] = 1
  }

  readUint32(pointer: number, call: string): number {
    const start = this.check(pointer, 4, call)
    return this.#view.getUint32(start, true)
  }

  writeUint32(pointer: number, value: number, call: string): void {
    const start = this.check(pointer, 4, call)
    this.#view.setUint32(start, value, true)
    this.#mark(start, 4)
  }

  #mark(start: number, length: number): void {
    const last = (start + length - 1) >>> CHUNK_SHIFT
    for (let chunk = start >>> CHUNK_SHIFT; chunk <= last; chunk++) this.#dirty[chunk] = 1
  }

  /** The bytes of a chunk, in place. */
  chunk(index: number): Uint8Array {
    if (this.#bytes.length === 0) this.#refresh()
    let view = this.#chunks[index]
    if (view === undefined) {
      const start = index * CHUNK_SIZE_BYTES
      view = this.#bytes.subarray(start, start + CHUNK_SIZE_BYTES)
      this.#chunks[index] = view
    }
    return view
  }

  /** Writes one byte for each character. */
  writeLatin1(pointer: number, text: string, call: string): void {
    const start = this.check(pointer, text.length, call)
    if (text.length === 0) return
    this.#buffer.write(text, start, 'latin1')
    this.#mark(start, text.length)
  }

  /** Fills `into` with the chunks stored to since the map was last cleared, ascending; gives their number. */
  dirtyChunks(into: number[]): number {
    return markedChunks(this.#dirtyWords, this.pages, into)
  }

  /** Clears the map for the given chunks and the one mark that may stand behind the last. */
  clearDirty(chunks: readonly number[], count: number): void {
    for (let index = 0; index < count; index++) this.#dirty[chunks[index] ?? 0] = 0
    this.#dirty[this.pages * CHUNKS_PER_PAGE] = 0
  }

  /** Clears all of the map: a store that trapped may have marked a chunk anywhere behind the memory. */
  clearAllDirty(): void {
    this.#dirty.fill(0)
  }
}
