import type { ModuleLimits } from './limits.ts'
import type {
  CustomSection,
  GlobalType,
  MemoryType,
  ModuleExport,
  ModuleImport,
  ModuleShape,
  Range,
  TableType,
} from './module-shape.ts'
import { ModuleRefused, type RefusalReason } from './refusal.ts'
import type { FunctionType, ValueType } from './value-types.ts'

/** A ModuleShape while its sections are read, with the checks every section shares. */
export class ShapeBuilder {
  readonly limits: ModuleLimits
  readonly bytes: Uint8Array
  readonly sections = new Map<number, Range>()
  readonly types: FunctionType[] = []
  readonly imports: ModuleImport[] = []
  readonly functions: number[] = []
  importedFunctions = 0
  readonly tables: TableType[] = []
  memory: MemoryType | undefined
  readonly globals: GlobalType[] = []
  importedGlobals = 0
  readonly exports: ModuleExport[] = []
  start: number | undefined
  readonly elementTypes: ValueType[] = []
  elementCount = 0
  dataCount: number | undefined
  dataSegments = 0
  readonly declared = new Set<number>()
  readonly bodies: Range[] = []
  readonly customSections: CustomSection[] = []
  customBytes = 0

  constructor(bytes: Uint8Array, limits: ModuleLimits) {
    this.bytes = bytes
    this.limits = limits
  }

  /** Refuses a count above its limit. */
  bound(count: number, max: number, reason: RefusalReason, offset: number): void {
    if (count > max) {
      throw new ModuleRefused(reason, offset, `expected at most ${max}, got ${count}`)
    }
  }

  /** Refuses an index that names nothing. */
  known(what: string, index: number, count: number, offset: number): void {
    if (index >= count) throw new ModuleRefused('invalid', offset, `unknown ${what} ${index}`)
  }

  /** The type of a function by its type index. */
  type(index: number, offset: number): FunctionType {
    const type = this.types[index]
    if (type === undefined) throw new ModuleRefused('invalid', offset, `unknown type ${index}`)
    return type
  }

  shape(): ModuleShape {
    return this
  }
}
