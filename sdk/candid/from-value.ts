import {
  type CandidValue,
  type DidField,
  type DidType,
  encodeCandid,
  isDidTuple,
  isCandidInteger,
  isNullableDid,
  MalformedBytes,
  principalFromText,
  resolvedDid,
  wireTypeOf,
} from '../../protocol/index.ts'

/** Arguments as a method takes them: none, its one, or several in an array. @throws {MalformedBytes} if one is not of its type */
export function encodeInput(types: readonly DidType[], input: unknown): Uint8Array {
  const values = types.length === 1 ? [input] : types.length === 0 && input === undefined ? [] : input
  if (!Array.isArray(values) || values.length !== types.length) throw wrong('', `${types.length} arguments in an array`)
  const given = types.map(
    (type, at) =>
      [wireTypeOf(type), candidOf(type, (values as unknown[])[at], types.length === 1 ? '' : String(at))] as const,
  )
  return encodeCandid(given)
}

function candidOf(given: DidType, value: unknown, path: string): CandidValue {
  const type = resolvedDid(given)
  switch (type.kind) {
    case 'primitive':
      return primitiveOf(type.of, value, path)
    case 'opt':
      return optionOf(type.of, value, path)
    case 'vec':
      return vectorOf(type.of, value, path)
    case 'record':
      return {
        record: new Map(
          isDidTuple(type.fields) ? tupleOf(type.fields, value, path) : fieldsOf(type.fields, value, path),
        ),
      }
    case 'variant':
      return variantOf(type.fields, value, path)
    default:
      throw wrong(path, 'nothing: functions and services cannot be sent')
  }
}

/** Null is nothing; where that could mean two things, `[]` is nothing and `[value]` something. */
function optionOf(inner: DidType, value: unknown, path: string): CandidValue {
  if (value === null || value === undefined) return { opt: undefined }
  if (!isNullableDid(inner)) return { opt: candidOf(inner, value, path) }
  if (!Array.isArray(value) || value.length > 1) throw wrong(path, '[] or [value]')
  return { opt: value.length === 0 ? undefined : candidOf(inner, (value as unknown[])[0], path) }
}

function vectorOf(inner: DidType, value: unknown, path: string): CandidValue {
  const of = resolvedDid(inner)
  if (of.kind === 'primitive' && of.of === 'nat8') {
    if (value instanceof Uint8Array) return value
    throw wrong(path, 'bytes (Uint8Array)')
  }
  if (!Array.isArray(value)) throw wrong(path, 'an array')
  return value.map((one: unknown, at) => candidOf(inner, one, below(path, at)))
}

function tupleOf(fields: readonly DidField[], value: unknown, path: string): [number, CandidValue][] {
  if (!Array.isArray(value) || value.length !== fields.length) throw wrong(path, `an array of ${fields.length}`)
  return fields.map(({ label, type }, at) => [label, candidOf(type, (value as unknown[])[at], below(path, at))])
}

function fieldsOf(fields: readonly DidField[], value: unknown, path: string): [number, CandidValue][] {
  const object = objectOf(value, path)
  const unknown = Object.keys(object).find(key => fields.every(({ name }) => name !== key))
  if (unknown !== undefined) throw wrong(below(path, unknown), 'no field of that name')
  return fields.map(({ label, name, type }) => [
    label,
    candidOf(type, Object.hasOwn(object, name) ? object[name] : undefined, below(path, name)),
  ])
}

function variantOf(fields: readonly DidField[], value: unknown, path: string): CandidValue {
  const [entry, ...more] = Object.entries(objectOf(value, path))
  const field = fields.find(({ name }) => name === entry?.[0])
  if (entry === undefined || field === undefined || more.length > 0)
    throw wrong(path, `an object with one of ${fields.map(({ name }) => name).join(', ')}`)
  return { variant: [field.label, candidOf(field.type, entry[1], below(path, field.name))] }
}

function primitiveOf(type: string, value: unknown, path: string): CandidValue {
  switch (type) {
    case 'null':
    case 'reserved':
      return null
    case 'bool':
      if (typeof value === 'boolean') return value
      break
    case 'text':
      if (typeof value === 'string' && value.isWellFormed()) return value
      break
    case 'float32':
    case 'float64':
      if (typeof value === 'number') return value
      break
    case 'principal':
      if (typeof value === 'string') return { principal: principalFromText(value) }
      break
    default: {
      const integer = integerOf(value)
      if (integer !== undefined && isCandidInteger(type, integer)) return integer
    }
  }
  throw wrong(path, type)
}

function integerOf(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  return typeof value === 'string' && /^-?[0-9]{1,150}$/.test(value) ? BigInt(value) : undefined
}

function objectOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw wrong(path, 'an object')
}

const below = (path: string, name: string | number): string => (path === '' ? String(name) : `${path}.${name}`)

const wrong = (path: string, expected: string): MalformedBytes =>
  new MalformedBytes(`${path === '' ? '' : `${path}: `}expected ${expected}`, 0)
