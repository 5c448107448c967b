import { concatBytes, joinBytes, toUtf8 } from '../codec/bytes.ts'
import { leb, primitiveCode, signedLeb } from './candid-codes.ts'
import type { CandidPrimitive, CandidType, CandidValue } from './candid-value.ts'

/** Writes values of given types. @throws {TypeError} if a value is not of its type */
export function encodeCandid(args: readonly (readonly [type: CandidType, value: CandidValue])[]): Uint8Array {
  const table = new TypeTable()
  const references = args.map(([type]) => table.reference(type))
  const entries = table.entries()
  const writer = new Writer()
  for (const [type, value] of args) writeValue(writer, type, value)
  return concatBytes(
    Uint8Array.of(0x44, 0x49, 0x44, 0x4c),
    leb(BigInt(entries.length)),
    joinBytes(entries),
    leb(BigInt(args.length)),
    joinBytes(references),
    writer.finish(),
  )
}

type NamedType = Extract<CandidType, { readonly named: string }>
type PlainType = Exclude<CandidType, NamedType>

/** What a type is, behind its names. */
function resolved(type: CandidType): PlainType {
  let found = type
  while (typeof found === 'object' && 'named' in found) found = found.is()
  return found
}

/**
 * Each type stands once in the table; a named one before those that it is made of, which may name it again: what it is made of is
 * looked at when all that names it is done, however long a chain of names is.
 */
class TypeTable {
  readonly #entries: Uint8Array[] = []
  readonly #waiting: (readonly [index: number, type: Exclude<PlainType, string>])[] = []
  readonly #known = new Map<string, Uint8Array>()

  reference(type: CandidType): Uint8Array {
    if (typeof type === 'string') return primitiveCode(type)
    const key = JSON.stringify(type)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if ('named' in type) return this.#named(key, resolved(type))
    const entry = this.#entry(type)
    const reference = signedLeb(BigInt(this.#entries.push(entry) - 1))
    this.#known.set(key, reference)
    return reference
  }

  #named(key: string, type: PlainType): Uint8Array {
    if (typeof type === 'string') return primitiveCode(type)
    const index = this.#entries.push(new Uint8Array(0)) - 1
    const reference = signedLeb(BigInt(index))
    this.#known.set(key, reference)
    this.#waiting.push([index, type])
    return reference
  }

  /** All that was named, and what it is made of. */
  entries(): readonly Uint8Array[] {
    // More come to wait meanwhile.
    for (const [index, type] of this.#waiting) this.#entries[index] = this.#entry(type)
    return this.#entries
  }

  #entry(type: Exclude<PlainType, string>): Uint8Array {
    if ('opt' in type) return concatBytes(signedLeb(-18n), this.reference(type.opt))
    if ('vec' in type) return concatBytes(signedLeb(-19n), this.reference(type.vec))
    const isRecord = 'record' in type
    const fields = isRecord ? type.record : type.variant
    const parts = fields.flatMap(([label, inner]) => [leb(BigInt(label)), this.reference(inner)])
    return concatBytes(signedLeb(isRecord ? -20n : -21n), leb(BigInt(fields.length)), joinBytes(parts))
  }
}

class Writer {
  readonly #parts: Uint8Array[] = []

  put(bytes: Uint8Array): void {
    this.#parts.push(bytes)
  }

  finish(): Uint8Array {
    return joinBytes(this.#parts)
  }
}

function writeValue(writer: Writer, given: CandidType, value: CandidValue): void {
  const type = resolved(given)
  if (typeof type === 'string') writePrimitive(writer, type, value)
  else if ('opt' in type) {
    if (!isObject(value) || !('opt' in value)) throw wrong('opt')
    writer.put(Uint8Array.of(value.opt === undefined ? 0 : 1))
    if (value.opt !== undefined) writeValue(writer, type.opt, value.opt)
  } else if ('vec' in type) writeVector(writer, type.vec, value)
  else if ('record' in type) {
    if (!isObject(value) || !('record' in value)) throw wrong('record')
    for (const [label, inner] of type.record) writeValue(writer, inner, value.record.get(label) ?? absent(inner))
  } else {
    if (!isObject(value) || !('variant' in value)) throw wrong('variant')
    const [label, content] = value.variant
    const index = type.variant.findIndex(([one]) => one === label)
    const field = type.variant[index]
    if (field === undefined) throw wrong('a case of the variant')
    writer.put(leb(BigInt(index)))
    writeValue(writer, field[1], content)
  }
}

/** A field that is not there has its only value, if it has one. */
function absent(given: CandidType): CandidValue {
  const type = resolved(given)
  if (typeof type === 'object' && 'opt' in type) return { opt: undefined }
  if (type === 'null' || type === 'reserved') return null
  throw wrong('a field that is not there')
}

function writeVector(writer: Writer, inner: CandidType, value: CandidValue): void {
  if (value instanceof Uint8Array && resolved(inner) === 'nat8') {
    writer.put(leb(BigInt(value.length)))
    writer.put(value)
    return
  }
  if (!Array.isArray(value)) throw wrong('vec')
  const list = value as readonly CandidValue[]
  writer.put(leb(BigInt(list.length)))
  for (const one of list) writeValue(writer, inner, one)
}

function writePrimitive(writer: Writer, type: CandidPrimitive, value: CandidValue): void {
  switch (type) {
    case 'null':
    case 'reserved':
      return
    case 'bool':
      writer.put(Uint8Array.of(value === true ? 1 : 0))
      return
    case 'nat':
      if (typeof value !== 'bigint' || value < 0n) throw wrong(type)
      writer.put(leb(value))
      return
    case 'int':
      if (typeof value !== 'bigint') throw wrong(type)
      writer.put(signedLeb(value))
      return
    case 'text': {
      if (typeof value !== 'string') throw wrong(type)
      const bytes = toUtf8(value)
      writer.put(leb(BigInt(bytes.length)))
      writer.put(bytes)
      return
    }
    case 'principal':
      if (!isObject(value) || !('principal' in value)) throw wrong(type)
      writer.put(concatBytes(Uint8Array.of(1), leb(BigInt(value.principal.length)), value.principal))
      return
    case 'empty':
      throw wrong(type)
    case 'float32':
    case 'float64':
      writer.put(float(type === 'float32' ? 4 : 8, Number(value)))
      return
    default:
      if (typeof value !== 'bigint') throw wrong(type)
      writer.put(fixed(type, value))
  }
}

function float(width: 4 | 8, value: number): Uint8Array {
  const bytes = new Uint8Array(width)
  const view = new DataView(bytes.buffer)
  if (width === 4) view.setFloat32(0, value, true)
  else view.setFloat64(0, value, true)
  return bytes
}

function fixed(type: string, value: bigint): Uint8Array {
  const bits = Number(type.slice(3))
  const inRange = type.startsWith('i') ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)
  if (inRange !== value) throw wrong(type)
  const bytes = new Uint8Array(bits / 8)
  for (let index = 0; index < bytes.length; index++) bytes[index] = Number((value >> BigInt(8 * index)) & 0xffn)
  return bytes
}

const isObject = (
  value: CandidValue,
): value is Exclude<CandidValue, null | boolean | bigint | number | string | Uint8Array | readonly CandidValue[]> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const wrong = (type: string): TypeError => new TypeError(`candid: expected ${type}`)
