/** So much is taken at once. What is longer lies by itself. */
const PIECE_BYTES = 1024 * 1024
/** What is kept of a block: its piece, its start and its end. */
const NUMBERS = 3

/**
 * The bytes of blocks, one behind the other, each named by a number. They stay as long as a network does: an object for each, and what
 * else lies in the buffer it came in, would be more than they are, and new memory is what a long test pays most for.
 */
export class MemoryBlocks {
  readonly #pieces: Uint8Array[] = []
  readonly #places: number[] = []
  /** The piece that is being filled, and how far it is; none at first. */
  #open = -1
  #free = PIECE_BYTES + 1

  /** Keeps a copy; gives the number by which it is read. */
  keep(block: Uint8Array): number {
    const { length } = block
    const [piece, start] = length > PIECE_BYTES ? [this.#add(block.slice()), 0] : this.#write(block)
    this.#places.push(piece, start, start + length)
    return this.#places.length / NUMBERS - 1
  }

  read(block: number): Uint8Array {
    const at = block * NUMBERS
    const piece = this.#pieces[this.#places[at] ?? -1]
    if (piece === undefined) throw new RangeError('no such block')
    return piece.subarray(this.#places[at + 1], this.#places[at + 2])
  }

  #write(block: Uint8Array): readonly [piece: number, start: number] {
    if (this.#free + block.length > PIECE_BYTES) {
      this.#open = this.#add(new Uint8Array(PIECE_BYTES))
      this.#free = 0
    }
    const start = this.#free
    this.#pieces[this.#open]?.set(block, start)
    this.#free += block.length
    return [this.#open, start]
  }

  #add(piece: Uint8Array): number {
    return this.#pieces.push(piece) - 1
  }
}
