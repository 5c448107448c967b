/**
 * Numbers that look random and are the same for the same seed. Each part of a network draws from a stream of its own,
 * so that one more draw here changes nothing there. Not for secrets. The generator is Chris Doty-Humphrey's sfc32.
 */
export class SeededRandom {
  readonly #seed: string
  #a: number
  #b: number
  #c: number
  #count = 1

  constructor(seed: string) {
    this.#seed = seed
    const [a, b, c] = [0, 1, 2].map(lane => mixed(`${lane}/${seed}`))
    this.#a = a ?? 0
    this.#b = b ?? 0
    this.#c = c ?? 0
    for (let i = 0; i < 12; i++) this.#next()
  }

  /** Another stream, named. */
  stream(name: string): SeededRandom {
    return new SeededRandom(`${this.#seed}/${name}`)
  }

  /** From [0, 1). */
  number(): number {
    return this.#next() / 2 ** 32
  }

  /** An integer from [min, max]. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.number() * (max - min + 1))
  }

  /** Whether something of that probability happens now. */
  chance(probability: number): boolean {
    return probability > 0 && this.number() < probability
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#next() & 0xff)
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#count) | 0
    this.#count = (this.#count + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}

/** 32 bits that differ for texts that differ a little (FNV-1a, finished as in MurmurHash3). */
function mixed(text: string): number {
  let hash = 2166136261
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
