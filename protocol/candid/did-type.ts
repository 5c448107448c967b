import { MalformedBytes } from '../codec/bytes.ts'
import type { CandidPrimitive, CandidType } from './candid-value.ts'

/** A type as an interface writes it: with the names of its fields, and with names that may stand for themselves. */
export type DidType =
  | { readonly kind: 'primitive'; readonly of: CandidPrimitive }
  | { readonly kind: 'opt' | 'vec'; readonly of: DidType }
  | { readonly kind: 'record' | 'variant'; readonly fields: readonly DidField[] }
  | { readonly kind: 'func' | 'service' }
  | { readonly kind: 'named'; readonly name: string; readonly is: () => DidType }

export interface DidField {
  readonly label: number
  /** As people write it; `_123_` of a field that has a number only. */
  readonly name: string
  readonly type: DidType
}

/** A method of a service. */
export interface DidMethod {
  readonly args: readonly DidType[]
  readonly results: readonly DidType[]
  readonly isQuery: boolean
}

export interface DidService {
  readonly init: readonly DidType[]
  readonly methods: ReadonlyMap<string, DidMethod>
}

/** Names that stand for other names, one after the other. */
const ALIASES_MAX = 100

/** What a type is, behind its names. @throws {MalformedBytes} if it is nothing but names */
export function resolvedDid(type: DidType): Exclude<DidType, { kind: 'named' }> {
  let found = type
  for (let step = 0; step < ALIASES_MAX; step++) {
    if (found.kind !== 'named') return found
    found = found.is()
  }
  throw new MalformedBytes('candid: a type that stands for itself only', 0)
}

/** Whether a record is a tuple: fields without names, from 0 on. */
export function isDidTuple(fields: readonly DidField[]): boolean {
  return fields.length > 0 && fields.every(({ label, name }, at) => label === at && name === `_${at}_`)
}

/** Whether null, in JavaScript, could mean an absent value and a present one. */
export function isNullableDid(type: DidType): boolean {
  const found = resolvedDid(type)
  return found.kind === 'opt' || (found.kind === 'primitive' && (found.of === 'null' || found.of === 'reserved'))
}

/** The type as it travels. References can be received only: where one could stand, no value does. */
export function wireTypeOf(type: DidType): CandidType {
  switch (type.kind) {
    case 'primitive':
      return type.of
    case 'opt':
      return { opt: wireTypeOf(type.of) }
    case 'vec':
      return { vec: wireTypeOf(type.of) }
    case 'record':
      return { record: type.fields.map(field => [field.label, wireTypeOf(field.type)]) }
    case 'variant':
      return { variant: type.fields.map(field => [field.label, wireTypeOf(field.type)]) }
    case 'named':
      return { named: type.name, is: () => wireTypeOf(resolvedDid(type)) }
    default:
      return 'empty'
  }
}

/** Whether an integer is one of a type, by the type's name. */
export function isCandidInteger(type: string, value: bigint): boolean {
  if (type === 'int') return true
  if (type === 'nat') return value >= 0n
  const bits = Number(type.slice(3))
  return (type.startsWith('i') ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) === value
}
