import { toUtf8 } from '../codec/bytes.ts'

/** A type of Candid. One that stands within itself is `named`: a name means the same type in all that is written at once. */
export type CandidType =
  | CandidPrimitive
  | { readonly opt: CandidType }
  | { readonly vec: CandidType }
  | { readonly record: CandidFields }
  | { readonly variant: CandidFields }
  | { readonly named: string; readonly is: () => CandidType }

/** Types by the hash of their field's name. */
export type CandidFields = readonly (readonly [label: number, type: CandidType])[]

export const CANDID_PRIMITIVES = [
  'null',
  'bool',
  'nat',
  'int',
  'nat8',
  'nat16',
  'nat32',
  'nat64',
  'int8',
  'int16',
  'int32',
  'int64',
  'float32',
  'float64',
  'text',
  'reserved',
  'empty',
] as const
export type CandidPrimitive = (typeof CANDID_PRIMITIVES)[number] | 'principal'

/** A value of Candid. `vec nat8` is bytes; `null` and `reserved` are null. */
export type CandidValue =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | readonly CandidValue[]
  | { readonly principal: Uint8Array }
  | { readonly opt: CandidValue | undefined }
  | { readonly record: CandidRecord }
  | { readonly variant: readonly [label: number, value: CandidValue] }

export type CandidRecord = ReadonlyMap<number, CandidValue>

/** The hash by which a field is known. */
export function candidLabel(name: string): number {
  let hash = 0
  for (const byte of toUtf8(name)) hash = (Math.imul(hash, 223) + byte) >>> 0
  return hash
}

/** Fields by name, in the order of their hashes. */
export function candidFields(fields: Readonly<Record<string, CandidType>>): CandidFields {
  return Object.entries(fields)
    .map(([name, type]) => [candidLabel(name), type] as const)
    .sort(([a], [b]) => a - b)
}

/** A record by names. */
export function candidRecord(fields: Readonly<Record<string, CandidValue>>): CandidValue {
  return { record: new Map(Object.entries(fields).map(([name, value]) => [candidLabel(name), value])) }
}

export function candidVariant(name: string, value: CandidValue = null): CandidValue {
  return { variant: [candidLabel(name), value] }
}

/** The first argument as a record; no record is one without fields. */
export function firstRecord(values: readonly CandidValue[]): CandidRecord {
  const [first] = values
  return typeof first === 'object' && first !== null && 'record' in first ? first.record : new Map()
}
