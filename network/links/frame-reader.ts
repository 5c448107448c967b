/** Bytes of the length before each frame. */
export const HEAD_BYTES = 4
const NOTHING = new Uint8Array(0)
/** Room of their own costs small frames several times what their bytes do. */
const [SLAB_BYTES, SMALL_MAX_BYTES] = [4_096, 1_024]

/**
 * Takes a stream of bytes apart into frames: four bytes of length, most significant first, then that many bytes.
 *
 * 1. No byte is copied more than twice or so, and of what came whole nothing that is half of its piece or more.
 * 2. A frame holds no more than twice its own bytes, finished or not, and a small one no more than a slab that small ones share: whoever takes
 *    it may let it wait, and counts what it has. A view of a piece would hold all that came with it.
 * 3. It has room for what came, and as much again: whoever announces much and sends little takes little.
 */
export class FrameReader {
  readonly #maxBytes: number
  /** The beginning of a frame, and room for more of it. */
  #begun = NOTHING
  #bytes = 0
  /** How long it is, head and all, or that of its head. */
  #wanted = HEAD_BYTES
  #slab = NOTHING
  #slabAt = 0

  /** `maxBytes`: the longest frame that is taken. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Room that is held for what has not come to its end. */
  get heldBytes(): number {
    return this.#begun.length
  }

  /** The frames that `piece` completes, in order. @throws {FrameTooLong} */
  *take(piece: Uint8Array): Generator<Uint8Array> {
    let at = 0
    while (this.#bytes > 0 && at < piece.length) {
      at += this.#begin(piece.subarray(at))
      if (this.#bytes < this.#wanted) return
      if (this.#bytes === HEAD_BYTES && this.#wanted === HEAD_BYTES) this.#wanted += this.#lengthAt(this.#begun, 0)
      if (this.#bytes < this.#wanted) continue
      const frame = this.#begun.subarray(HEAD_BYTES, this.#bytes)
      this.#forget()
      yield frame
    }
    while (piece.length - at >= HEAD_BYTES) {
      const end = at + HEAD_BYTES + this.#lengthAt(piece, at)
      if (end > piece.length) {
        this.#wanted = end - at
        break
      }
      yield this.#byItself(piece.subarray(at + HEAD_BYTES, end))
      at = end
    }
    if (at < piece.length) this.#begin(piece.subarray(at))
  }

  /** Keeps what is wanted of a piece; gives how much that is. */
  #begin(piece: Uint8Array): number {
    const some = piece.subarray(0, this.#wanted - this.#bytes)
    const bytes = this.#bytes + some.length
    if (bytes > this.#begun.length) {
      const room = new Uint8Array(Math.min(this.#wanted, 2 * bytes))
      room.set(this.#begun.subarray(0, this.#bytes))
      this.#begun = room
    }
    this.#begun.set(some, this.#bytes)
    this.#bytes = bytes
    return some.length
  }

  #byItself(frame: Uint8Array): Uint8Array {
    const { length } = frame
    if (2 * length >= frame.buffer.byteLength) return frame
    if (length > SMALL_MAX_BYTES) return frame.slice()
    if (this.#slabAt + length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES)
      this.#slabAt = 0
    }
    const from = this.#slabAt
    this.#slabAt += length
    this.#slab.set(frame, from)
    return this.#slab.subarray(from, this.#slabAt)
  }

  #forget(): void {
    this.#begun = NOTHING
    this.#bytes = 0
    this.#wanted = HEAD_BYTES
  }

  #lengthAt(bytes: Uint8Array, at: number): number {
    const length = lengthAt(bytes, at)
    if (length > this.#maxBytes) throw new FrameTooLong(length, this.#maxBytes)
    return length
  }
}

/** A frame announced itself as longer than allowed. */
export class FrameTooLong extends Error {
  override readonly name = 'FrameTooLong'
  constructor(length: number, maxBytes: number) {
    super(`a frame of ${length} bytes, where at most ${maxBytes} are taken`)
  }
}

/** Writes the length of a frame before it. */
export function writeLength(into: Uint8Array, at: number, length: number): void {
  into[at] = length >>> 24
  into[at + 1] = length >>> 16
  into[at + 2] = length >>> 8
  into[at + 3] = length
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}
