import { Buffer } from 'node:buffer'
import type { GuestMemory } from '../../actor/guest-memory.ts'
import { type Field, type Form, mayBe, mayBeNumber } from './forms.ts'
import { JsonText } from './json-text.ts'
import {
  BOOLEAN,
  CHARACTERS,
  CLASS,
  CLASS_MASK,
  ENUMERABLE,
  FIELD_BYTES,
  FIELD_COUNT,
  FIELD_NAME,
  FIRST_KIND,
  FLAGS_SHIFT,
  FORM_SHIFT,
  INDEX_DIGITS,
  INTEGER,
  ITEM_COUNT,
  ITEMS,
  LAST_KIND,
  LENGTH_MASK,
  NOT_PLAIN,
  NULL,
  NUMBER_ADDEND,
  NUMBER_NAME,
  OBJECT,
  PART,
  PART_OF,
  PART_START,
  PLAIN_LIST,
  PLAIN_OBJECT,
  PROTOTYPE,
  SHAPE,
  TABLE,
  TABLE_MASK,
  TEXT,
  UNDEFINED,
  VALUE_BYTES,
  VALUES,
  WHOLE,
} from './layout.ts'

/**
 * Writes JSON of values where they lie in the memory of the engine, as its `JSON.stringify` does, in a tenth of the time: it has compiled code for each step. If it
 * is told a form, it looks at the same time whether they are what that takes.
 *
 * 1. It reads only: no code of a program runs, so only what is plain is written. Objects with getters, with `toJSON`, of classes or exotic ones, lists with
 *    holes: all these are left to the engine.
 * 2. Nothing is believed of what is read: what points outside of memory is nothing, and steps and bytes are bounded.
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

/** Fields and items, those that are left out too. */
const STEPS_MAX = 1_000_000
/** Fields of a prototype: nobody pays for a look at them. */
const INHERITED_MAX = 256
const DEPTH_MAX = 64

const COMMA = 0x2c
const halves = new Int32Array(2)
const number = new Float64Array(halves.buffer)

/** One for all instances: what it wrote is valid until it writes again. */
class PlainJson {
  /** Fields and items of the last value. */
  #steps = 0
  readonly #out = new JsonText()
  #words: Int32Array = new Int32Array(0)
  #bytes = new Uint8Array(0)
  #known: PlainValues = { objectPrototype: 0, listPrototype: 0, namesAt: 0, toJson: 0 }
  /** Of the text that was found last: where its characters begin, how many they are, and how many bytes each has. */
  #start = 0
  #length = 0
  #width = 1

  /** Bytes, fields and items of the last value. */
  get looked(): number {
    return this.#out.length + this.#steps
  }

  /** The JSON of the value at an address; undefined: not all of it is plain or surely what the form takes, or it is too long. */
  write(memory: GuestMemory, known: PlainValues, at: number, form: Form | undefined): Uint8Array | undefined {
    this.#bytes = memory.bytes
    this.#words = memory.words
    this.#known = known
    this.#steps = 0
    this.#out.begin()
    if (this.#mayInheritForm()) return undefined
    const isWritten = this.#value(this.#word(at), this.#word(at + 4), 0, form)
    return isWritten ? this.#out.written : undefined
  }

  #word(at: number): number {
    return this.#words[at >>> 2] ?? 0
  }

  /** Whether something that is plain may inherit how it is written. */
  #mayInheritForm(): boolean {
    const { objectPrototype, listPrototype } = this.#known
    const isAsEver = this.#prototypeOf(objectPrototype) === 0 && this.#prototypeOf(listPrototype) === objectPrototype
    const { toJson } = this.#known
    return !isAsEver || this.#mayHave(objectPrototype, toJson) || this.#mayHave(listPrototype, toJson)
  }

  #prototypeOf(object: number): number {
    return this.#word(this.#word(object + SHAPE) + PROTOTYPE)
  }

  /** Whether a prototype has a field of that name, as far as it is looked at. */
  #mayHave(prototype: number, name: number): boolean {
    const shape = this.#word(prototype + SHAPE)
    const count = this.#word(shape + FIELD_COUNT)
    return count >>> 0 > INHERITED_MAX || this.#has(this.#fieldsOf(shape), count, name)
  }

  #has(fields: number, count: number, name: number): boolean {
    for (let index = 0; index < count; index++)
      if (this.#word(fields + FIELD_BYTES * index + FIELD_NAME) === name) return true
    return false
  }

  /** Where the fields of a shape are told. */
  #fieldsOf(shape: number): number {
    return shape + TABLE + 4 * (this.#word(shape + TABLE_MASK) + 1)
  }

  #value(low: number, high: number, depth: number, form: Form | undefined): boolean {
    switch (high) {
      case TEXT:
        return this.#find(low) && this.#mayBeText(form) && this.#text()
      case INTEGER:
        return mayBeNumber(low, form) && this.#out.ascii(String(low))
      case OBJECT:
        return depth < DEPTH_MAX && this.#object(low, depth, form?.kind === 'anything' ? undefined : form)
      case BOOLEAN:
        return mayBe('flag', form) && this.#out.ascii(low === 0 ? 'false' : 'true')
      case NULL:
        return (form?.isNullable === true || mayBe('null', form)) && this.#out.ascii('null')
      default:
        return (high < FIRST_KIND || high > LAST_KIND) && this.#number(low, high, form)
    }
  }

  #number(low: number, high: number, form: Form | undefined): boolean {
    halves[0] = low
    halves[1] = high - NUMBER_ADDEND
    const value = number[0] ?? 0
    return mayBeNumber(value, form) && this.#out.ascii(Number.isFinite(value) ? String(value) : 'null')
  }

  #object(at: number, depth: number, form: Form | undefined): boolean {
    const kind = this.#word(at + CLASS) & CLASS_MASK
    const shape = this.#word(at + SHAPE)
    const prototype = this.#word(shape + PROTOTYPE)
    const values = this.#word(at + VALUES)
    const { objectPrototype, listPrototype } = this.#known
    if (kind === PLAIN_OBJECT) {
      if ((prototype !== objectPrototype && prototype !== 0) || !mayBe('object', form)) return false
      return this.#fields(shape, values, depth, form)
    }
    const count = this.#word(at + ITEM_COUNT)
    // Besides its length a list has nothing, and no holes behind its items.
    return (
      kind === PLAIN_LIST &&
      prototype === listPrototype &&
      this.#word(shape + FIELD_COUNT) === 1 &&
      this.#word(values) === count &&
      this.#word(values + 4) === INTEGER &&
      mayBe('list', form) &&
      this.#items(this.#word(at + ITEMS), count, depth, form)
    )
  }

  #items(items: number, count: number, depth: number, form: Form | undefined): boolean {
    if (!this.#step(count) || (form !== undefined && (count < form.min || count > form.max))) return false
    const itemForm = form?.item
    this.#out.byte(0x5b)
    for (let index = 0; index < count; index++) {
      if (index > 0) this.#out.byte(COMMA)
      const high = this.#word(items + VALUE_BYTES * index + 4)
      if (high === UNDEFINED && itemForm === undefined) this.#out.ascii('null')
      else if (!this.#value(this.#word(items + VALUE_BYTES * index), high, depth + 1, itemForm)) return false
    }
    return this.#out.byte(0x5d)
  }

  #fields(shape: number, values: number, depth: number, form: Form | undefined): boolean {
    const fields = this.#fieldsOf(shape)
    const count = this.#word(shape + FIELD_COUNT)
    if (!this.#step(count) || !this.#mayLack(fields, count, form)) return false
    const names = this.#word(this.#known.namesAt)
    let isFirst = true
    let expected = 0
    this.#out.byte(0x7b)
    for (let index = 0; index < count; index++) {
      const name = this.#word(fields + FIELD_BYTES * index + FIELD_NAME)
      // It was taken away.
      if (name === 0) continue
      const flags = this.#word(fields + FIELD_BYTES * index) >>> FLAGS_SHIFT
      if ((flags & NOT_PLAIN) !== 0 || (flags & ENUMERABLE) === 0) return false
      if ((name & NUMBER_NAME) !== 0 || name === this.#known.toJson) return false
      const field = form && fieldOf(form, name, expected)
      if (field !== undefined) expected += 1
      const high = this.#word(values + VALUE_BYTES * index + 4)
      if (high === UNDEFINED) {
        if (field !== undefined && field.absence !== 'default') return false
        continue
      }
      if (!isFirst) this.#out.byte(COMMA)
      isFirst = false
      const text = this.#word(names + 4 * name)
      // What is no text, but a symbol, is told apart by two bits.
      if (this.#word(text + 4) >>> 30 !== 1 || this.#isLargeNumber(text)) return false
      if (!this.#find(text) || !this.#text()) return false
      this.#out.byte(0x3a)
      if (!this.#value(this.#word(values + VALUE_BYTES * index), high, depth + 1, field?.form)) return false
    }
    return this.#out.byte(0x7d)
  }

  /** Whether an object has each field of a form that must be there. One that need not be may not be inherited. */
  #mayLack(fields: number, count: number, form: Form | undefined): boolean {
    if (form === undefined) return true
    for (let index = 0; index < form.fields.length; index++) {
      const field = form.fields[index]
      if (field === undefined) continue
      // Mostly they stand in its order.
      const { name, absence } = field
      if (index < count && this.#word(fields + FIELD_BYTES * index + FIELD_NAME) === name) continue
      if (this.#has(fields, count, name)) continue
      if (absence === undefined || this.#mayHave(this.#known.objectPrototype, name)) return false
    }
    return true
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
    this.#steps += 1 + (count >>> 0)
    return this.#steps <= STEPS_MAX
  }

  /** Finds where the characters of a text are, if they lie in one piece. */
  #find(at: number): boolean {
    const head = this.#word(at)
    const form = (this.#word(at + 4) >>> FORM_SHIFT) & 3
    this.#length = head & LENGTH_MASK
    this.#width = head < 0 ? 2 : 1
    this.#start = at + CHARACTERS
    if (form === PART) this.#start = this.#word(at + PART_OF) + CHARACTERS + this.#width * this.#word(at + PART_START)
    else if (form !== WHOLE) return false
    return this.#start + this.#width * this.#length <= this.#bytes.length
  }

  /** What was found last. */
  #found(): string {
    const bytes = Buffer.from(this.#bytes.buffer, this.#start, this.#width * this.#length)
    return bytes.toString(this.#width === 1 ? 'latin1' : 'utf16le')
  }

  #mayBeText(form: Form | undefined): boolean {
    if (form?.kind === 'word') return form.words.has(this.#found())
    return mayBe('text', form) && (form === undefined || (this.#length >= form.min && this.#length <= form.max))
  }

  /** Writes the text that was found last. */
  #text(): boolean {
    if (this.#width === 1 && this.#out.quoted(this.#bytes, this.#start, this.#length)) return true
    return this.#out.text(JSON.stringify(this.#found()))
  }
}

/** The field of a form with this name, mostly the one that is expected. */
function fieldOf({ fields }: Form, name: number, expected: number): Field | undefined {
  const field = fields[expected]
  return field?.name === name ? field : fields.find(one => one.name === name)
}

export const plainJson = new PlainJson()
