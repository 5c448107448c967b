import { MalformedBytes } from './bytes.ts'
import { isKeyNext, isOrdered, type OpenContainer } from './cbor-container.ts'
import { cutShort, notShortest, readText, tooDeep } from './cbor-malformed.ts'
import { CBOR_DEPTH_MAX, CborMajor, shortestOf } from './cbor-shape.ts'
import type { Piece } from './piece.ts'

/**
 * Reads CBOR values one after the other, in place, and refuses all that is not deterministic.
 * Every method throws MalformedBytes when the next value is of another kind, not in its one
 * canonical form, or cut short. Lengths are checked against the bytes left before anything is made.
 * A map's keys are checked as they are read; nesting is checked in `skip` and inside maps.
 */
export class CborReader {
  readonly #bytes: Uint8Array
  readonly #end: number
  #at: number
  #depth = 0
  #open: OpenContainer | undefined

  /** Reads what lies at [start, end) of `bytes`; positions are those of `bytes`. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  /** Position of the next byte to be read. */
  get offset(): number {
    return this.#at
  }

  /** Major type of the next value (see `CborMajor`), without reading it. */
  peek(): number {
    return this.#first() >> 5
  }

  /** Whether the next value is null, without reading it. */
  isNull(): boolean {
    return this.#first() === 0xf6
  }

  /** An integer from 0 to 2^64 - 1: a number when safe, else a bigint. */
  uint(): number | bigint {
    const start = this.#at
    const value = this.#bigArgument(CborMajor.uint, 'an unsigned integer')
    if (this.#open !== undefined) this.#took(start, true)
    return value
  }

  /** An integer from -2^64 to 2^64 - 1: a number when safe, else a bigint. */
  int(): number | bigint {
    if (this.peek() !== CborMajor.negative) return this.uint()
    const start = this.#at
    const value = this.#bigArgument(CborMajor.negative, 'an integer')
    if (this.#open !== undefined) this.#took(start, true)
    if (typeof value === 'number' && value < Number.MAX_SAFE_INTEGER) return -1 - value
    return -1n - BigInt(value)
  }

  /** A byte string, as a view on the bytes given to the reader: no copy is made. */
  bytes(): Uint8Array {
    const start = this.#at
    const length = this.#argument(CborMajor.bytes, 'a byte string')
    const value = this.#take(length, start)
    if (this.#open !== undefined) this.#took(start, false)
    return value
  }

  /** The same without a view: where it lies. */
  piece(): Piece {
    const start = this.#at
    const length = this.#argument(CborMajor.bytes, 'a byte string')
    const from = this.#at
    if (length > this.#end - from) throw cutShort(start)
    this.#at = from + length
    if (this.#open !== undefined) this.#took(start, false)
    return { bytes: this.#bytes, start: from, end: from + length }
  }

  /** A text string; its UTF-8 must be well-formed. */
  text(): string {
    const start = this.#at
    const length = this.#argument(CborMajor.text, 'text')
    const value = this.#ascii(length) ?? readText(this.#take(length, start), start)
    if (this.#open !== undefined) this.#took(start, true)
    return value
  }

  /** The head of an array: the number of values that follow, never more than the bytes left. */
  array(): number {
    const start = this.#at
    const length = this.#argument(CborMajor.array, 'an array')
    if (length > this.#end - this.#at) throw cutShort(start)
    if (this.#open !== undefined) this.#enter(start, false, length)
    return length
  }

  /** The head of a map: the number of entries that follow, each a key (text or integer) and a value. */
  map(): number {
    const start = this.#at
    const length = this.#argument(CborMajor.map, 'a map')
    if (length * 2 > this.#end - this.#at) throw cutShort(start)
    this.#enter(start, true, length * 2)
    return length
  }

  /** True or false. */
  bool(): boolean {
    const start = this.#at
    const first = this.#first()
    if (first !== 0xf4 && first !== 0xf5) throw this.#unexpected('true or false', first)
    this.#at++
    if (this.#open !== undefined) this.#took(start, false)
    return first === 0xf5
  }

  /** Null. */
  null(): null {
    const start = this.#at
    const first = this.#first()
    if (first !== 0xf6) throw this.#unexpected('null', first)
    this.#at++
    if (this.#open !== undefined) this.#took(start, false)
    return null
  }

  /** One whole value of any kind, checked to its depth, as a view on its bytes. */
  skip(): Uint8Array {
    const start = this.#at
    this.#skipValue()
    return this.#bytes.subarray(start, this.#at)
  }

  /** Goes past `count` whole values of any kind, each checked to its depth. */
  pass(count: number): void {
    for (let left = count; left > 0; left--) this.#skipValue()
  }

  /** Nothing may be left. */
  end(): void {
    if (this.#open !== undefined) throw new MalformedBytes('cbor: unfinished map', this.#at)
    if (this.#at !== this.#end) throw new MalformedBytes('cbor: trailing bytes', this.#at)
  }

  #skipValue(): void {
    switch (this.peek()) {
      case CborMajor.uint:
      case CborMajor.negative:
        this.int()
        return
      case CborMajor.bytes:
        this.piece()
        return
      case CborMajor.text:
        this.text()
        return
      case CborMajor.array:
        this.#skipAll(this.array())
        return
      case CborMajor.map:
        this.#skipAll(this.map() * 2)
        return
      default:
        if (this.isNull()) this.null()
        else this.bool()
    }
  }

  #skipAll(count: number): void {
    this.#depth++
    if (this.#depth > CBOR_DEPTH_MAX) throw tooDeep(this.#at)
    this.pass(count)
    this.#depth--
  }

  #first(): number {
    const first = this.#bytes[this.#at]
    if (first === undefined || this.#at >= this.#end) throw cutShort(this.#at)
    return first
  }

  /** Head of a value whose argument is a length: no length beyond 2^53 can be honest. */
  #argument(major: number, expected: string): number {
    const start = this.#at
    const value = this.#bigArgument(major, expected)
    if (typeof value === 'bigint') throw cutShort(start)
    return value
  }

  #bigArgument(major: number, expected: string): number | bigint {
    const at = this.#at
    const first = this.#first()
    if (first >> 5 !== major) throw this.#unexpected(expected, first)
    const short = first & 31
    if (short < 24) {
      this.#at = at + 1
      return short
    }
    return short === 24 ? this.#oneByte(at) : this.#longArgument(at, short)
  }

  #oneByte(at: number): number {
    const value = this.#bytes[at + 1]
    if (value === undefined || at + 1 >= this.#end) throw cutShort(at)
    if (value < 24) throw notShortest(at)
    this.#at = at + 2
    return value
  }

  #longArgument(at: number, short: number): number | bigint {
    if (short > 27) throw new MalformedBytes('cbor: indefinite or reserved length', at)
    const size = 1 << (short - 24)
    if (at + 1 + size > this.#end) throw cutShort(at)
    const value = this.#long(size, at + 1)
    if (value < shortestOf(size)) throw notShortest(at)
    this.#at = at + 1 + size
    return value
  }

  #long(size: number, at: number): number | bigint {
    if (size < 8) return this.#unsigned(at, size)
    const [high, low] = [this.#unsigned(at, 4), this.#unsigned(at + 4, 4)]
    return high > 0x1fffff ? (BigInt(high) << 32n) | BigInt(low) : high * 0x100000000 + low
  }

  #unsigned(at: number, size: number): number {
    let value = 0
    for (let end = at + size, from = at; from < end; from++) value = (value << 8) | (this.#bytes[from] ?? 0)
    return value >>> 0
  }

  #take(length: number, start: number): Uint8Array {
    const end = this.#at + length
    if (end > this.#end) throw cutShort(start)
    const value = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return value
  }

  #ascii(length: number): string | undefined {
    const end = this.#at + length
    if (length > 32 || end > this.#end) return undefined
    let text = ''
    for (let at = this.#at; at < end; at++) {
      const code = this.#bytes[at] ?? 0
      if (code > 127) return undefined
      text += String.fromCharCode(code)
    }
    this.#at = end
    return text
  }

  /** A value ended that began at `start`: counts it in its container and checks it when it is a key. */
  #took(start: number, mayBeKey: boolean): void {
    let open = this.#open
    if (open === undefined) return
    if (isKeyNext(open)) {
      if (!mayBeKey) throw new MalformedBytes('cbor: expected text or an integer as key', start)
      if (open.keyEnd !== 0 && !isOrdered(this.#bytes, open, start, this.#at)) {
        throw new MalformedBytes('cbor: map keys not in canonical order', start)
      }
      open.keyStart = start
      open.keyEnd = this.#at
    }
    open.left--
    while (open !== undefined && open.left === 0) {
      open = open.outer
      if (open !== undefined) open.left--
    }
    this.#open = open
  }

  #enter(start: number, isMap: boolean, left: number): void {
    const outer = this.#open
    if (outer !== undefined && isKeyNext(outer)) {
      throw new MalformedBytes('cbor: expected text or an integer as key', start)
    }
    if (left === 0) {
      this.#took(start, false)
      return
    }
    let depth = 1
    for (let open = outer; open !== undefined; open = open.outer) depth++
    if (depth > CBOR_DEPTH_MAX) throw tooDeep(start)
    this.#open = { outer, isMap, left, keyStart: 0, keyEnd: 0 }
  }

  #unexpected(expected: string, first: number): MalformedBytes {
    return new MalformedBytes(`cbor: expected ${expected}, got 0x${first.toString(16)}`, this.#at)
  }
}
