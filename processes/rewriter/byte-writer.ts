const UTF8 = new TextEncoder()

/** A growing buffer with the primitives of the binary format. */
export class ByteWriter {
  #bytes: Uint8Array
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** What was written so far: a view, valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  byte(value: number): this {
    if (this.#length === this.#bytes.length) this.#grow(1)
    this.#bytes[this.#length] = value
    this.#length += 1
    return this
  }

  /** Raw bytes, mostly opcodes with their small immediates. */
  code(...values: number[]): this {
    for (const value of values) this.byte(value)
    return this
  }

  copy(source: Uint8Array, start = 0, end = source.length): this {
    const count = end - start
    if (this.#length + count > this.#bytes.length) this.#grow(count)
    if (count < 32) {
      for (let index = 0; index < count; index += 1) {
        this.#bytes[this.#length + index] = source[start + index] ?? 0
      }
    } else {
      this.#bytes.set(source.subarray(start, end), this.#length)
    }
    this.#length += count
    return this
  }

  /** Unsigned LEB128 of a non-negative integer below 2^53. */
  u(value: number): this {
    let rest = value
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80)
      rest = Math.floor(rest / 0x80)
    }
    return this.byte(rest)
  }

  /** Signed LEB128 of an integer within ±2^53. */
  s(value: number): this {
    let rest = value
    for (;;) {
      const low = ((rest % 0x80) + 0x80) % 0x80
      rest = (rest - low) / 0x80
      if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) return this.byte(low)
      this.byte(low | 0x80)
    }
  }

  name(text: string): this {
    const bytes = UTF8.encode(text)
    return this.u(bytes.length).copy(bytes)
  }

  #grow(count: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count))
    larger.set(this.view())
    this.#bytes = larger
  }
}
