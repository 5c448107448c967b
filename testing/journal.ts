import { sha256, toHex } from '../protocol/index.ts'

/** Lines shown of what happened last. */
const KEPT_MAX = 4_000

/** What happened in a network, in order; and a fingerprint of all of it, by which two runs can be told to be the same. */
export class Journal {
  #lines: string[] = []
  #hash = new Uint8Array(32)
  #pending: string[] = []
  length = 0

  write(line: string): void {
    this.length += 1
    this.#lines.push(line)
    if (this.#lines.length > 2 * KEPT_MAX) this.#lines = this.#lines.slice(-KEPT_MAX)
    this.#pending.push(line)
    if (this.#pending.length >= 1024) this.#fold()
  }

  /** The last lines. */
  last(count: number): readonly string[] {
    return this.#lines.slice(-Math.min(count, KEPT_MAX))
  }

  /** The same for the same lines in the same order. */
  get fingerprint(): string {
    this.#fold()
    return toHex(this.#hash)
  }

  #fold(): void {
    if (this.#pending.length === 0) return
    // Of the text as it lies in memory: another encoding costs more than the hash.
    this.#hash = new Uint8Array(
      sha256(Buffer.from(`${toHex(this.#hash)}\n${this.#pending.join('\n')}`, 'utf16le')),
    )
    this.#pending = []
  }
}
