import {
  CborWriter,
  detailBounds,
  headBounds,
  leafHashes,
  type Result,
  rootOfLeaves,
  writeResult,
} from '../../protocol/index.ts'

const HASH_BYTES = 32

/** Writes the results of one frame in one piece, `[result, …]`, and hashes their long details all at once, and then their heads. */
export class ResultsWriter {
  readonly #writer = new CborWriter()
  /** Start and end of each head. */
  readonly #heads: number[] = []
  /** Start and end of each long detail, and where its hash goes. */
  readonly #details: number[] = []
  readonly #hashesAt: number[] = []
  #hashAt = 0
  #detailLength = 0
  readonly #late = (hashAt: number, detailLength: number): void => {
    this.#hashAt = hashAt
    this.#detailLength = detailLength
  }

  constructor(count: number) {
    this.#writer.array(count)
  }

  add(result: Result): void {
    this.#detailLength = 0
    const start = this.#writer.begin()
    const headLength = writeResult(this.#writer, result, this.#late)
    const length = this.#writer.end(start)
    const [headStart, headEnd] = headBounds(this.#writer.length - length, headLength)
    this.#heads.push(headStart, headEnd)
    if (this.#detailLength === 0) return
    this.#details.push(...detailBounds(headEnd, this.#detailLength))
    this.#hashesAt.push(headStart + this.#hashAt)
  }

  /** The bytes, and the Merkle root over the heads. */
  finish(): { readonly bytes: Uint8Array; readonly root: Uint8Array } {
    const bytes = this.#writer.finish()
    if (this.#details.length > 0) this.#hashDetails(bytes)
    return { bytes, root: rootOfLeaves(leafHashes(bytes, this.#heads)) }
  }

  #hashDetails(bytes: Uint8Array): void {
    const hashes = leafHashes(bytes, this.#details)
    for (let detail = 0; detail < this.#hashesAt.length; detail++) {
      const [from, to] = [HASH_BYTES * detail, this.#hashesAt[detail] ?? 0]
      for (let at = 0; at < HASH_BYTES; at++) bytes[to + at] = hashes[from + at] ?? 0
    }
  }
}
