import { ModuleRefused } from './refusal.ts'

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Reads the primitives of the binary format from a part of a module; strict about every one. */
export class ByteReader {
  readonly bytes: Uint8Array
  readonly end: number
  position: number

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.position = start
    this.end = end
  }

  get done(): boolean {
    return this.position >= this.end
  }

  malformed(detail: string): ModuleRefused {
    return new ModuleRefused('malformed', this.position, detail)
  }

  byte(): number {
    const byte = this.bytes[this.position]
    if (byte === undefined || this.position >= this.end) throw this.malformed('unexpected end')
    this.position += 1
    return byte
  }

  skip(length: number): void {
    if (length > this.end - this.position) throw this.malformed('unexpected end')
    this.position += length
  }

  /** A sub-reader over the next `length` bytes, which this reader passes over. */
  slice(length: number): ByteReader {
    const start = this.position
    this.skip(length)
    return new ByteReader(this.bytes, start, this.position)
  }

  u32(): number {
    let byte = this.byte()
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    byte = this.byte()
    if (byte > 0x0f) throw this.malformed('integer too large for u32')
    return (value | (byte << 28)) >>> 0
  }

  /** An unsigned 64-bit integer as a number: exact below 2^53, else only its magnitude is right. */
  u64(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 9; count += 1) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
      scale *= 128
    }
    const last = this.byte()
    if (last > 1) throw this.malformed('integer too large for u64')
    return value + last * scale
  }

  s32(): number {
    return this.#signed(32)
  }

  s33(): number {
    return this.#signed(33)
  }

  /** A signed 64-bit integer as a number: exact within 2^53, else only its magnitude is right. */
  s64(): number {
    return this.#signed(64)
  }

  #signed(bits: number): number {
    const lastIndex = Math.ceil(bits / 7) - 1
    let value = 0
    let scale = 1
    for (let index = 0; ; index += 1) {
      const byte = this.byte()
      if (index === lastIndex) this.#checkLastSigned(byte, bits - 7 * lastIndex)
      value += (byte & 0x7f) * scale
      scale *= 128
      if (byte < 0x80) return byte & 0x40 ? value - scale : value
    }
  }

  #checkLastSigned(byte: number, usedBits: number): void {
    const rest = (byte << 25) >> (25 + usedBits - 1)
    if (byte >= 0x80 || (rest !== 0 && rest !== -1)) throw this.malformed('integer too large')
  }

  name(): string {
    const length = this.u32()
    const start = this.position
    this.skip(length)
    try {
      return UTF8.decode(this.bytes.subarray(start, this.position))
    } catch {
      throw new ModuleRefused('malformed', start, 'name is not UTF-8')
    }
  }
}
