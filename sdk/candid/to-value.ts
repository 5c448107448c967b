import {
  type CandidValue,
  decodeCandid,
  type DidField,
  type DidType,
  isDidTuple,
  isCandidInteger,
  isNullableDid,
  MalformedBytes,
  principalText,
  resolvedDid,
} from '../../protocol/index.ts'

/**
 * A reply as its method promises it: nothing, its one value, or several in an array. As Candid has it, what the reply has
 * more than expected is dropped, and an `opt` that it lacks is null. @throws {MalformedBytes} if it is no such reply
 */
export function decodeReply(types: readonly DidType[], bytes: Uint8Array): unknown {
  const values = decodeCandid(bytes)
  const read = types.map((type, at) => readAs(type, at < values.length ? values[at] : absent(type)))
  return read.length > 1 ? read : read[0]
}

function readAs(given: DidType, value: CandidValue | undefined): unknown {
  const type = resolvedDid(given)
  if (value === undefined) throw wrong(type.kind)
  switch (type.kind) {
    case 'primitive':
      return primitiveOf(type.of, value)
    case 'opt':
      return optionOf(type.of, value)
    case 'vec':
      return vectorOf(type.of, value)
    case 'record':
      return recordOf(type.fields, value)
    case 'variant': {
      const [label, inside] = isObject(value) && 'variant' in value ? value.variant : []
      const field = type.fields.find(one => one.label === label)
      if (field === undefined) throw wrong('a known variant')
      return Object.fromEntries([[field.name, readAs(field.type, inside)]])
    }
    case 'service':
      return principalOf(value)
    case 'func': {
      if (!isObject(value) || !('record' in value)) throw wrong('func')
      return { principal: principalOf(value.record.get(0)), method: value.record.get(1) }
    }
  }
}

/** A value that does not fit is none: an `opt` of an older interface. */
function optionOf(inner: DidType, value: CandidValue): unknown {
  const isOption = isObject(value) && 'opt' in value
  const found = isOption ? value.opt : (value ?? undefined)
  if (found === undefined) return isNullableDid(inner) ? [] : null
  try {
    const read = readAs(inner, found)
    return isNullableDid(inner) ? [read] : read
  } catch (error) {
    if (error instanceof MalformedBytes) return isNullableDid(inner) ? [] : null
    throw error
  }
}

function vectorOf(inner: DidType, value: CandidValue): unknown {
  const of = resolvedDid(inner)
  const isBlob = of.kind === 'primitive' && of.of === 'nat8'
  if (isBlob && value instanceof Uint8Array) return value
  if (!Array.isArray(value) || (isBlob && value.length > 0)) throw wrong('vec')
  return isBlob ? new Uint8Array(0) : (value as readonly CandidValue[]).map(one => readAs(inner, one))
}

function recordOf(fields: readonly DidField[], value: CandidValue): unknown {
  if (!isObject(value) || !('record' in value)) throw wrong('record')
  const read = fields.map(
    ({ label, name, type }) =>
      [name, readAs(type, value.record.has(label) ? value.record.get(label) : absent(type))] as const,
  )
  return isDidTuple(fields) ? read.map(([, one]) => one) : Object.fromEntries(read)
}

const absent = (type: DidType): CandidValue | undefined => {
  const found = resolvedDid(type)
  return found.kind === 'opt' ? { opt: undefined } : isNullableDid(found) ? null : undefined
}

function primitiveOf(type: string, value: CandidValue): unknown {
  switch (type) {
    case 'null':
      if (value === null) return null
      break
    case 'reserved':
      return null
    case 'bool':
      if (typeof value === 'boolean') return value
      break
    case 'text':
      if (typeof value === 'string') return value
      break
    case 'float32':
    case 'float64':
      if (typeof value === 'number') return value
      break
    case 'principal':
      return principalOf(value)
    default:
      if (typeof value === 'bigint' && type !== 'empty' && isCandidInteger(type, value))
        return /^(?:nat|int)(?:8|16|32)$/.test(type) ? Number(value) : value
  }
  throw wrong(type)
}

function principalOf(value: CandidValue | undefined): string {
  if (value !== undefined && isObject(value) && 'principal' in value) return principalText(value.principal)
  throw wrong('principal')
}

const isObject = (
  value: CandidValue,
): value is Extract<CandidValue, { readonly [_ in 'principal' | 'opt' | 'record' | 'variant']?: unknown }> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const wrong = (expected: string): MalformedBytes => new MalformedBytes(`candid: expected ${expected}`, 0)
