import { Buffer } from 'node:buffer'
import { type Form, takesNumber } from './forms.ts'
import { BOOLEAN, NULL, VALUE_BYTES } from './layout.ts'
import type { ValueMaker } from './value-maker.ts'

const NONE = -1
/** Instead of what else a node may say: it is null. */
const IS_NULL = -2
/** More of them are not kept from one message to the next. */
const NODES_KEPT = 10_000

const [QUOTE, COMMA, COLON, BACKSLASH] = [0x22, 0x2c, 0x3a, 0x5c]
const [LIST_BEGIN, LIST_END, OBJECT_BEGIN, OBJECT_END] = [0x5b, 0x5d, 0x7b, 0x7d]
const [PLUS, MINUS, DOT, ZERO, NINE] = [0x2b, 0x2d, 0x2e, 0x30, 0x39]
const [UPPER_E, LOWER_E, LETTER_F, LETTER_N, LETTER_T] = [0x45, 0x65, 0x66, 0x6e, 0x74]
const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20]
const PLAIN_END = 0x80
/** A whole number of so many digits is exact. */
const EXACT_DIGITS = 15

/**
 * Reads the JSON of a message by the form of its schema, in a tenth of the time that the engine takes to parse and to check it: it has compiled code for each step.
 *
 * 1. All of it is read before anything is made, and nothing is made unless all of it is what the form takes: texts of ASCII without escapes, objects with all of
 *    their fields, each once, and no others. Everything else is left to the engine, which also says what is wrong.
 * 2. What is made is what the schema makes of it.
 */
class JsonReader {
  /** Values of the last text, as far as it was read. */
  #count = 0
  #bytes: Uint8Array = new Uint8Array(0)
  #at = 0
  /** Of each value: its form; where it begins, its first item, or the number itself; where it ends, or how many it has; the item after it. */
  #forms: Form[] = []
  #first: number[] = []
  #second: number[] = []
  #next: number[] = []
  /** The values of the fields of objects, side by side. */
  #fields: number[] = []
  #fieldCount = 0

  /** How many bytes and values were looked at. */
  get looked(): number {
    return this.#at + this.#count
  }

  /** Whether there is a form, and all of a text is what it takes. */
  read(bytes: Uint8Array, form: Form | undefined): boolean {
    this.#bytes = bytes
    this.#at = 0
    this.#count = 0
    this.#fieldCount = 0
    if (this.#forms.length > NODES_KEPT) this.#forget()
    return form?.canBeMade === true && this.#value(form) !== NONE && this.#peek() === NONE
  }

  #forget(): void {
    this.#forms = []
    this.#first = []
    this.#second = []
    this.#next = []
    this.#fields = []
  }

  /** Makes what was read last, and puts it into a place. */
  make(values: ValueMaker, at: number): void {
    this.#make(0, values, at)
  }

  /** The byte behind blanks, or none. */
  #peek(): number {
    for (;;) {
      const byte = this.#bytes[this.#at]
      if (byte === undefined) return NONE
      if (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB) return byte
      this.#at += 1
    }
  }

  /** Takes a byte if it comes next. */
  #takes(byte: number): boolean {
    if (this.#peek() !== byte) return false
    this.#at += 1
    return true
  }

  #node(form: Form, first: number, second: number): number {
    const node = this.#count++
    this.#forms[node] = form
    this.#first[node] = first
    this.#second[node] = second
    return node
  }

  #value(form: Form): number {
    const byte = this.#peek()
    if (byte === LETTER_N) {
      const mayBe = form.isNullable || form.kind === 'null'
      return mayBe && this.#takesWord('null') ? this.#node(form, 0, IS_NULL) : NONE
    }
    switch (form.kind) {
      case 'text':
        return this.#text(form)
      case 'word':
        return this.#oneOf(form)
      case 'number':
        return this.#number(form)
      case 'flag':
        if (byte === LETTER_T) return this.#takesWord('true') ? this.#node(form, 1, 0) : NONE
        return byte === LETTER_F && this.#takesWord('false') ? this.#node(form, 0, 0) : NONE
      case 'list':
        return this.#list(form)
      case 'object':
        return this.#object(form)
      default:
        return NONE
    }
  }

  #takesWord(word: string): boolean {
    for (let index = 0; index < word.length; index++)
      if (this.#bytes[this.#at + index] !== word.charCodeAt(index)) return false
    this.#at += word.length
    return true
  }

  /** Passes over a plain text; gives where its characters begin. They end before its quote, which is behind us then. */
  #quoted(): number {
    if (!this.#takes(QUOTE)) return NONE
    const bytes = this.#bytes
    const start = this.#at
    let at = start
    for (;;) {
      const byte = bytes[at] ?? 0
      if (byte === QUOTE) break
      if (byte < SPACE || byte >= PLAIN_END || byte === BACKSLASH) return NONE
      at += 1
    }
    this.#at = at + 1
    return start
  }

  #text(form: Form): number {
    const start = this.#quoted()
    if (start === NONE) return NONE
    const end = this.#at - 1
    return end - start >= form.min && end - start <= form.max ? this.#node(form, start, end) : NONE
  }

  #oneOf(form: Form): number {
    const start = this.#quoted()
    if (start === NONE) return NONE
    const end = this.#at - 1
    return form.words.has(this.#ascii(start, end)) ? this.#node(form, start, end) : NONE
  }

  #ascii(start: number, end: number): string {
    const { buffer, byteOffset } = this.#bytes
    return Buffer.from(buffer, byteOffset + start, end - start).toString('latin1')
  }

  #number(form: Form): number {
    const start = this.#at
    if (this.#bytes[start] === MINUS) this.#at += 1
    const whole = this.#at
    const digits = this.#digits()
    if (digits === 0 || (digits > 1 && this.#bytes[whole] === ZERO)) return NONE
    const isWhole = this.#takesNoFraction()
    if (isWhole === undefined) return NONE
    const value = isWhole && digits <= EXACT_DIGITS ? this.#wholeNumber(start) : Number(this.#ascii(start, this.#at))
    return takesNumber(form, value) ? this.#node(form, value, 0) : NONE
  }

  /** Passes over what a number has behind its digits. Gives whether that is nothing; undefined: something else is there. */
  #takesNoFraction(): boolean | undefined {
    let isWhole = true
    if (this.#bytes[this.#at] === DOT) {
      isWhole = false
      this.#at += 1
      if (this.#digits() === 0) return undefined
    }
    const exponent = this.#bytes[this.#at]
    if (exponent !== LOWER_E && exponent !== UPPER_E) return isWhole
    this.#at += 1
    const sign = this.#bytes[this.#at]
    if (sign === PLUS || sign === MINUS) this.#at += 1
    return this.#digits() === 0 ? undefined : false
  }

  #digits(): number {
    const start = this.#at
    for (;;) {
      const byte = this.#bytes[this.#at] ?? 0
      if (byte < ZERO || byte > NINE) return this.#at - start
      this.#at += 1
    }
  }

  #wholeNumber(start: number): number {
    const isBelow = this.#bytes[start] === MINUS
    let value = 0
    for (let at = isBelow ? start + 1 : start; at < this.#at; at++) value = 10 * value + (this.#bytes[at] ?? 0) - ZERO
    return isBelow ? -value : value
  }

  #list(form: Form): number {
    const { item, min, max } = form
    if (!this.#takes(LIST_BEGIN) || item === undefined) return NONE
    const list = this.#node(form, NONE, 0)
    let count = 0
    if (!this.#takes(LIST_END)) {
      let last = NONE
      do {
        const node = this.#value(item)
        if (node === NONE) return NONE
        this.#next[node] = NONE
        if (last === NONE) this.#first[list] = node
        else this.#next[last] = node
        last = node
        count += 1
      } while (this.#takes(COMMA))
      if (!this.#takes(LIST_END)) return NONE
    }
    this.#second[list] = count
    return count >= min && count <= max ? list : NONE
  }

  #object(form: Form): number {
    if (!this.#takes(OBJECT_BEGIN)) return NONE
    const { fields } = form
    const from = this.#fieldCount
    this.#fieldCount += fields.length
    for (let index = 0; index < fields.length; index++) this.#fields[from + index] = NONE
    const object = this.#node(form, from, fields.length)
    for (let expected = 0; expected < fields.length; expected++) {
      if (expected > 0 && !this.#takes(COMMA)) return NONE
      const index = this.#fieldIndex(form, expected)
      const field = fields[index]
      // Each once: as many as there are, and none twice, are all.
      if (field === undefined || this.#fields[from + index] !== NONE || !this.#takes(COLON)) return NONE
      const node = this.#value(field.form)
      if (node === NONE) return NONE
      this.#fields[from + index] = node
    }
    return this.#takes(OBJECT_END) ? object : NONE
  }

  /** Which field comes next, mostly the one that is expected; none if it is no field. */
  #fieldIndex({ fields }: Form, expected: number): number {
    const start = this.#quoted()
    if (start === NONE) return NONE
    const length = this.#at - 1 - start
    if (this.#isAt(start, length, fields[expected]?.key ?? '')) return expected
    return fields.findIndex(({ key }) => this.#isAt(start, length, key))
  }

  #isAt(start: number, length: number, key: string): boolean {
    if (key.length !== length) return false
    for (let index = 0; index < length; index++) if (this.#bytes[start + index] !== key.charCodeAt(index)) return false
    return true
  }

  #make(node: number, values: ValueMaker, at: number): void {
    const form = this.#forms[node]
    if (form === undefined) return
    const [first, second] = [this.#first[node] ?? 0, this.#second[node] ?? 0]
    if (second === IS_NULL) return values.putWords(at, 0, NULL)
    switch (form.kind) {
      case 'text':
      case 'word':
        return values.putText(at, this.#bytes, first, second)
      case 'number':
        return values.putNumber(at, first)
      case 'flag':
        return values.putWords(at, first, BOOLEAN)
      case 'list': {
        let place = values.putList(at, second)
        for (let item = second === 0 ? NONE : first; item !== NONE; item = this.#next[item] ?? NONE) {
          this.#make(item, values, place)
          place += VALUE_BYTES
        }
        return
      }
      case 'object': {
        const place = values.putObject(at, form.shape, form.fieldRoom)
        for (let index = 0; index < second; index++)
          this.#make(this.#fields[first + index] ?? 0, values, place + VALUE_BYTES * index)
        return
      }
      case 'null':
      case 'anything':
        throw new Error(`expected a value that can be made, got ${form.kind}`)
    }
  }
}

/** One for all instances: what it read is to be made before it reads again. */
export const jsonReader = new JsonReader()
