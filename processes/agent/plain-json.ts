import { Buffer } from 'node:buffer'
import { QUERY_OUTPUT_MAX_BYTES } from '../../protocol/index.ts'
import type { GuestMemory } from '../actor/guest-memory.ts'

/**
 * Writes JSON of values where they lie in the memory of the engine, as its `JSON.stringify` does, in a tenth of the time: it has compiled code for each step.
 *
 * 1. It reads only: no code of a program runs, so only what is plain is written. Objects with getters, with `toJSON`, of classes or exotic ones, lists with
 *    holes: all these are left to the engine.
 * 2. Where things lie is what the build of this one engine has (`engine-hash.json`); `test/processes/agent/plain-json.test.ts` compares with `JSON.stringify`.
 * 3. Nothing is believed of what is read: what points outside of memory is nothing, and steps and bytes are bounded.
 */

/** What is the same in all instances of an image, told when it is made. */
export interface PlainValues {
  readonly objectPrototype: number
  readonly listPrototype: number
  /** Where the engine keeps the address of its names. */
  readonly namesAt: number
  /** The number of the name `toJSON`. */
  readonly toJson: number
}

/** From the address that the engine calls its runtime's. */
export const NAMES_OFFSET = 568

/** No output is longer. */
const JSON_MAX_BYTES = QUERY_OUTPUT_MAX_BYTES
/** Fields and items, those that are left out too. */
const STEPS_MAX = 1_000_000
/** Fields of a prototype: nobody pays for a look at them. */
const INHERITED_MAX = 256
const DEPTH_MAX = 64
const ROOM_BYTES = 4096

// A value has two words; the second tells what it is, or is the upper half of a number.
const INTEGER = 0
const BOOLEAN = 1
const NULL = 2
const UNDEFINED = 3
const TEXT = -7
const OBJECT = -1
/** Between these, other kinds than numbers. */
const FIRST_KIND = -9
const LAST_KIND = 7
/** What is added to the upper half of a number, so that no kind is one. */
const NUMBER_ADDEND = 0x8007fff6 | 0

// An object, in bytes from its address.
const CLASS = 8
const SHAPE = 12
const VALUES = 16
const ITEMS = 28
const ITEM_COUNT = 32
/** Class, and two flags: it is exotic, and its items lie side by side. The other flags and a byte of nothing are left out. */
const CLASS_MASK = 0xffff_0018 | 0
const PLAIN_OBJECT = 0x0001_0000
const PLAIN_LIST = 0x0002_0018

// A shape.
const TABLE_MASK = 16
const FIELD_COUNT = 24
const PROTOTYPE = 36
const TABLE = 40
/** Upper bits of the first word of a field. */
const FLAGS_SHIFT = 26
const ENUMERABLE = 4
/** It has a getter, or something else that is no value. */
const NOT_PLAIN = 0x30

// A text.
const LENGTH_MASK = 0x7fff_ffff
const FORM_SHIFT = 28
const WHOLE = 0
const PART = 1
const CHARACTERS = 24
const PART_OF = 24
const PART_START = 28
/** A name without one of these bits is a text; otherwise it is a small number itself. */
const NUMBER_NAME = 0x8000_0000 | 0
/** Larger ones that lists have are texts of so many digits. */
const INDEX_DIGITS = 10

const QUOTE = 0x22
const COMMA = 0x2c
const IS_PLAIN = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x20 && byte < 0x80 && byte !== QUOTE && byte !== 0x5c ? 1 : 0,
)
const halves = new Int32Array(2)
const number = new Float64Array(halves.buffer)

/** One for all instances: what it wrote is valid until it writes again. */
class PlainJson {
  /** Bytes that the last value took, and steps. */
  length = 0
  steps = 0
  #out: Buffer = Buffer.allocUnsafe(ROOM_BYTES)
  #words: Int32Array = new Int32Array(0)
  #bytes = new Uint8Array(0)
  #known: PlainValues = { objectPrototype: 0, listPrototype: 0, namesAt: 0, toJson: 0 }

  /** The JSON of the value at an address; undefined: not all of it is plain, or it is too long. */
  write(memory: GuestMemory, known: PlainValues, at: number): Uint8Array | undefined {
    this.#bytes = memory.bytes
    this.#words = memory.words
    this.#known = known
    this.length = 0
    this.steps = 0
    if (this.#out.length > ROOM_BYTES) this.#out = Buffer.allocUnsafe(ROOM_BYTES)
    if (this.#mayInheritForm()) return undefined
    const isWritten = this.#value(this.#word(at), this.#word(at + 4), 0)
    return isWritten ? this.#out.subarray(0, this.length) : undefined
  }

  #word(at: number): number {
    return this.#words[at >>> 2] ?? 0
  }

  /** Whether something that is plain may inherit how it is written. */
  #mayInheritForm(): boolean {
    const { objectPrototype, listPrototype } = this.#known
    const isAsEver = this.#prototypeOf(objectPrototype) === 0 && this.#prototypeOf(listPrototype) === objectPrototype
    return !isAsEver || this.#mayTellForm(objectPrototype) || this.#mayTellForm(listPrototype)
  }

  #prototypeOf(object: number): number {
    return this.#word(this.#word(object + SHAPE) + PROTOTYPE)
  }

  /** Whether an object may say itself how it is written. */
  #mayTellForm(object: number): boolean {
    const shape = this.#word(object + SHAPE)
    const fields = shape + TABLE + 4 * (this.#word(shape + TABLE_MASK) + 1)
    const count = this.#word(shape + FIELD_COUNT)
    if (count >>> 0 > INHERITED_MAX) return true
    for (let index = 0; index < count; index++) {
      if (this.#word(fields + 8 * index + 4) === this.#known.toJson) return true
    }
    return false
  }

  #value(low: number, high: number, depth: number): boolean {
    switch (high) {
      case TEXT:
        return this.#text(low)
      case INTEGER:
        return this.#ascii(String(low))
      case OBJECT:
        return depth < DEPTH_MAX && this.#object(low, depth)
      case BOOLEAN:
        return this.#ascii(low === 0 ? 'false' : 'true')
      case NULL:
        return this.#ascii('null')
      default:
        return (high < FIRST_KIND || high > LAST_KIND) && this.#number(low, high)
    }
  }

  #number(low: number, high: number): boolean {
    halves[0] = low
    halves[1] = high - NUMBER_ADDEND
    const value = number[0] ?? 0
    return this.#ascii(Number.isFinite(value) ? String(value) : 'null')
  }

  #object(at: number, depth: number): boolean {
    const kind = this.#word(at + CLASS) & CLASS_MASK
    const shape = this.#word(at + SHAPE)
    const prototype = this.#word(shape + PROTOTYPE)
    const values = this.#word(at + VALUES)
    const { objectPrototype, listPrototype } = this.#known
    if (kind === PLAIN_OBJECT) {
      return (prototype === objectPrototype || prototype === 0) && this.#fields(shape, values, depth)
    }
    const count = this.#word(at + ITEM_COUNT)
    // Besides its length a list has nothing, and no holes behind its items.
    return (
      kind === PLAIN_LIST &&
      prototype === listPrototype &&
      this.#word(shape + FIELD_COUNT) === 1 &&
      this.#word(values) === count &&
      this.#word(values + 4) === INTEGER &&
      this.#items(this.#word(at + ITEMS), count, depth)
    )
  }

  #items(items: number, count: number, depth: number): boolean {
    if (!this.#step(count)) return false
    this.#byte(0x5b)
    for (let index = 0; index < count; index++) {
      if (index > 0) this.#byte(COMMA)
      const high = this.#word(items + 8 * index + 4)
      if (high === UNDEFINED) this.#ascii('null')
      else if (!this.#value(this.#word(items + 8 * index), high, depth + 1)) return false
    }
    return this.#byte(0x5d)
  }

  #fields(shape: number, values: number, depth: number): boolean {
    const fields = shape + TABLE + 4 * (this.#word(shape + TABLE_MASK) + 1)
    const count = this.#word(shape + FIELD_COUNT)
    if (!this.#step(count)) return false
    const names = this.#word(this.#known.namesAt)
    let isFirst = true
    this.#byte(0x7b)
    for (let index = 0; index < count; index++) {
      const name = this.#word(fields + 8 * index + 4)
      // It was taken away.
      if (name === 0) continue
      const flags = this.#word(fields + 8 * index) >>> FLAGS_SHIFT
      if ((flags & NOT_PLAIN) !== 0 || (flags & ENUMERABLE) === 0) return false
      if ((name & NUMBER_NAME) !== 0 || name === this.#known.toJson) return false
      const high = this.#word(values + 8 * index + 4)
      if (high === UNDEFINED) continue
      if (!isFirst) this.#byte(COMMA)
      isFirst = false
      const text = this.#word(names + 4 * name)
      // What is no text, but a symbol, is told apart by two bits.
      if (this.#word(text + 4) >>> 30 !== 1 || this.#isLargeNumber(text) || !this.#text(text)) return false
      this.#byte(0x3a)
      if (!this.#value(this.#word(values + 8 * index), high, depth + 1)) return false
    }
    return this.#byte(0x7d)
  }

  /** Whether a name may be a number that lists have, which would come before others. */
  #isLargeNumber(text: number): boolean {
    if (this.#word(text) !== INDEX_DIGITS) return false
    const start = text + CHARACTERS
    for (let at = start; at < start + INDEX_DIGITS; at++) {
      const byte = this.#bytes[at] ?? 0
      if (byte < 0x30 || byte > 0x39) return false
    }
    return true
  }

  #step(count: number): boolean {
    this.steps += 1 + (count >>> 0)
    return this.steps <= STEPS_MAX
  }

  #text(at: number): boolean {
    const head = this.#word(at)
    const length = head & LENGTH_MASK
    const form = (this.#word(at + 4) >>> FORM_SHIFT) & 3
    const width = head < 0 ? 2 : 1
    let start = at + CHARACTERS
    if (form === PART) start = this.#word(at + PART_OF) + CHARACTERS + width * this.#word(at + PART_START)
    else if (form !== WHOLE) return false
    const end = start + width * length
    if (end > this.#bytes.length || !this.#makeRoom(length + 2)) return false
    if (width === 1) {
      const [from, out, first] = [this.#bytes, this.#out, this.length + 1]
      let index = 0
      for (; index < length; index++) {
        const byte = from[start + index] ?? 0
        if (IS_PLAIN[byte] === 0) break
        out[first + index] = byte
      }
      if (index === length) {
        out[first - 1] = QUOTE
        out[first + length] = QUOTE
        this.length = first + length + 1
        return true
      }
    }
    const bytes = Buffer.from(this.#bytes.buffer, start, end - start)
    const quoted = Buffer.from(JSON.stringify(bytes.toString(width === 1 ? 'latin1' : 'utf16le')))
    if (!this.#makeRoom(quoted.length)) return false
    this.#out.set(quoted, this.length)
    this.length += quoted.length
    return true
  }

  #ascii(text: string): boolean {
    if (!this.#makeRoom(text.length)) return false
    const out = this.#out
    for (let index = 0; index < text.length; index++) out[this.length++] = text.charCodeAt(index)
    return true
  }

  #byte(byte: number): boolean {
    if (!this.#makeRoom(1)) return false
    this.#out[this.length++] = byte
    return true
  }

  #makeRoom(more: number): boolean {
    const needed = this.length + more
    if (needed <= this.#out.length) return true
    if (needed > JSON_MAX_BYTES) return false
    const longer = Buffer.allocUnsafe(Math.min(Math.max(needed, 2 * this.#out.length), JSON_MAX_BYTES))
    longer.set(this.#out.subarray(0, this.length))
    this.#out = longer
    return true
  }
}

export const plainJson = new PlainJson()
