import type { Range } from './module-shape.ts'
import type { FunctionType, ValueType } from './value-types.ts'

/** Charges the gas of a straight run of instructions where the run begins. */
export interface ChargeEdit {
  readonly kind: 'charge'
  readonly at: number
  readonly nesting: number
  readonly check: boolean
  /** A segment that runs whenever this one does, and in the same round of every loop. */
  readonly dominator: ChargeEdit | undefined
  cost: number
  /** What of the cost is for segments that need not run. */
  folded: number
}

/** Marks the chunks of the bytes from `low` to `high` (inclusive), counted from an address. */
export interface MarkEdit {
  readonly kind: 'mark'
  readonly at: number
  /** A local that holds the address; or a constant one; or the second operand from the top. */
  readonly address: 'local' | 'constant' | 'operand'
  /** The local's index or the constant. */
  readonly base: number
  /** The type of the operand above an address that is an operand. */
  readonly valueType: ValueType
  low: number
  high: number
}

/** Makes the NaN of the topmost operand canonical; of every lane, if it is a vector. */
export interface CanonicalEdit {
  readonly kind: 'canonical'
  readonly at: number
  readonly type: ValueType
  readonly vector: boolean
  /** The operand was read from this local, whose class decides: see NanFlow. */
  readonly local: number | undefined
  /** Somebody sees the bits. */
  needed: boolean
}

/** Writes the gas kept in a local back to the global, or reads it again. */
export interface GasEdit {
  readonly kind: 'spill' | 'reload'
  readonly at: number
}

/** Replaces a `return` by a branch to the epilogue. */
export interface ReturnEdit {
  readonly kind: 'return'
  readonly at: number
  readonly end: number
  readonly nesting: number
}

/** Replaces an instruction by a call of an added function. */
export interface ReplaceEdit {
  readonly kind: 'replace'
  readonly at: number
  readonly end: number
  readonly functionIndex: number
}

export type Edit = ChargeEdit | MarkEdit | CanonicalEdit | GasEdit | ReturnEdit | ReplaceEdit

/** All that emitting a function needs to know, found by scanning it once. */
export interface FunctionPlan {
  readonly type: FunctionType
  /** The declared locals as bytes: after their count. */
  readonly localGroups: number
  readonly localBytes: Range
  /** Locals, parameters included. */
  readonly locals: number
  /** Slots of parameters and results: a caller keeps them beside its operands. */
  readonly boundarySlots: number
  /** Slots of all locals, parameters included. */
  readonly localSlots: number
  readonly operandSlots: number
  /** Instructions, the final `end` included. */
  readonly code: Range
  readonly entry: ChargeEdit
  /** In order of `at`; at one place in order of emission. */
  readonly edits: readonly Edit[]
  readonly loops: boolean
  readonly calls: boolean
}
