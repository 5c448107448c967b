import { joinBytes } from '../../protocol/index.ts'

/** Deeper than any request, and more values than any but a look at the state has. */
const DEPTH_MAX = 16
const VALUES_MAX = 65_536
const INDEFINITE = 31
const BREAK = 0xff
const BYTES = 2
const TEXT = 3
const MAP = 5
const TAG = 6
const SIMPLE = 7

/**
 * The same values in the form that stands in feeds: lengths said, heads of the shortest form. CBOR lets them be written otherwise, and some
 * clients do. What is signed is the values, by their hash, so a request keeps its id and its signature.
 * Nothing, if it is no CBOR, or too deep, or of too many values.
 */
export function plainCbor(bytes: Uint8Array): Uint8Array | undefined {
  const writer = new PlainWriter(bytes)
  try {
    writer.value(0)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
  return writer.finish()
}

class PlainWriter {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #parts: Uint8Array[] = []
  #at = 0
  #left = VALUES_MAX

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  finish(): Uint8Array | undefined {
    return this.#at === this.#bytes.length ? joinBytes(this.#parts) : undefined
  }

  /** @throws {RangeError} */
  value(depth: number): void {
    this.#count()
    if (depth > DEPTH_MAX) throw new RangeError('too deep')
    const first = this.#view.getUint8(this.#at)
    const [major, kind] = [first >> 5, first & 31]
    if (major === SIMPLE) return this.#simple(kind)
    this.#at += 1
    if (kind === INDEFINITE) return this.#indefinite(major, depth)
    const count = this.#argument(kind)
    this.#head(major, count)
    if (major === BYTES || major === TEXT) this.#copy(count)
    else if (major === TAG) this.value(depth + 1)
    else if (major > TEXT) for (let left = major === MAP ? 2n * count : count; left > 0n; left--) this.value(depth + 1)
  }

  #indefinite(major: number, depth: number): void {
    if (major < BYTES || major > MAP) throw new RangeError('no such length')
    const outer = this.#parts
    this.#parts = []
    let [items, length] = [0n, 0n]
    for (; this.#view.getUint8(this.#at) !== BREAK; items++) {
      if (major > TEXT) this.value(depth + 1)
      else length += this.#piece(major)
    }
    this.#at += 1
    if (major === MAP && items % 2n !== 0n) throw new RangeError('a key without a value')
    const inner = this.#parts
    this.#parts = outer
    this.#head(major, major > TEXT ? (major === MAP ? items / 2n : items) : length)
    for (const part of inner) this.#parts.push(part)
  }

  /** A piece of a string. */
  #piece(major: number): bigint {
    this.#count()
    const first = this.#view.getUint8(this.#at)
    if (first >> 5 !== major || (first & 31) === INDEFINITE) throw new RangeError('no piece of it')
    this.#at += 1
    const length = this.#argument(first & 31)
    this.#copy(length)
    return length
  }

  #count(): void {
    this.#left -= 1
    if (this.#left < 0) throw new RangeError('too many values')
  }

  #simple(kind: number): void {
    if (kind === INDEFINITE) throw new RangeError('nothing ends here')
    this.#copy(kind < 24 ? 1n : 1n + (1n << BigInt(kind - 24)))
  }

  #argument(kind: number): bigint {
    if (kind < 24) return BigInt(kind)
    if (kind > 27) throw new RangeError('no such length')
    const [view, at] = [this.#view, this.#at]
    this.#at += 1 << (kind - 24)
    switch (kind) {
      case 24:
        return BigInt(view.getUint8(at))
      case 25:
        return BigInt(view.getUint16(at))
      case 26:
        return BigInt(view.getUint32(at))
      default:
        return view.getBigUint64(at)
    }
  }

  #head(major: number, argument: bigint): void {
    const top = major << 5
    if (argument < 24n) {
      this.#parts.push(Uint8Array.of(top | Number(argument)))
      return
    }
    const width = argument < 0x100n ? 0 : argument < 0x1_0000n ? 1 : argument < 0x1_0000_0000n ? 2 : 3
    const head = new Uint8Array(1 + (1 << width))
    head[0] = top | (24 + width)
    let rest = argument
    for (let at = head.length - 1; at > 0; at--, rest >>= 8n) head[at] = Number(rest & 255n)
    this.#parts.push(head)
  }

  #copy(length: bigint): void {
    if (length > BigInt(this.#bytes.length - this.#at)) throw new RangeError('cut short')
    const end = this.#at + Number(length)
    this.#parts.push(this.#bytes.subarray(this.#at, end))
    this.#at = end
  }
}
