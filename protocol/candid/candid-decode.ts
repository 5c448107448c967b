/**
 * Reads Candid (its specification 0.1.9) as it describes itself, whatever was expected: who takes an argument looks for what it
 * needs. Bounded in everything that a sender chooses: types, fields, nesting, and values, those of no size too, which a message of
 * a few bytes may not have by the thousand.
 */
import { concatBytes, fromUtf8, MalformedBytes } from '../codec/bytes.ts'
import { primitiveCode, signedLeb } from './candid-codes.ts'
import { CANDID_PRIMITIVES, type CandidPrimitive, type CandidValue } from './candid-value.ts'
import type { TableType, TypeReference } from './type-table.ts'

const TYPES_MAX = 1_000
const FIELDS_MAX = 10_000
const ARGUMENTS_MAX = 64
const NESTING_MAX = 128
/** Values of one message, elements of vectors too, bytes apart. */
const VALUES_MAX = 200_000
/** Values that any message may have, and those that it may have more for each of its bytes. */
const VALUES_FREE = 256
const VALUES_PER_BYTE = 8
/** Values that are given as messages of their own: each is a copy. */
const APART_MAX = 8
/** Bytes of one `nat` or `int`. */
const INTEGER_MAX_BYTES = 512

/** What a reader of a message may ask of the decoder. */
export interface CandidReading {
  /** Fields of this label are given as the bytes of a Candid message of their own, `opt` seen through. */
  readonly apart?: number
  /** At most so many values (200,000 if not given), if that is fewer than a message of the length may have. */
  readonly valuesMax?: number
  /** Hears how many values were read, whether or not the message is Candid. */
  readonly counted?: (values: number) => void
}

/**
 * With `apart`, a value whose type only its owner knows can be handed back to it.
 * @throws {MalformedBytes} on anything that is not Candid, or passes a bound
 */
export function decodeCandid(bytes: Uint8Array, reading: CandidReading = {}): CandidValue[] {
  return new CandidReader(bytes, reading).whole()
}

class CandidReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  readonly #types: TableType[] = []
  readonly #valuesMax: number
  readonly #counted: CandidReading['counted']
  #apart: number | undefined
  #messages = 0
  #tableEnd = 0
  #at = 0
  #fields = 0
  #values = 0

  constructor(bytes: Uint8Array, { apart, valuesMax = VALUES_MAX, counted }: CandidReading) {
    this.#bytes = bytes
    this.#apart = apart
    this.#counted = counted
    this.#valuesMax = Math.min(valuesMax, VALUES_FREE + VALUES_PER_BYTE * bytes.length)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  whole(): CandidValue[] {
    try {
      return this.#arguments()
    } finally {
      this.#counted?.(this.#values)
    }
  }

  #arguments(): CandidValue[] {
    if (fromUtf8(this.#take(4)) !== 'DIDL') throw this.#bad('expected DIDL')
    const count = this.#bounded(TYPES_MAX, 'types')
    for (let index = 0; index < count; index++) this.#types.push(this.#tableType(count))
    this.#tableEnd = this.#at
    const references = Array.from({ length: this.#bounded(ARGUMENTS_MAX, 'arguments') }, () => this.#reference(count))
    const values = references.map(type => this.#value(type, 0))
    if (this.#at !== this.#bytes.length) throw this.#bad('bytes behind the end')
    return values
  }

  #bad(what: string): MalformedBytes {
    return new MalformedBytes(`candid: ${what}`, this.#at)
  }

  #byte(): number {
    const byte = this.#bytes[this.#at]
    if (byte === undefined) throw this.#bad('cut short')
    this.#at += 1
    return byte
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#at) throw this.#bad('cut short')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** LEB128. */
  #leb(isSigned?: boolean): bigint {
    let value = 0n
    for (let index = 0; index < INTEGER_MAX_BYTES; index++) {
      const byte = this.#byte()
      value |= BigInt(byte & 0x7f) << BigInt(7 * index)
      if (byte >= 0x80) continue
      // A long one is worth several values.
      this.#count(index >> 3)
      return isSigned ? BigInt.asIntN(7 * index + 7, value) : value
    }
    throw this.#bad('a number that is too long')
  }

  #small(): number {
    const value = this.#leb()
    if (value > 0xffff_ffffn) throw this.#bad('a number that is too large')
    return Number(value)
  }

  #bounded(max: number, what: string): number {
    const count = this.#small()
    if (count > max) throw this.#bad(`more than ${max} ${what}`)
    return count
  }

  #reference(count: number): TypeReference {
    const code = Number(this.#leb(true))
    if (code >= 0) {
      if (code >= count) throw this.#bad('an unknown type')
      return code
    }
    if (code === -24) return 'principal'
    const primitive = CANDID_PRIMITIVES[-1 - code]
    if (primitive === undefined) throw this.#bad('an unknown type')
    return primitive
  }

  #tableType(count: number): TableType {
    const code = Number(this.#leb(true))
    switch (code) {
      case -18:
        return { kind: 'opt', inner: this.#reference(count) }
      case -19:
        return { kind: 'vec', inner: this.#reference(count) }
      case -20:
        return { kind: 'record', fields: this.#fieldTypes(count) }
      case -21:
        return { kind: 'variant', fields: this.#fieldTypes(count) }
      case -22:
        for (let part = 0; part < 2; part++) {
          for (let left = this.#bounded(ARGUMENTS_MAX, 'arguments'); left > 0; left--) this.#reference(count)
        }
        this.#take(this.#bounded(3, 'annotations'))
        return { kind: 'func' }
      case -23:
        for (let left = this.#bounded(FIELDS_MAX, 'methods'); left > 0; left--) {
          this.#count(1)
          fromUtf8(this.#take(this.#small()))
          this.#reference(count)
        }
        return { kind: 'service' }
      default:
        throw this.#bad('an unknown type')
    }
  }

  #fieldTypes(count: number): (readonly [label: number, type: TypeReference])[] {
    const length = this.#small()
    this.#fields += length
    if (this.#fields > FIELDS_MAX) throw this.#bad(`more than ${FIELDS_MAX} fields`)
    let last = -1
    return Array.from({ length }, () => {
      const label = this.#small()
      if (label <= last) throw this.#bad('fields out of order')
      last = label
      return [label, this.#reference(count)] as const
    })
  }

  #count(values: number): void {
    this.#values += values
    if (this.#values > this.#valuesMax) throw this.#bad(`more than ${this.#valuesMax} values`)
  }

  #value(type: TypeReference, depth: number): CandidValue {
    this.#count(1)
    if (depth > NESTING_MAX) throw this.#bad('nested too deep')
    if (typeof type === 'string') return this.#primitive(type)
    const found = this.#types[type]
    if (found === undefined) throw this.#bad('an unknown type')
    switch (found.kind) {
      case 'opt':
        return { opt: this.#flag() ? this.#value(found.inner, depth + 1) : undefined }
      case 'vec': {
        const length = this.#small()
        if (found.inner === 'nat8') return this.#take(length)
        if (length > this.#valuesMax) this.#count(length)
        return Array.from({ length }, () => this.#value(found.inner, depth + 1))
      }
      case 'record': {
        const record = new Map<number, CandidValue>()
        for (const [label, inner] of found.fields) {
          record.set(label, label === this.#apart ? this.#message(inner, depth + 1) : this.#value(inner, depth + 1))
        }
        return { record }
      }
      case 'variant': {
        const field = found.fields[this.#small()]
        if (field === undefined) throw this.#bad('an unknown case of a variant')
        return { variant: [field[0], this.#value(field[1], depth + 1)] }
      }
      case 'service':
        return this.#principal()
      case 'func': {
        if (!this.#flag()) throw this.#bad('an opaque reference')
        const service = this.#principal()
        return {
          record: new Map<number, CandidValue>([
            [0, service],
            [1, this.#primitive('text')],
          ]),
        }
      }
    }
  }

  /** The next value as a message of its own: the same types, and the bytes of the value. */
  #message(type: TypeReference, depth: number): CandidValue {
    if (depth > NESTING_MAX) throw this.#bad('nested too deep')
    const found = typeof type === 'string' ? undefined : this.#types[type]
    if (found?.kind === 'opt') return this.#flag() ? this.#message(found.inner, depth + 1) : null
    this.#messages += 1
    if (this.#messages > APART_MAX) throw this.#bad(`more than ${APART_MAX} values apart`)
    const label = this.#apart
    this.#apart = undefined
    const from = this.#at
    this.#value(type, depth)
    this.#apart = label
    const reference = typeof type === 'string' ? primitiveCode(type) : signedLeb(BigInt(type))
    return concatBytes(
      this.#bytes.subarray(0, this.#tableEnd),
      Uint8Array.of(1),
      reference,
      this.#bytes.subarray(from, this.#at),
    )
  }

  #flag(): boolean {
    const byte = this.#byte()
    if (byte > 1) throw this.#bad('expected 0 or 1')
    return byte === 1
  }

  #principal(): { principal: Uint8Array } {
    if (!this.#flag()) throw this.#bad('an opaque reference')
    return { principal: this.#take(this.#bounded(29, 'bytes of a principal')) }
  }

  #primitive(type: CandidPrimitive): CandidValue {
    switch (type) {
      case 'null':
      case 'reserved':
        return null
      case 'bool':
        return this.#flag()
      case 'nat':
        return this.#leb()
      case 'int':
        return this.#leb(true)
      case 'text':
        return fromUtf8(this.#take(this.#small()))
      case 'float32':
        return this.#fixed(4, at => this.#view.getFloat32(at, true))
      case 'float64':
        return this.#fixed(8, at => this.#view.getFloat64(at, true))
      case 'principal':
        return this.#principal()
      case 'empty':
        throw this.#bad('a value of type empty')
      default:
        return this.#integer(type)
    }
  }

  #integer(type: string): bigint {
    const isSigned = type.startsWith('i')
    const width = Number(type.slice(3)) / 8
    return this.#fixed(width, at => {
      let value = 0n
      for (let index = width - 1; index >= 0; index--) value = (value << 8n) | BigInt(this.#view.getUint8(at + index))
      return isSigned ? BigInt.asIntN(8 * width, value) : value
    })
  }

  #fixed<T>(width: number, read: (at: number) => T): T {
    const at = this.#at
    this.#take(width)
    return read(at)
  }
}
