import { CHUNK_SIZE_BYTES } from '../../protocol/index.ts'

/** What a chunk is looked at in: a counter or a pointer that changed brings no more of its chunk along. */
const LINE_BYTES = 32
const WORD_BYTES = 4
const LINE_WORDS = LINE_BYTES / WORD_BYTES
const LINES = CHUNK_SIZE_BYTES / LINE_BYTES
const MAP_BYTES = LINES / 8
/** More is never written for one chunk. */
export const CHANGED_LINES_MAX_BYTES = MAP_BYTES + CHUNK_SIZE_BYTES

/** Room for the lines of many chunks, one behind the other. */
export class ChangedLines {
  readonly bytes: Uint8Array
  readonly #words: Int32Array
  #used = 0

  /** @param sizeBytes a multiple of four */
  constructor(sizeBytes: number) {
    this.bytes = new Uint8Array(sizeBytes)
    this.#words = new Int32Array(this.bytes.buffer)
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
    const [now, before, into] = [wordsOf(chunk), wordsOf(base), this.#words]
    const map = this.#used
    let to = (map + MAP_BYTES) / WORD_BYTES
    for (let line = 0; line < LINES; line++) {
      const first = line * LINE_WORDS
      if (isSame(now, before, first)) continue
      if (this.#used === map) {
        this.bytes.fill(0, map, map + MAP_BYTES)
        this.#used += MAP_BYTES
      }
      this.bytes[map + (line >> 3)] = (this.bytes[map + (line >> 3)] ?? 0) | (1 << (line & 7))
      for (let word = first; word < first + LINE_WORDS; word++) into[to++] = now[word] ?? 0
      this.#used += LINE_BYTES
    }
  }
}

function isSame(a: Int32Array, b: Int32Array, first: number): boolean {
  for (let word = first; word < first + LINE_WORDS; word++) if (a[word] !== b[word]) return false
  return true
}

/** The same bytes as words; copied, if they do not lie so. */
function wordsOf(chunk: Uint8Array): Int32Array {
  const { buffer, byteOffset } = chunk.byteOffset % WORD_BYTES === 0 ? chunk : chunk.slice()
  return new Int32Array(buffer, byteOffset, CHUNK_SIZE_BYTES / WORD_BYTES)
}
