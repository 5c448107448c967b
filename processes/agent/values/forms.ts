import { Buffer } from 'node:buffer'
import type { GuestMemory } from '../../actor/guest-memory.ts'
import {
  CHARACTERS,
  CLASS,
  CLASS_MASK,
  FIELD_BYTES,
  FIELD_COUNT,
  FIELD_NAME,
  FIELD_ROOM,
  FLAGS_SHIFT,
  ITEM_COUNT,
  ITEMS,
  OBJECT,
  PLAIN_FIELD,
  PLAIN_LIST,
  PLAIN_OBJECT,
  SHAPE,
  TABLE,
  TABLE_MASK,
  VALUE_BYTES,
  VALUES,
} from './layout.ts'

/** What a schema takes, as the program inside told it (`guest/forms.ts`), with what is laid out for it in memory. */
export interface Form {
  readonly kind: 'text' | 'number' | 'flag' | 'null' | 'anything' | 'word' | 'list' | 'object'
  /** Null will do as well. */
  readonly isNullable: boolean
  /** Of a text or list. */
  readonly min: number
  readonly max: number
  readonly isWhole: boolean
  readonly bounds: readonly Bound[]
  readonly words: ReadonlySet<string>
  /** Of all items of a list. */
  readonly item: Form | undefined
  readonly fields: readonly Field[]
  /** Address of how such an object is laid out, and for how many fields it has room. */
  readonly shape: number
  readonly fieldRoom: number
  /** Whether the host can make a value of it: all that it holds is told, and laid out. */
  readonly canBeMade: boolean
}

export interface Field {
  readonly key: string
  /** The number by which the engine knows it. */
  readonly name: number
  readonly form: Form
  readonly absence: 'optional' | 'default' | undefined
}

type Bound = readonly [is: string, than: number]

const KINDS: readonly unknown[] = ['text', 'number', 'flag', 'null', 'anything', 'word', 'list', 'object']
const COMPARISONS: readonly unknown[] = ['<', '<=', '>', '>=']
/** A form in a form counts, and one that may be null. */
const DEPTH_MAX = 64
const KEY = /^[ !#-[\]-~]*$/
const KEY_MAX_BYTES = 256
/** A message has some ten. */
const SAMPLE_FIELDS_MAX = 64
const NO_WORDS: ReadonlySet<string> = new Set()

/** How an object is laid out of which others are made, and what its fields have. */
export interface Sample {
  readonly shape: number
  /** For so many fields. */
  readonly room: number
  readonly names: readonly (string | undefined)[]
  readonly words: readonly number[]
}

/** Reads forms out of what a program told while it was loaded, of which nothing is believed: what makes no sense is no form. */
export class FormReader {
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  readonly #names: number
  readonly #samples: number

  /** `names`: where the engine keeps its names; `samples`: the address of the list of samples. */
  constructor(memory: GuestMemory, names: number, samples: number) {
    this.#words = memory.words
    this.#bytes = memory.bytes
    this.#names = names
    this.#samples = samples
  }

  read(told: unknown, depth = 0): Form | undefined {
    if (!isRecord(told) || depth > DEPTH_MAX) return undefined
    if (told['kind'] === 'nullable') {
      const form = this.read(told['of'], depth + 1)
      return form && { ...form, isNullable: true }
    }
    const kind = told['kind'] as Form['kind']
    const { bounds = [], words = [] } = told
    if (!KINDS.includes(kind) || !isListOf(bounds, isBound) || !isListOf(words, isText)) return undefined
    const plain = {
      kind,
      isNullable: false,
      min: Number(told['min'] ?? 0),
      max: Number(told['max'] ?? Number.POSITIVE_INFINITY),
      isWhole: told['isWhole'] === true,
      bounds,
      words: words.length === 0 ? NO_WORDS : new Set(words),
      item: undefined,
      fields: [],
      shape: 0,
      fieldRoom: 0,
      canBeMade: kind !== 'anything',
    }
    if (kind === 'object') return this.#object(plain, told, depth)
    if (kind !== 'list') return plain
    const item = this.read(told['item'], depth + 1)
    return item && { ...plain, item, canBeMade: item.canBeMade }
  }

  /** How a sample is laid out, by its place in the list. */
  sample(place: number): Sample | undefined {
    const object = this.#sampleAt(place)
    if (object === undefined) return undefined
    const shape = this.#word(object + SHAPE)
    const count = this.#word(shape + FIELD_COUNT)
    if (count > SAMPLE_FIELDS_MAX) return undefined
    const [fields, values] = [this.#fieldsOf(shape), this.#word(object + VALUES)]
    const each = Array.from({ length: count }, (_, index) => index)
    if (!each.every(index => this.#word(fields + FIELD_BYTES * index) >>> FLAGS_SHIFT === PLAIN_FIELD)) return undefined
    return {
      shape,
      room: this.#word(shape + FIELD_ROOM),
      names: each.map(index => this.#nameOf(this.#word(fields + FIELD_BYTES * index + FIELD_NAME))),
      words: each.flatMap(index => [0, 4].map(half => this.#word(values + VALUE_BYTES * index + half))),
    }
  }

  /** How the engine lays out a list, by a sample that is one. */
  listShape(place: number): number | undefined {
    const list = this.#sampleAt(place, PLAIN_LIST)
    return list && this.#word(list + SHAPE)
  }

  #object(
    plain: Form,
    { fields: toldFields, sample }: Readonly<Record<string, unknown>>,
    depth: number,
  ): Form | undefined {
    const object = this.#sampleAt(sample)
    if (object === undefined || !isListOf(toldFields, isRecord)) return undefined
    const shape = this.#word(object + SHAPE)
    if (this.#word(shape + FIELD_COUNT) !== toldFields.length) return undefined
    const fields: Field[] = []
    let at = this.#fieldsOf(shape)
    for (const { key, form: toldForm, absence } of toldFields) {
      const form = this.read(toldForm, depth + 1)
      const name = this.#word(at + FIELD_NAME)
      const flags = this.#word(at) >>> FLAGS_SHIFT
      if (form === undefined || !isText(key) || flags !== PLAIN_FIELD || this.#nameOf(name) !== key) return undefined
      if (absence !== undefined && absence !== 'optional' && absence !== 'default') return undefined
      fields.push({ key, name, form, absence })
      at += FIELD_BYTES
    }
    const canBeMade = fields.every(({ form }) => form.canBeMade)
    return { ...plain, fields, shape, fieldRoom: this.#word(shape + FIELD_ROOM), canBeMade }
  }

  /** Where a sample is: an object, for in place of one a program could put a number that leads anywhere. */
  #sampleAt(place: unknown, kind = PLAIN_OBJECT): number | undefined {
    const count = this.#word(this.#samples + ITEM_COUNT)
    if (typeof place !== 'number' || !Number.isInteger(place) || place < 0 || place >= count) return undefined
    const value = this.#word(this.#samples + ITEMS) + VALUE_BYTES * place
    const object = this.#word(value)
    const isOne = this.#word(value + 4) === OBJECT && (this.#word(object + CLASS) & CLASS_MASK) === kind
    return isOne ? object : undefined
  }

  #fieldsOf(shape: number): number {
    return shape + TABLE + 4 * (this.#word(shape + TABLE_MASK) + 1)
  }

  /** The text of one of the engine's names, if it is a plain one. */
  #nameOf(name: number): string | undefined {
    const text = this.#word(this.#names + 4 * name)
    const length = this.#word(text)
    if (name <= 0 || length < 0 || length > KEY_MAX_BYTES) return undefined
    const key = Buffer.from(this.#bytes.subarray(text + CHARACTERS, text + CHARACTERS + length)).toString('latin1')
    return KEY.test(key) ? key : undefined
  }

  #word(at: number): number {
    return this.#words[at >>> 2] ?? 0
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

function isListOf<T>(value: unknown, isOne: (one: unknown) => one is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isOne)
}

const isBound = (value: unknown): value is Bound =>
  Array.isArray(value) && value.length === 2 && COMPARISONS.includes(value[0]) && typeof value[1] === 'number'

/** Whether a number is what a form takes. */
export function takesNumber({ isWhole, bounds }: Form, value: number): boolean {
  if (!Number.isFinite(value) || (isWhole && !Number.isSafeInteger(value))) return false
  for (const [is, than] of bounds) if (!passes(value, is, than)) return false
  return true
}

function passes(value: number, is: string, than: number): boolean {
  switch (is) {
    case '<':
      return value < than
    case '<=':
      return value <= than
    case '>':
      return value > than
    default:
      return value >= than
  }
}

/** Whether something of a kind may be what a form takes; any form, if there is none. */
export const mayBe = (kind: Form['kind'], form: Form | undefined): boolean =>
  form === undefined || form.kind === kind || form.kind === 'anything'

export const mayBeNumber = (value: number, form: Form | undefined): boolean =>
  mayBe('number', form) && (form === undefined || form.kind === 'anything' || takesNumber(form, value))
