import { CborWriter, headBounds, leafHashes, type Result, rootOfLeaves, writeResult } from '../../protocol/index.ts'

/** Writes the results of one frame in one piece, `[result, …]`, and hashes their heads all at once. */
export class ResultsWriter {
  readonly #writer = new CborWriter()
  /** Start and end of each head. */
  readonly #heads: number[] = []

  constructor(count: number) {
    this.#writer.array(count)
  }

  add(result: Result): void {
    const start = this.#writer.begin()
    const headLength = writeResult(this.#writer, result)
    const length = this.#writer.end(start)
    const [headStart, headEnd] = headBounds(this.#writer.length - length, headLength)
    this.#heads.push(headStart, headEnd)
  }

  /** The bytes, and the Merkle root over the heads. */
  finish(): { readonly bytes: Uint8Array; readonly root: Uint8Array } {
    const bytes = this.#writer.finish()
    return { bytes, root: rootOfLeaves(leafHashes(bytes, this.#heads)) }
  }
}
