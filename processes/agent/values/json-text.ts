import { Buffer } from 'node:buffer'
import { QUERY_OUTPUT_MAX_BYTES } from '../../../protocol/index.ts'

/** No output is longer. */
const JSON_MAX_BYTES = QUERY_OUTPUT_MAX_BYTES
const ROOM_BYTES = 4096
const QUOTE = 0x22
const BACKSLASH = 0x5c
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
)

/** JSON as it is written, in UTF-8. What does not fit any output is not taken. */
export class JsonText {
  length = 0
  #bytes: Buffer = Buffer.allocUnsafe(ROOM_BYTES)

  /** Begins anew. */
  begin(): void {
    this.length = 0
    if (this.#bytes.length > ROOM_BYTES) this.#bytes = Buffer.allocUnsafe(ROOM_BYTES)
  }

  /** Valid until it begins anew. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.length)
  }

  byte(byte: number): boolean {
    if (!this.#makeRoom(1)) return false
    this.#bytes[this.length++] = byte
    return true
  }

  ascii(text: string): boolean {
    if (!this.#makeRoom(text.length)) return false
    const bytes = this.#bytes
    for (let index = 0; index < text.length; index++) bytes[this.length++] = text.charCodeAt(index)
    return true
  }

  text(text: string): boolean {
    const encoded = Buffer.from(text)
    if (!this.#makeRoom(encoded.length)) return false
    this.#bytes.set(encoded, this.length)
    this.length += encoded.length
    return true
  }

  /** Characters of one byte each, in quotes; not taken if one of them is not plain. */
  quoted(from: Uint8Array, start: number, length: number): boolean {
    if (!this.#makeRoom(length + 2)) return false
    const bytes = this.#bytes
    const first = this.length + 1
    for (let index = 0; index < length; index++) {
      const byte = from[start + index] ?? 0
      if (IS_PLAIN[byte] === 0) return false
      bytes[first + index] = byte
    }
    bytes[first - 1] = QUOTE
    bytes[first + length] = QUOTE
    this.length = first + length + 1
    return true
  }

  #makeRoom(more: number): boolean {
    const needed = this.length + more
    if (needed <= this.#bytes.length) return true
    if (needed > JSON_MAX_BYTES) return false
    const longer = Buffer.allocUnsafe(Math.min(Math.max(needed, 2 * this.#bytes.length), JSON_MAX_BYTES))
    longer.set(this.#bytes.subarray(0, this.length))
    this.#bytes = longer
    return true
  }
}
