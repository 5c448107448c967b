import type { FunctionType, ValueType } from './value-types.ts'

export type ExternalKind = 'function' | 'table' | 'memory' | 'global' | 'tag'

export const EXTERNAL_KINDS: readonly ExternalKind[] = ['function', 'table', 'memory', 'global', 'tag']

export interface MemoryType {
  readonly is64: boolean
  readonly min: number
  readonly max: number | undefined
  readonly imported: boolean
}

export interface TableType {
  readonly element: ValueType
  readonly is64: boolean
  readonly min: number
  readonly max: number | undefined
}

export interface GlobalType {
  readonly type: ValueType
  readonly mutable: boolean
}

export interface ModuleImport {
  readonly module: string
  readonly name: string
  readonly kind: ExternalKind
}

export interface ModuleExport {
  readonly name: string
  readonly kind: ExternalKind
  readonly index: number
}

export interface CustomSection {
  readonly name: string
  readonly bytes: Uint8Array
}

/** A section's content as a byte range of the original. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** A module as decoded: all but the function bodies, which stay byte ranges. */
export interface ModuleShape {
  readonly bytes: Uint8Array
  readonly sections: ReadonlyMap<number, Range>
  readonly types: readonly FunctionType[]
  readonly imports: readonly ModuleImport[]
  /** Index into `types` for each function, imported ones first. */
  readonly functions: readonly number[]
  readonly importedFunctions: number
  readonly tables: readonly TableType[]
  readonly memory: MemoryType | undefined
  readonly globals: readonly GlobalType[]
  readonly importedGlobals: number
  readonly exports: readonly ModuleExport[]
  readonly start: number | undefined
  /** The reference type of each element segment. */
  readonly elementTypes: readonly ValueType[]
  /** From the data count section; data instructions need it. */
  readonly dataCount: number | undefined
  readonly dataSegments: number
  /** Functions that `ref.func` may name in a body. */
  readonly declared: ReadonlySet<number>
  readonly bodies: readonly Range[]
  readonly customSections: readonly CustomSection[]
}
