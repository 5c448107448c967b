/**
 * Arguments as people write them, made what a method takes: the interface says of which width a number is, what an empty list would
 * hold, and that `null` is an absent `opt`. Where there is no interface, each value is of the type that its form tells.
 */
import {
  type CandidPrimitive,
  type CandidValue,
  type DidField,
  type DidType,
  encodeCandid,
  Failure,
  isCandidInteger,
  resolvedDid,
  wireTypeOf,
} from '../../protocol/index.ts'
import type { CandidLiteral } from './candid-text.ts'

/** As the types say, or as the forms do, where nothing is known of a method. @throws {Failure} `usage` if one does not fit */
export function encodeArguments(
  literals: readonly CandidLiteral[],
  types: readonly DidType[] = literals.map(formOf),
): Uint8Array {
  if (literals.length > types.length)
    throw new Failure('usage', { expected: types.length, given: literals.length }, { note: 'too many arguments' })
  return encodeCandid(
    types.map((type, at) => [wireTypeOf(type), fitted(type, literals[at], `argument ${at + 1}`)] as const),
  )
}

/** The type that a form tells: an integer is a `nat`, or an `int` if it is negative; a list is of what its first item is. */
function formOf(literal: CandidLiteral): DidType {
  switch (literal.kind) {
    case 'typed':
      return literal.type
    case 'plain':
      return primitive(literal.type)
    case 'blob':
      return { kind: 'vec', of: primitive('nat8') }
    case 'opt':
      return { kind: 'opt', of: formOf(literal.of) }
    case 'vec': {
      const [first] = literal.items
      return { kind: 'vec', of: first === undefined ? primitive('empty') : formOf(first) }
    }
    case 'record':
      return { kind: 'record', fields: literal.fields.map(fieldOf) }
    case 'variant':
      return { kind: 'variant', fields: [fieldOf(literal.field)] }
  }
}

const primitive = (of: CandidPrimitive): DidType => ({ kind: 'primitive', of })

const fieldOf = ([label, of]: readonly [label: number, of: CandidLiteral]): DidField => ({
  label,
  name: String(label),
  type: formOf(of),
})

function fitted(given: DidType, literal: CandidLiteral | undefined, place: string): CandidValue {
  const type = resolvedDid(given)
  if (literal === undefined) return absent(type, place)
  if (type.kind === 'primitive') return primitiveOf(type.of, literal, place)
  // What its own type says of the parts, the wanted one says too.
  if (literal.kind === 'typed' && literal.type.kind === type.kind) return fitted(type, literal.of, place)
  switch (type.kind) {
    case 'opt':
      return optionOf(type.of, literal, place)
    case 'vec':
      return vectorOf(type.of, literal, place)
    case 'record':
      return recordOf(type.fields, literal, place)
    case 'variant':
      return variantOf(type.fields, literal, place)
    default:
      throw wrong(place, 'nothing: functions and services cannot be sent')
  }
}

/** What is not written is null, where that is a value. */
function absent(type: ReturnType<typeof resolvedDid>, place: string): CandidValue {
  if (type.kind === 'opt') return { opt: undefined }
  if (type.kind === 'primitive' && (type.of === 'null' || type.of === 'reserved')) return null
  throw wrong(place, type.kind === 'primitive' ? type.of : type.kind)
}

function primitiveOf(wanted: CandidPrimitive, literal: CandidLiteral, place: string): CandidValue {
  if (wanted === 'reserved') return null
  if (literal.kind === 'typed') {
    const own = literal.type.kind === 'primitive' ? literal.type.of : undefined
    if (own === wanted || (own === 'nat' && wanted === 'int')) return primitiveOf(own, literal.of, place)
  }
  if (literal.kind !== 'plain') throw wrong(place, wanted)
  const { type, value } = literal
  const isFloat = wanted === 'float32' || wanted === 'float64'
  if (isFloat && (typeof value === 'bigint' || typeof value === 'number')) return Number(value)
  if (typeof value === 'bigint' && /^(?:nat|int)/.test(wanted) && isCandidInteger(wanted, value)) return value
  if (typeof value !== 'bigint' && type === wanted) return value
  throw wrong(place, wanted)
}

/** A value stands for itself where an `opt` of it is wanted, unless it could be that of several. */
function optionOf(inner: DidType, literal: CandidLiteral, place: string): CandidValue {
  if (isNull(literal)) return { opt: undefined }
  if (literal.kind === 'opt') return { opt: fitted(inner, literal.of, place) }
  if (resolvedDid(inner).kind === 'opt') throw wrong(place, 'opt')
  return { opt: fitted(inner, literal, place) }
}

function isNull(literal: CandidLiteral): boolean {
  if (literal.kind === 'typed')
    return literal.type.kind === 'primitive' && literal.type.of === 'null' && isNull(literal.of)
  return literal.kind === 'plain' && literal.value === null
}

function vectorOf(inner: DidType, literal: CandidLiteral, place: string): CandidValue {
  const of = resolvedDid(inner)
  const isBlob = of.kind === 'primitive' && of.of === 'nat8'
  if (isBlob && literal.kind === 'blob') return literal.bytes
  if (literal.kind !== 'vec') throw wrong(place, isBlob ? 'blob' : 'vec')
  const items = literal.items.map((one, at) => fitted(inner, one, `${place}[${at}]`))
  return isBlob ? Uint8Array.from(items, Number) : items
}

function recordOf(fields: readonly DidField[], literal: CandidLiteral, place: string): CandidValue {
  if (literal.kind !== 'record') throw wrong(place, 'record')
  const given = new Map(literal.fields)
  const known = new Set(fields.map(({ label }) => label))
  if ([...given.keys()].some(label => !known.has(label)))
    throw wrong(place, `no other fields than ${fields.map(({ name }) => name).join(', ')}`)
  return {
    record: new Map(
      fields.map(({ label, name, type }) => [label, fitted(type, given.get(label), `${place}.${name}`)] as const),
    ),
  }
}

function variantOf(fields: readonly DidField[], literal: CandidLiteral, place: string): CandidValue {
  const [label, of] = literal.kind === 'variant' ? literal.field : []
  const field = fields.find(one => one.label === label)
  if (field === undefined) throw wrong(place, `variant { ${fields.map(({ name }) => name).join(' | ')} }`)
  return { variant: [field.label, fitted(field.type, of, `${place}.${field.name}`)] }
}

const wrong = (place: string, expected: string): Failure =>
  new Failure('usage', { place, expected }, { note: 'the argument is not what the method takes' })
