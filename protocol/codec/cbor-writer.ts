import { base64UrlSizeBytes, readBase64Url } from './bytes.ts'
import { CborMajor } from './cbor-shape.ts'
import { giveBack, NO_SLAB, pieceOf, type Slab, takeSlab } from './cbor-slabs.ts'
import { toNumber } from './quick-bigint.ts'

const UINT64_MAX = (1n << 64n) - 1n
/** Up to this length, copying characters by hand is faster than calling the encoder. */
const TEXT_BY_HAND_MAX = 48
const BYTES_BY_HAND_MAX = 24
/** Of a byte string whose length is not known yet: 24 to 255 bytes are the rule. */
const LIKELY_HEAD_BYTES = 2

const encoder = new TextEncoder()

/**
 * Writes CBOR values one after the other, without building them first. Integers and lengths get
 * their shortest form. Counts of arrays and maps and the order of map keys are the caller's word.
 */
export class CborWriter {
  #slab = NO_SLAB
  #bytes = NO_SLAB.bytes
  #view = NO_SLAB.view
  /** Where in the slab it begins; positions that are told are counted from here. */
  #start = 0
  #at = 0

  constructor() {
    this.#use(takeSlab(0), 0)
  }

  /**
   * An integer from 0 to 2^64 - 1; a number must be safe.
   * @throws RangeError on anything else.
   */
  uint(value: number | bigint): void {
    if (typeof value === 'number') {
      if (!(Number.isSafeInteger(value) && value >= 0)) throw badInteger(value)
      this.#head(CborMajor.uint, value)
    } else {
      this.#bigHead(CborMajor.uint, value)
    }
  }

  /**
   * An integer from -2^64 to 2^64 - 1; a number must be safe.
   * @throws RangeError on anything else.
   */
  int(value: number | bigint): void {
    if (value >= 0) {
      this.uint(value)
    } else if (typeof value === 'number') {
      if (!Number.isSafeInteger(value)) throw badInteger(value)
      this.#head(CborMajor.negative, -1 - value)
    } else {
      this.#bigHead(CborMajor.negative, -1n - value)
    }
  }

  /** A byte string. */
  bytes(value: Uint8Array): void {
    this.#head(CborMajor.bytes, value.length)
    this.raw(value)
  }

  /** A byte string that is spelled in base64url, as ids are. @throws MalformedBytes */
  base64Url(text: string): void {
    const length = base64UrlSizeBytes(text)
    this.#head(CborMajor.bytes, length)
    this.#reserve(length)
    readBase64Url(text, this.#bytes, this.#at)
    this.#at += length
  }

  /** Begins a byte string whose content is written next, and ended by `end` with what this gives. */
  begin(): number {
    this.#reserve(LIKELY_HEAD_BYTES)
    this.#at += LIKELY_HEAD_BYTES
    return this.length
  }

  /** Ends the byte string that was begun at `start`; gives its length. */
  end(start: number): number {
    const length = this.length - start
    const head = headBytes(length)
    if (head !== LIKELY_HEAD_BYTES) {
      this.#reserve(head)
      const from = this.#start + start
      this.#bytes.copyWithin(from - LIKELY_HEAD_BYTES + head, from, this.#at)
    }
    this.#at = this.#start + start - LIKELY_HEAD_BYTES
    this.#head(CborMajor.bytes, length)
    this.#at += length
    return length
  }

  /** Leaves room for a number of 32 bits, which is no CBOR; gives where, for `fill`. */
  hole(): number {
    this.#reserve(4)
    this.#at += 4
    return this.length - 4
  }

  /** Fills a hole, little-endian. */
  fill(at: number, value: number): void {
    this.#view.setUint32(this.#start + at, value, true)
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#at - this.#start
  }

  /** Takes back what was written from `start` on, as a copy of its own. */
  cut(start: number): Uint8Array {
    const taken = this.#bytes.slice(this.#start + start, this.#at)
    this.#at = this.#start + start
    return taken
  }

  /**
   * A text string, in UTF-8.
   * @throws TypeError when it holds a lone surrogate.
   */
  text(value: string): void {
    const length = value.length
    if (length <= TEXT_BY_HAND_MAX && this.#ascii(value)) return
    if (!value.isWellFormed()) throw new TypeError('expected well-formed text, got a lone surrogate')
    const encoded = encoder.encode(value)
    this.#head(CborMajor.text, encoded.length)
    this.raw(encoded)
  }

  /** The head of an array; exactly `length` values must follow. */
  array(length: number): void {
    this.#head(CborMajor.array, length)
  }

  /** The head of a map; `length` keys must follow in bytewise order of encodings, each with its value. */
  map(length: number): void {
    this.#head(CborMajor.map, length)
  }

  /** True or false. */
  bool(value: boolean): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = value ? 0xf5 : 0xf4
  }

  /** Null. */
  null(): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = 0xf6
  }

  /** Bytes that are already CBOR, as they are. */
  raw(encoded: Uint8Array): void {
    const length = encoded.length
    this.#reserve(length)
    if (length > BYTES_BY_HAND_MAX) {
      this.#bytes.set(encoded, this.#at)
    } else {
      const bytes = this.#bytes
      const at = this.#at
      for (let index = 0; index < length; index++) bytes[at + index] = encoded[index] ?? 0
    }
    this.#at += length
  }

  /**
   * What was written, perhaps as a part of a larger buffer; nobody writes there again. The writer is spent: it begins anew,
   * with nothing.
   */
  finish(): Uint8Array {
    const written = pieceOf(this.#slab, this.#at)
    this.#use(NO_SLAB, 0)
    return written
  }

  /** Gives `use` what was written, for as long as it runs: others write there afterwards. The writer is spent, as after `finish`. */
  lend<T>(use: (written: Uint8Array) => T): T {
    const slab = this.#slab
    const written = slab.bytes.subarray(this.#start, this.#at)
    this.#use(NO_SLAB, 0)
    try {
      return use(written)
    } finally {
      giveBack(slab)
    }
  }

  #use(slab: Slab, length: number): void {
    this.#slab = slab
    this.#bytes = slab.bytes
    this.#view = slab.view
    this.#start = slab.free
    this.#at = slab.free + length
  }

  #ascii(value: string): boolean {
    const length = value.length
    this.#reserve(length + 2)
    const bytes = this.#bytes
    const start = this.#at
    const at = start + (length < 24 ? 1 : 2)
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index)
      if (code > 127) return false
      bytes[at + index] = code
    }
    if (length < 24) {
      bytes[start] = 0x60 | length
    } else {
      bytes[start] = 0x78
      bytes[start + 1] = length
    }
    this.#at = at + length
    return true
  }

  #head(major: number, value: number): void {
    this.#reserve(9)
    const first = major << 5
    const at = this.#at
    if (value < 24) {
      this.#bytes[at] = first | value
      this.#at = at + 1
    } else if (value < 0x100) {
      this.#bytes[at] = first | 24
      this.#bytes[at + 1] = value
      this.#at = at + 2
    } else if (value < 0x10000) {
      this.#bytes[at] = first | 25
      this.#view.setUint16(at + 1, value)
      this.#at = at + 3
    } else if (value < 0x100000000) {
      this.#bytes[at] = first | 26
      this.#view.setUint32(at + 1, value)
      this.#at = at + 5
    } else {
      this.#bytes[at] = first | 27
      this.#view.setUint32(at + 1, Math.floor(value / 0x100000000))
      this.#view.setUint32(at + 5, value >>> 0)
      this.#at = at + 9
    }
  }

  #bigHead(major: number, value: bigint): void {
    if (value < 0n || value > UINT64_MAX) throw badInteger(value)
    const small = toNumber(value)
    if (Number.isSafeInteger(small)) {
      this.#head(major, small)
      return
    }
    this.#reserve(9)
    this.#bytes[this.#at] = (major << 5) | 27
    this.#view.setBigUint64(this.#at + 1, value)
    this.#at += 9
  }

  #reserve(count: number): void {
    const needed = this.#at + count
    if (needed <= this.#bytes.length) return
    const { length } = this
    const before = this.#slab
    const slab = takeSlab(Math.max(length + count, 2 * length))
    slab.bytes.set(this.#bytes.subarray(this.#start, this.#at), slab.free)
    this.#use(slab, length)
    giveBack(before)
  }
}

/** Bytes of the head of a byte string, text or array of this length. */
export function headBytes(length: number): number {
  if (length < 24) return 1
  if (length < 0x100) return 2
  if (length < 0x10000) return 3
  return length < 0x100000000 ? 5 : 9
}

function badInteger(value: number | bigint): RangeError {
  return new RangeError(`expected an integer of 64 bits (a number: safe), got ${value}`)
}
