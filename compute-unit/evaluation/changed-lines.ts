import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'
import { BASE_AT, CHUNK_AT, changedLinesModule, OUT_AT } from './changed-lines-code.ts'

/** What a chunk is looked at in: a counter or a pointer that changed brings no more of its chunk along. */
const LINE_BYTES = 32
const MAP_BYTES = CHUNK_SIZE_BYTES / LINE_BYTES / 8
/** More is never written for one chunk. */
export const CHANGED_LINES_MAX_BYTES = MAP_BYTES + CHUNK_SIZE_BYTES

/** Room for the lines of many chunks, one behind the other. */
export class ChangedLines {
  readonly bytes: Uint8Array
  /** The same, as words. */
  readonly words: Int32Array
  readonly #memory: Uint8Array
  readonly #differences: (out: number) => number
  #used = 0

  constructor(sizeBytes: number) {
    const module = new WebAssembly.Module(changedLinesModule(sizeBytes))
    const { exports } = new WebAssembly.Instance(module)
    const { buffer } = exports['memory'] as WebAssembly.Memory
    this.#memory = new Uint8Array(buffer)
    this.bytes = new Uint8Array(buffer, OUT_AT, sizeBytes)
    this.words = new Int32Array(buffer, OUT_AT, sizeBytes / 4)
    this.#differences = exports['differences'] as (out: number) => number
  }

  /** Bytes that are written. */
  get used(): number {
    return this.#used
  }

  get left(): number {
    return this.bytes.length - this.#used
  }

  clear(): void {
    this.#used = 0
  }

  /**
   * Adds the lines in which a chunk differs from `base`: a map of 128 bits, line 0 in the lowest bit of the first byte, and the
   * lines that it names, in order; or nothing if there are none. Needs room for `CHANGED_LINES_MAX_BYTES`.
   */
  add(chunk: Uint8Array, base: Uint8Array): void {
    this.#memory.set(chunk, CHUNK_AT)
    this.#memory.set(base, BASE_AT)
    this.#used += this.#differences(OUT_AT + this.#used)
  }
}
