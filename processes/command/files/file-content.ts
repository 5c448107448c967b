import { COMMAND_PIECE_SIZE_BYTES } from '../../../protocol/index.ts'

const PIECE = COMMAND_PIECE_SIZE_BYTES

/** Pieces of a file as it was when the run began. */
export interface StoredPieces {
  readonly size: number
  piece(index: number): Uint8Array
}

const NOTHING_STORED: StoredPieces = {
  size: 0,
  piece: index => {
    throw new Error(`expected no piece of an empty file, got ${index}`)
  },
}

/** How many pieces a file of that size has: an empty one has one, so that it exists. */
export const pieceCount = (size: number): number => Math.max(1, Math.ceil(size / PIECE))

/** How long piece `index` of a file of that size is. */
export const pieceLength = (size: number, index: number): number => Math.min(PIECE, size - index * PIECE)

/**
 * Bytes of one file during a run: pieces are read when first needed, copied when first written to.
 * Every piece that is not as stored is in `changed`.
 */
export class FileContent {
  readonly changed = new Set<number>()
  readonly #stored: StoredPieces
  /** Stored pieces beyond this are gone: the file was shorter once. */
  #storedCount: number
  readonly #own = new Map<number, Uint8Array>()
  #size: number

  constructor(stored: StoredPieces = NOTHING_STORED) {
    this.#stored = stored
    this.#size = stored.size
    this.#storedCount = stored === NOTHING_STORED ? 0 : pieceCount(stored.size)
    if (stored === NOTHING_STORED) this.changed.add(0)
  }

  get size(): number {
    return this.#size
  }

  /** Bytes of piece `index` as it is now. */
  piece(index: number): Uint8Array {
    const length = pieceLength(this.#size, index)
    return this.#written(index)?.subarray(0, length) ?? new Uint8Array(length)
  }

  /** Nothing, where nobody has written: there it is zero. */
  #written(index: number): Uint8Array | undefined {
    return this.#own.get(index) ?? (index < this.#storedCount ? this.#stored.piece(index) : undefined)
  }

  /** Fills `target` from `position` on; gives how many bytes there were. */
  read(position: number, target: Uint8Array): number {
    const end = Math.min(this.#size, position + target.length)
    for (let at = position; at < end; ) {
      const index = Math.floor(at / PIECE)
      const inside = at - index * PIECE
      const length = Math.min(PIECE - inside, end - at)
      const written = this.#written(index)
      if (written === undefined) target.fill(0, at - position, at - position + length)
      else target.set(written.subarray(inside, inside + length), at - position)
      at += length
    }
    return Math.max(0, end - position)
  }

  /** Writes all of `bytes` at `position`, and zeroes before it if the file ends earlier. */
  write(position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    if (position + bytes.length > this.#size) this.resize(position + bytes.length)
    for (let at = 0; at < bytes.length; ) {
      const index = Math.floor((position + at) / PIECE)
      const inside = position + at - index * PIECE
      const part = bytes.subarray(at, at + PIECE - inside)
      this.#writable(index).set(part, inside)
      at += part.length
    }
  }

  resize(size: number): void {
    if (size === this.#size) return
    const [smaller, larger] = size < this.#size ? [size, this.#size] : [this.#size, size]
    // The last piece of the smaller size has an end inside, or none: what lies behind it is zero.
    const edge = pieceCount(smaller) - 1
    this.#writable(edge).fill(0, smaller - edge * PIECE)
    for (let index = edge + 1; index < pieceCount(larger); index++) {
      if (size > this.#size) {
        this.changed.add(index)
        continue
      }
      this.#own.delete(index)
      this.changed.delete(index)
    }
    this.#storedCount = Math.min(this.#storedCount, pieceCount(size))
    this.#size = size
  }

  #writable(index: number): Uint8Array {
    this.changed.add(index)
    const own = this.#own.get(index)
    if (own !== undefined) return own
    const copy = new Uint8Array(PIECE)
    if (index < this.#storedCount && index < pieceCount(this.#size)) copy.set(this.piece(index))
    this.#own.set(index, copy)
    return copy
  }
}
