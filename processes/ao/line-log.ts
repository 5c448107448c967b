/** Bytes a guest may log in one slot; the rest is cut off, because logs are part of results. */
const LOG_MAX_BYTES = 16 * 1024

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Makes lines of what a guest writes to its standard output. */
export class LineLog {
  readonly #log: (line: string) => void
  readonly #line: number[] = []
  #left = LOG_MAX_BYTES

  constructor(log: (line: string) => void) {
    this.#log = log
  }

  write(text: Uint8Array): void {
    for (const byte of text.subarray(0, this.#left)) {
      if (byte === 10) this.#flush()
      else this.#line.push(byte)
    }
    this.#left -= Math.min(this.#left, text.length)
  }

  /** The slot ends: what has no end of line is a line too. */
  end(): void {
    if (this.#line.length > 0) this.#flush()
  }

  #flush(): void {
    this.#log(decoder.decode(Uint8Array.from(this.#line)))
    this.#line.length = 0
  }
}
