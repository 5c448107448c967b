/** Bits for each entry: about one false "maybe" in a hundred. */
const BITS_PER_ENTRY = 10
const HASHES = 7
/** Entries of the first layer; each further layer holds four times as many. */
const FIRST_LAYER_ENTRIES = 1 << 17
const GROWTH = 4

interface Layer {
  readonly bits: Uint32Array
  readonly mask: number
  room: number
}

/**
 * Tells for most keys that they were never added; grows as needed. Keys are taken to be random bytes:
 * hashes of messages, to which the process is mixed in.
 */
export class BloomFilter {
  readonly #layers: Layer[] = []

  /** Bytes of memory it holds. */
  get sizeBytes(): number {
    return this.#layers.reduce((sum, { bits }) => sum + bits.byteLength, 0)
  }

  /** Adds a key; gives whether it may have been there before: false is certain. */
  add(key: Uint8Array): boolean {
    const [first, step] = hashesOf(key)
    for (const layer of this.#layers) if (layerMayHave(layer, first, step)) return true
    let layer = this.#layers.at(-1)
    if (layer === undefined || layer.room === 0) {
      layer = makeLayer(FIRST_LAYER_ENTRIES * GROWTH ** this.#layers.length)
      this.#layers.push(layer)
    }
    layer.room--
    for (let i = 0, at = first; i < HASHES; i++, at = (at + step) >>> 0) {
      const bit = at & layer.mask
      layer.bits[bit >>> 5] = (layer.bits[bit >>> 5] ?? 0) | (1 << (bit & 31))
    }
    return false
  }

  /** Whether the key may have been added; false is certain. */
  mayHave(key: Uint8Array): boolean {
    const [first, step] = hashesOf(key)
    for (const layer of this.#layers) if (layerMayHave(layer, first, step)) return true
    return false
  }
}

function layerMayHave({ bits, mask }: Layer, first: number, step: number): boolean {
  for (let i = 0, at = first; i < HASHES; i++, at = (at + step) >>> 0) {
    const bit = at & mask
    if (((bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false
  }
  return true
}

function makeLayer(entries: number): Layer {
  const size = 2 ** Math.ceil(Math.log2(entries * BITS_PER_ENTRY))
  return { bits: new Uint32Array(size / 32), mask: size - 1, room: entries }
}

/** Two 32-bit numbers out of all bytes of the key, four at a time. */
function hashesOf(key: Uint8Array): readonly [number, number] {
  let first = 0x9e3779b9
  let second = 0x85ebca6b
  for (let at = 0; at + 3 < key.length; at += 4) {
    const word = (key[at] ?? 0) | ((key[at + 1] ?? 0) << 8) | ((key[at + 2] ?? 0) << 16) | ((key[at + 3] ?? 0) << 24)
    first = Math.imul(first ^ word, 0xcc9e2d51)
    first ^= first >>> 15
    second = Math.imul(second + word, 0x1b873593)
    second ^= second >>> 13
  }
  return [first >>> 0, (second | 1) >>> 0]
}
