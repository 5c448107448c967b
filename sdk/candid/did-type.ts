import { type CandidPrimitive, type CandidType, MalformedBytes } from '../../protocol/index.ts'

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
export function resolved(type: DidType): Exclude<DidType, { kind: 'named' }> {
  let found = type
  for (let step = 0; step < ALIASES_MAX; step++) {
    if (found.kind !== 'named') return found
    found = found.is()
  }
  throw new MalformedBytes('candid: a type that stands for itself only', 0)
}

/** Whether a record is a tuple: fields without names, from 0 on. */
export function isTuple(fields: readonly DidField[]): boolean {
  return fields.length > 0 && fields.every(({ label, name }, at) => label === at && name === `_${at}_`)
}

/** Whether null, in JavaScript, could mean an absent value and a present one. */
export function isNullable(type: DidType): boolean {
  const found = resolved(type)
  return found.kind === 'opt' || (found.kind === 'primitive' && (found.of === 'null' || found.of === 'reserved'))
}

/** The type as it travels. @throws {MalformedBytes} for references, which can be received only */
export function wireType(type: DidType): CandidType {
  switch (type.kind) {
    case 'primitive':
      return type.of
    case 'opt':
      return { opt: wireType(type.of) }
    case 'vec':
      return { vec: wireType(type.of) }
    case 'record':
      return { record: type.fields.map(field => [field.label, wireType(field.type)]) }
    case 'variant':
      return { variant: type.fields.map(field => [field.label, wireType(field.type)]) }
    case 'named':
      return { named: type.name, is: () => wireType(resolved(type)) }
    default:
      throw new MalformedBytes('candid: functions and services cannot be sent', 0)
  }
}
