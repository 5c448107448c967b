import { MalformedBytes } from '../codec/bytes.ts'
import { type CborKey, type CborValue, decodeCbor, encodeCbor } from '../codec/cbor.ts'
import { Failure, type FailureCode, type FailureDetails, FAILURES } from './failure.ts'

/** How a failure travels between nodes: `[code, {detail: value}]`; what lies behind it stays where it happened. */
export function encodeFailure(failure: Failure): Uint8Array {
  return encodeCbor([failure.code, new Map(Object.entries(failure.details).map(detail))])
}

/** A code that is not known here is read as `internal`. @throws {MalformedBytes} */
export function decodeFailure(bytes: Uint8Array): Failure {
  const value = decodeCbor(bytes)
  if (!Array.isArray(value) || value.length !== 2) throw new MalformedBytes('failure: expected 2 fields', 0)
  const [code, details] = value as readonly CborValue[]
  if (typeof code !== 'string' || !(details instanceof Map))
    throw new MalformedBytes('failure: expected a code and details', 0)
  const read: Record<string, FailureDetails[string]> = {}
  for (const [name, fact] of details as ReadonlyMap<CborKey, CborValue>) read[String(name)] = readFact(fact)
  return new Failure(Object.hasOwn(FAILURES, code) ? (code as FailureCode) : 'internal', read)
}

function detail([name, fact]: [string, FailureDetails[string]]): [string, CborValue] {
  return [name, typeof fact === 'number' && !Number.isSafeInteger(fact) ? String(fact) : fact]
}

function readFact(fact: CborValue): FailureDetails[string] {
  if (typeof fact === 'string' || typeof fact === 'number' || typeof fact === 'boolean') return fact
  if (Array.isArray(fact) && fact.every(one => typeof one === 'string')) return fact as string[]
  throw new MalformedBytes('failure: a detail of an unknown kind', 0)
}
