/** One byte of the binary format names a value type; 0 is the unknown type of unreachable code. */
export type ValueType = number

export const UNKNOWN = 0
export const EXTERNREF = 0x6f
export const FUNCREF = 0x70
export const V128 = 0x7b
export const F64 = 0x7c
export const F32 = 0x7d
export const I64 = 0x7e
export const I32 = 0x7f

const NAMES = new Map<ValueType, string>([
  [UNKNOWN, 'unknown'],
  [EXTERNREF, 'externref'],
  [FUNCREF, 'funcref'],
  [V128, 'v128'],
  [F64, 'f64'],
  [F32, 'f32'],
  [I64, 'i64'],
  [I32, 'i32'],
])

/** The name of a type in the text format. */
export const typeName = (type: ValueType): string => NAMES.get(type) ?? `type 0x${type.toString(16)}`

export const isReference = (type: ValueType): boolean => type === FUNCREF || type === EXTERNREF

export const isFloat = (type: ValueType): boolean => type === F32 || type === F64

/** Eight-byte stack slots that a value of this type can take. */
export const slotsOf = (type: ValueType): number => (type === V128 ? 2 : 1)

export interface FunctionType {
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
}
