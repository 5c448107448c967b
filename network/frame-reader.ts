import { concatBytes } from '../protocol/index.ts'

/**
 * Takes a stream of bytes apart into frames: four bytes of length, most significant first, then that many bytes.
 * Nothing is copied but a frame that came in pieces; what waits is never more than one frame and one piece.
 */
export class FrameReader {
  readonly #maxBytes: number
  #pieces: Uint8Array[] = []
  #bytes = 0
  #wanted = HEAD_BYTES

  /** `maxBytes`: the longest frame that is taken. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** The frames that `piece` completes, in order. @throws {FrameTooLong} */
  *take(piece: Uint8Array): Generator<Uint8Array> {
    if (this.#bytes > 0) {
      this.#pieces.push(piece)
      this.#bytes += piece.length
      if (this.#bytes < this.#wanted) return
      piece = concatBytes(...this.#pieces)
    }
    let at = 0
    this.#wanted = HEAD_BYTES
    while (piece.length - at >= HEAD_BYTES) {
      const length = lengthAt(piece, at)
      if (length > this.#maxBytes) throw new FrameTooLong(length, this.#maxBytes)
      if (piece.length - at - HEAD_BYTES < length) {
        this.#wanted = HEAD_BYTES + length
        break
      }
      yield piece.subarray(at + HEAD_BYTES, at + HEAD_BYTES + length)
      at += HEAD_BYTES + length
    }
    this.#bytes = piece.length - at
    this.#pieces = this.#bytes === 0 ? [] : [piece.subarray(at)]
  }
}

/** Bytes of the length before each frame. */
export const HEAD_BYTES = 4

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
