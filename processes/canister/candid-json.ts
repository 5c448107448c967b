import { Buffer } from 'node:buffer'
import {
  type CandidType,
  type CandidValue,
  candidLabel,
  decodeCandid,
  encodeCandid,
  fromUtf8,
  MalformedBytes,
  principalText,
  toUtf8,
} from '../../protocol/index.ts'

const NO_BYTES = new Uint8Array(0)

/** Hears how many values were read. */
export type Counted = (values: number) => void

/**
 * Candid values as JSON, for processes that speak no Candid: docs/protocol/canister.md. `names` are those of fields, by hash.
 * @throws {MalformedBytes}
 */
export function candidToJson(bytes: Uint8Array, names: ReadonlyMap<number, string>, counted: Counted): Uint8Array {
  const values = bytes.length === 0 ? [] : decodeCandid(bytes, { counted })
  const [first] = values
  if (first === undefined) return NO_BYTES
  const told = values.map(value => jsonOf(value, names))
  return toUtf8(JSON.stringify(told.length === 1 ? told[0] : told))
}

function jsonOf(value: CandidValue, names: ReadonlyMap<number, string>): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  if (typeof value === 'string') return value.toWellFormed()
  if (value === null || typeof value !== 'object') return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length).toString('base64')
  if (Array.isArray(value)) return (value as readonly CandidValue[]).map(one => jsonOf(one, names))
  if ('principal' in value) return principalText(value.principal)
  if ('opt' in value) return value.opt === undefined ? null : jsonOf(value.opt, names)
  if ('variant' in value) return { [nameOf(value.variant[0], names)]: jsonOf(value.variant[1], names) }
  if (!('record' in value)) return null
  const entries = [...value.record]
  if (entries.length > 0 && entries.every(([label], index) => label === index))
    return entries.map(([, one]) => jsonOf(one, names))
  return Object.fromEntries(entries.map(([label, one]) => [nameOf(label, names), jsonOf(one, names)]))
}

const nameOf = (label: number, names: ReadonlyMap<number, string>): string => names.get(label) ?? `_${label}_`

/** Words of interfaces by their hashes: among them are the names of all fields. Remembered of the last few interfaces. */
const known = new Map<string, ReadonlyMap<number, string>>()
const KNOWN_MAX = 64

export function namesIn(service: string): ReadonlyMap<number, string> {
  const found = known.get(service)
  if (found !== undefined) return found
  const words = service.match(/[A-Za-z_][A-Za-z0-9_]*|"[^"\\]*"/g) ?? []
  const names = new Map(
    words.map(word => (word.startsWith('"') ? word.slice(1, -1) : word)).map(name => [candidLabel(name), name]),
  )
  if (known.size >= KNOWN_MAX) known.clear()
  known.set(service, names)
  return names
}

/**
 * JSON as one Candid argument of the type that it shows; no bytes are no arguments, bytes that are no JSON a text.
 * @throws {MalformedBytes} if the bytes are no text, or nested too deep
 */
export function jsonToCandid(bytes: Uint8Array, counted: Counted): Uint8Array {
  if (bytes.length === 0) return encodeCandid([])
  const text = fromUtf8(bytes)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    value = text
  }
  checkNesting(value, counted)
  return encodeCandid([typed(value)])
}

/** What is nested as deep as this costs its square to type, and Candid readers refuse more. */
const NESTING_MAX = 64

/** One of JSON takes as long as so many of Candid: its type has to be found, and compared with others. */
const VALUES_OF_JSON = 5

/** Without recursion: how deep a host's stack reaches must decide nothing. @throws {MalformedBytes} */
function checkNesting(value: unknown, counted: Counted): void {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    counted(VALUES_OF_JSON * level.length)
    if (depth > NESTING_MAX) throw new MalformedBytes('json: nested too deep', 0)
    level = level.flatMap(one => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
}

type Typed = readonly [type: CandidType, value: CandidValue]

function typed(value: unknown): Typed {
  switch (typeof value) {
    case 'string':
      return ['text', value.toWellFormed()]
    case 'boolean':
      return ['bool', value]
    case 'number':
      if (!Number.isSafeInteger(value)) return ['float64', value]
      return value < 0 ? ['int', BigInt(value)] : ['nat', BigInt(value)]
    case 'object':
      if (value === null) return ['null', null]
      return Array.isArray(value) ? typedList(value.map(typed)) : typedRecord(Object.entries(value))
    default:
      return ['null', null]
  }
}

/** A vector if all are of one type, else a tuple. */
function typedList(list: readonly Typed[]): Typed {
  const [first] = list
  if (first === undefined) return [{ vec: 'empty' }, []]
  const key = keyOf(first[0])
  if (list.every(([type]) => keyOf(type) === key)) return [{ vec: first[0] }, list.map(([, value]) => value)]
  return [
    { record: list.map(([type], index) => [index, type] as const) },
    { record: new Map(list.map(([, value], index) => [index, value])) },
  ]
}

/** The same for equal types. Most are primitive, of long lists too: nothing is spelled for those. */
const keyOf = (type: CandidType): string => (typeof type === 'string' ? type : JSON.stringify(type))

function typedRecord(entries: readonly (readonly [name: string, value: unknown])[]): Typed {
  const fields = new Map(entries.map(([name, value]) => [labelOf(name), typed(value)]))
  const sorted = [...fields].sort(([a], [b]) => a - b)
  return [
    { record: sorted.map(([label, [type]]) => [label, type] as const) },
    { record: new Map(sorted.map(([label, [, value]]) => [label, value])) },
  ]
}

/** `_123_` names a field whose name nobody knows. */
function labelOf(name: string): number {
  const number = /^_([0-9]{1,10})_$/.exec(name)?.[1]
  return number !== undefined && Number(number) <= 0xffff_ffff ? Number(number) : candidLabel(name)
}
