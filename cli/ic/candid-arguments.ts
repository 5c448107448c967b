/**
 * Arguments as people write them, made what a method takes: the interface says of which width a number is, what an empty list would
 * hold, and that `null` is an absent `opt`. Where there is no interface, each value is of the type that its form tells.
 */
import {
  type CandidType,
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

/** As the types say; what stands for itself is written where nothing is known of a method. @throws {Failure} `usage` if one does not fit */
export function encodeArguments(literals: readonly CandidLiteral[], types?: readonly DidType[]): Uint8Array {
  if (types === undefined) return encodeCandid(literals.map(typed))
  if (literals.length > types.length)
    throw new Failure('usage', { expected: types.length, given: literals.length }, { note: 'too many arguments' })
  return encodeCandid(
    types.map((type, at) => [wireTypeOf(type), fitted(type, literals[at], `argument ${at + 1}`)] as const),
  )
}

/** A value with the type that its form tells: an integer is a `nat`, or an `int` if it is negative; a list is of what its first item is. */
function typed(literal: CandidLiteral): readonly [type: CandidType, value: CandidValue] {
  switch (literal.kind) {
    case 'plain':
      return [literal.type, literal.value]
    case 'opt': {
      const [type, value] = typed(literal.of)
      return [{ opt: type }, { opt: value }]
    }
    case 'vec': {
      const items = literal.items.map(typed)
      const type = items[0]?.[0] ?? 'empty'
      if (type === 'nat8') return [{ vec: 'nat8' }, Uint8Array.from(items, ([, value]) => Number(value))]
      return [{ vec: type }, items.map(([, value]) => value)]
    }
    case 'record': {
      const fields = literal.fields.map(([label, of]) => [label, ...typed(of)] as const)
      return [
        { record: fields.map(([label, type]) => [label, type]) },
        { record: new Map(fields.map(([label, , value]) => [label, value])) },
      ]
    }
    case 'variant': {
      const [type, value] = typed(literal.of)
      return [{ variant: [[literal.label, type]] }, { variant: [literal.label, value] }]
    }
  }
}

function fitted(given: DidType, literal: CandidLiteral | undefined, place: string): CandidValue {
  const type = resolvedDid(given)
  if (literal === undefined) return absent(type, place)
  switch (type.kind) {
    case 'primitive':
      return primitiveOf(type.of, literal, place)
    case 'opt':
      if (literal.kind === 'plain' && literal.value === null) return { opt: undefined }
      return { opt: fitted(type.of, literal.kind === 'opt' ? literal.of : literal, place) }
    case 'vec':
      return vectorOf(type.of, literal, place)
    case 'record':
      return recordOf(type.fields, literal, place)
    case 'variant': {
      const field = literal.kind === 'variant' ? type.fields.find(({ label }) => label === literal.label) : undefined
      if (field === undefined || literal.kind !== 'variant')
        throw wrong(place, `variant { ${type.fields.map(({ name }) => name).join(' | ')} }`)
      return { variant: [field.label, fitted(field.type, literal.of, `${place}.${field.name}`)] }
    }
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

function primitiveOf(wanted: string, literal: CandidLiteral, place: string): CandidValue {
  if (wanted === 'reserved') return null
  if (literal.kind !== 'plain') throw wrong(place, wanted)
  const { type, value, isTyped } = literal
  if (isTyped === true && type !== wanted && !(type === 'nat' && wanted === 'int')) throw wrong(place, wanted)
  const isFloat = wanted === 'float32' || wanted === 'float64'
  if (isFloat && (typeof value === 'bigint' || typeof value === 'number')) return Number(value)
  if (typeof value === 'bigint' && /^(?:nat|int)/.test(wanted) && isCandidInteger(wanted, value)) return value
  if (typeof value !== 'bigint' && type === wanted) return value
  throw wrong(place, wanted)
}

function vectorOf(inner: DidType, literal: CandidLiteral, place: string): CandidValue {
  const of = resolvedDid(inner)
  const isBlob = of.kind === 'primitive' && of.of === 'nat8'
  if (isBlob && literal.kind === 'plain' && literal.value instanceof Uint8Array) return literal.value
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

const wrong = (place: string, expected: string): Failure =>
  new Failure('usage', { place, expected }, { note: 'the argument is not what the method takes' })
