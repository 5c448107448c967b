/** Indexes of chunks, each once, in the order in which they were added. */
export class ChunkList {
  readonly indexes: number[] = []
  #has = new Uint8Array(1024)

  add(index: number): void {
    if (index >= this.#has.length) this.#grow(index)
    if (this.#has[index] === 1) return
    this.#has[index] = 1
    this.indexes.push(index)
  }

  clear(): void {
    for (const index of this.indexes) this.#has[index] = 0
    this.indexes.length = 0
  }

  #grow(index: number): void {
    const grown = new Uint8Array(2 ** Math.ceil(Math.log2(index + 1)))
    grown.set(this.#has)
    this.#has = grown
  }
}
