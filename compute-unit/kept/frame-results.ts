import {
  CborReader,
  decodeSending,
  leafHashes,
  merkleLevels,
  type MerkleLevels,
  resultHeadOf,
  type Sending,
  type Slot,
} from '../../protocol/index.ts'

/**
 * The results of one frame as a host sends them and the store keeps them: `[result, …]` in one piece of bytes.
 * Most are never looked at one by one, so they are taken apart only when somebody asks.
 */
export class FrameResults {
  readonly firstSlot: Slot
  readonly bytes: Uint8Array
  #results: readonly Uint8Array[] | undefined
  #heads: readonly Uint8Array[] | undefined
  #tree: MerkleLevels | undefined

  constructor(firstSlot: Slot, bytes: Uint8Array) {
    this.firstSlot = firstSlot
    this.bytes = bytes
  }

  /** How many slots. */
  get count(): number {
    return this.#results?.length ?? new CborReader(this.bytes).array()
  }

  /** Encoded results, in slot order. */
  get results(): readonly Uint8Array[] {
    this.#results ??= readAll(this.bytes)
    return this.#results
  }

  /** Their certified heads. */
  get heads(): readonly Uint8Array[] {
    this.#heads ??= this.results.map(resultHeadOf)
    return this.#heads
  }

  /** The tree over their heads, whose root is certified. */
  get tree(): MerkleLevels {
    const origin = this.bytes.byteOffset
    this.#tree ??= merkleLevels(
      leafHashes(
        this.bytes,
        this.heads.flatMap(({ byteOffset, length }) => [byteOffset - origin, byteOffset - origin + length]),
      ),
    )
    return this.#tree
  }

  /** What the results at these positions, ascending, ask to be sent. Nothing of it is kept here: frames are remembered for a while. */
  sending(positions: readonly number[]): Sending[] {
    const reader = new CborReader(this.bytes)
    reader.array()
    let passed = 0
    return positions.map(position => {
      reader.pass(position - passed)
      passed = position + 1
      return decodeSending(reader.bytes())
    })
  }

  /** The result of a slot, if it is of this frame. */
  at(slot: Slot): Uint8Array | undefined {
    return this.results[slot - this.firstSlot]
  }
}

function readAll(bytes: Uint8Array): Uint8Array[] {
  const reader = new CborReader(bytes)
  const results: Uint8Array[] = []
  for (let left = reader.array(); left > 0; left--) results.push(reader.bytes())
  return results
}
