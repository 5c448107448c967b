/** Room for the lines of a chunk is taken in steps of so many words: what grows by a line stays where it is. */
const STEP_WORDS = 64
/** Before the lines of a chunk stand its index, its room and its length, both in words. */
const HEAD_WORDS = 3
const [ROOM, LENGTH] = [1, 2]
/** In place of an index: nobody's any more. */
const NOBODY = -1
/** Bytes of a chunk besides its lines: an entry of a map. */
const OVERHEAD_BYTES = 50

/**
 * The chunks in which an agent differs from its image, as the lines in which they do (`protocol/guests/changed-lines.ts`). They lie one behind the
 * other in one buffer: who pages an agent in reads all of them, and finds a hundred small buffers cold.
 */
export class KeptLines {
  #words = new Int32Array(0)
  #used = 0
  /** Words of chunks that are somebody's. */
  #live = 0
  /** Where a chunk begins. */
  readonly #places = new Map<number, number>()

  get sizeBytes(): number {
    return this.#places.size * OVERHEAD_BYTES + 4 * this.#words.length
  }

  /** The lines of a chunk, valid until the next `put`; undefined if it is as in the image. */
  get(index: number): Int32Array | undefined {
    const place = this.#places.get(index)
    if (place === undefined) return undefined
    const from = place + HEAD_WORDS
    return this.#words.subarray(from, from + (this.#words[place + LENGTH] ?? 0))
  }

  /** Tells of each chunk in which words its lines lie, from where on, and how many they are. */
  each(tell: (index: number, words: Int32Array, from: number, length: number) => void): void {
    const words = this.#words
    for (let at = 0; at < this.#used; at += HEAD_WORDS + (words[at + ROOM] ?? 0)) {
      const index = words[at] ?? NOBODY
      if (index !== NOBODY) tell(index, words, at + HEAD_WORDS, words[at + LENGTH] ?? 0)
    }
  }

  /** Copies the lines of a chunk, none if it is as in the image. Gives whether they are others than before. */
  put(index: number, lines: Int32Array): boolean {
    const place = this.#places.get(index)
    if (place !== undefined) {
      if (lines.length > 0 && lines.length <= (this.#words[place + ROOM] ?? 0)) return this.#replace(place, lines)
      this.#live -= HEAD_WORDS + (this.#words[place + ROOM] ?? 0)
      this.#words[place] = NOBODY
      this.#places.delete(index)
    }
    if (lines.length === 0) return place !== undefined
    const room = Math.ceil(lines.length / STEP_WORDS) * STEP_WORDS
    if (this.#used + HEAD_WORDS + room > this.#words.length) this.#move(HEAD_WORDS + room)
    this.#live += HEAD_WORDS + room
    this.#places.set(index, this.#used)
    this.#words[this.#used] = index
    this.#words[this.#used + ROOM] = room
    this.#words[this.#used + LENGTH] = 0
    this.#replace(this.#used, lines)
    this.#used += HEAD_WORDS + room
    return true
  }

  #replace(place: number, lines: Int32Array): boolean {
    const from = place + HEAD_WORDS
    if (this.#words[place + LENGTH] === lines.length && isSame(this.#words, from, lines)) return false
    this.#words[place + LENGTH] = lines.length
    this.#words.set(lines, from)
    return true
  }

  /** Leaves out what is nobody's, and makes room for so many words and some more. */
  #move(needed: number): void {
    const moved = new Int32Array(Math.ceil(1.25 * (this.#live + needed)))
    let used = 0
    this.each((index, words, from) => {
      const start = from - HEAD_WORDS
      const size = HEAD_WORDS + (words[start + ROOM] ?? 0)
      moved.set(words.subarray(start, start + size), used)
      this.#places.set(index, used)
      used += size
    })
    this.#words = moved
    this.#used = used
  }

  clear(): void {
    this.#places.clear()
    this.#words = new Int32Array(0)
    this.#used = 0
    this.#live = 0
  }
}

function isSame(words: Int32Array, from: number, lines: Int32Array): boolean {
  for (let at = 0; at < lines.length; at++) if (words[from + at] !== lines[at]) return false
  return true
}
