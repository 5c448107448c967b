import {
  CHANGED_LINES_MAX_BYTES,
  CHUNK_SIZE_BYTES,
  type Differences,
  differencesIn,
  takeOff,
} from '../../protocol/index.ts'
import { CHUNKS_PER_PAGE } from '../rewriter/index.ts'
import type { Image } from './image.ts'
import type { Machine } from './machine.ts'

const CHUNK_WORDS = CHUNK_SIZE_BYTES / 4
const PAGE_BYTES = 65_536
/** Up to this many words a loop over the lines is faster than to copy the chunk: a map and four lines. */
const BY_LINES_MAX_WORDS = 4 + 4 * 8

/** What is found last: all instances write it to the same place. */
const found = new WebAssembly.Memory({ initial: Math.ceil(CHANGED_LINES_MAX_BYTES / PAGE_BYTES) })
const foundWords = new Int32Array(found.buffer)

/** The memory of an image in one piece, with which chunks of instances are compared where they lie. */
export class ImageLines {
  readonly #words: Int32Array
  readonly #views: (Uint8Array | undefined)[] = []
  readonly #memory: WebAssembly.Memory
  readonly #chunks: number
  readonly #differences = new WeakMap<Machine, Differences>()

  constructor({ pages, chunks }: Image) {
    this.#chunks = pages * CHUNKS_PER_PAGE
    this.#memory = new WebAssembly.Memory({ initial: pages })
    const bytes = new Uint8Array(this.#memory.buffer)
    for (const [index, content] of chunks) bytes.set(content, index * CHUNK_SIZE_BYTES)
    this.#words = new Int32Array(this.#memory.buffer)
  }

  /** Where a chunk of the image begins. Behind the image all is zero, as is its first chunk: that of the stack. */
  #at(index: number): number {
    return index < this.#chunks ? index * CHUNK_SIZE_BYTES : 0
  }

  /** Makes a chunk of an instance as it is in the image. */
  setBack(machine: Machine, index: number): void {
    machine.calls.memory.chunk(index).set(this.#chunk(index))
  }

  /** The same of one that differs in the lines that lie in `lines`, from word `from` on. */
  takeOff(machine: Machine, index: number, lines: Int32Array, from: number, length: number): void {
    if (length > BY_LINES_MAX_WORDS) return this.setBack(machine, index)
    takeOff(machine.calls.memory.words, index * CHUNK_WORDS, lines, from, this.#words, this.#at(index) / 4)
  }

  #chunk(index: number): Uint8Array {
    const at = this.#at(index)
    let view = this.#views[at / CHUNK_SIZE_BYTES]
    if (view === undefined) {
      view = new Uint8Array(this.#memory.buffer, at, CHUNK_SIZE_BYTES)
      this.#views[at / CHUNK_SIZE_BYTES] = view
    }
    return view
  }

  /** The lines in which a chunk of an instance differs from the image; valid until the next call. */
  find(machine: Machine, index: number): Int32Array {
    const bytes = this.#of(machine)(0, index * CHUNK_SIZE_BYTES, this.#at(index))
    return foundWords.subarray(0, bytes / 4)
  }

  #of(machine: Machine): Differences {
    let differences = this.#differences.get(machine)
    if (differences === undefined) {
      differences = differencesIn({ out: found, chunk: machine.calls.memory.shared, base: this.#memory })
      this.#differences.set(machine, differences)
    }
    return differences
  }
}
