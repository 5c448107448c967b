/** Why a module was refused. The codes are stable: results and documentation name them. */
export type RefusalReason =
  // The bytes are no WebAssembly module.
  | 'malformed'
  | 'invalid'
  // The module asks for what no guest gets.
  | 'atomics'
  | 'custom-page-size'
  | 'exceptions'
  | 'gc'
  | 'multi-memory'
  | 'relaxed-simd'
  | 'reserved-name'
  | 'shared-memory'
  | 'tail-calls'
  | 'unknown-opcode'
  // The profile does not give what the module asks for.
  | 'float-boundary'
  | 'import-not-allowed'
  | 'memory-init'
  | 'table-mutation'
  | 'unsaved-global'
  // A static limit is passed.
  | 'br-table-too-large'
  | 'custom-sections-too-large'
  | 'elements-too-many'
  | 'exports-too-many'
  | 'function-too-large'
  | 'functions-too-many'
  | 'globals-too-many'
  | 'imports-too-many'
  | 'locals-too-many'
  | 'memory-too-large'
  | 'module-too-large'
  | 'nesting-too-deep'
  | 'operands-too-many'
  | 'parameters-too-many'
  | 'segments-too-many'
  | 'table-too-large'
  | 'tables-too-many'
  | 'types-too-many'

/** The module cannot run here. `offset` is the byte position in the original where it was seen. */
export class ModuleRefused extends Error {
  override readonly name = 'ModuleRefused'
  readonly reason: RefusalReason
  readonly offset: number

  constructor(reason: RefusalReason, offset: number, detail: string) {
    super(`${reason} at byte ${offset}: ${detail}`)
    this.reason = reason
    this.offset = offset
  }
}
