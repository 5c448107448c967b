/** Room is taken in steps of so many words: what grows by a line stays where it is. */
const STEP_WORDS = 64
/** Bytes of a chunk besides its lines: an entry, two objects. */
const OVERHEAD_BYTES = 300

/** The chunks in which an agent differs from its image, as the lines in which they do (`protocol/changed-lines.ts`). */
export class KeptLines {
  readonly #chunks = new Map<number, Kept>()
  #words = 0

  get sizeBytes(): number {
    return this.#chunks.size * OVERHEAD_BYTES + 4 * this.#words
  }

  /** The lines of a chunk; undefined if it is as in the image. */
  get(index: number): Int32Array | undefined {
    return this.#chunks.get(index)?.lines
  }

  each(tell: (index: number, lines: Int32Array) => void): void {
    for (const [index, { lines }] of this.#chunks) tell(index, lines)
  }

  /** Copies the lines of a chunk, none if it is as in the image. Gives whether they are others than before. */
  put(index: number, lines: Int32Array): boolean {
    const kept = this.#chunks.get(index)
    if (lines.length === 0) {
      if (kept === undefined) return false
      this.#words -= kept.words.length
      return this.#chunks.delete(index)
    }
    if (kept !== undefined && lines.length <= kept.words.length) {
      if (kept.lines.length !== lines.length) kept.lines = kept.words.subarray(0, lines.length)
      else if (isSame(kept.lines, lines)) return false
      kept.lines.set(lines)
      return true
    }
    const words = new Int32Array(Math.ceil(lines.length / STEP_WORDS) * STEP_WORDS)
    words.set(lines)
    this.#words += words.length - (kept?.words.length ?? 0)
    this.#chunks.set(index, { words, lines: words.subarray(0, lines.length) })
    return true
  }

  clear(): void {
    this.#chunks.clear()
    this.#words = 0
  }
}

interface Kept {
  /** As much room as there is. */
  readonly words: Int32Array
  lines: Int32Array
}

function isSame(words: Int32Array, lines: Int32Array): boolean {
  for (let at = 0; at < lines.length; at++) if (words[at] !== lines[at]) return false
  return true
}
