import { RESERVED_PREFIX } from './injected-names.ts'
import type { ModuleExport, ModuleShape } from './module-shape.ts'
import type { RewriteFeatures } from './profile.ts'
import { ModuleRefused, type RefusalReason } from './refusal.ts'
import { isFloat, isReference, V128, type ValueType } from './value-types.ts'

/** Checks what crosses between module and host: names, types of functions and of globals. */
export function checkBoundary(shape: ModuleShape, features: RewriteFeatures): void {
  for (const item of shape.exports) {
    if (item.name.startsWith(RESERVED_PREFIX)) {
      throw refused('reserved-name', `export ${item.name}`)
    }
  }
  shape.globals.forEach(({ type, mutable }, index) => {
    if (!mutable) return
    if (type === V128 && !features.vectorGlobals) {
      throw refused('unsaved-global', `mutable v128 global ${index}`)
    }
    if (isReference(type) && !features.tableMutation) {
      throw refused('unsaved-global', `mutable reference in global ${index}`)
    }
  })
  if (!features.floatBoundary) refuseFloats(shape)
}

function refuseFloats(shape: ModuleShape): void {
  for (let index = 0; index < shape.importedFunctions; index += 1) {
    if (functionUsesFloat(shape, index)) {
      throw refused('float-boundary', `type of imported function ${index}`)
    }
  }
  for (let index = 0; index < shape.importedGlobals; index += 1) {
    if (isFloat(shape.globals[index]?.type ?? 0)) {
      throw refused('float-boundary', `type of imported global ${index}`)
    }
  }
  for (const item of shape.exports) {
    if (exportUsesFloat(shape, item)) throw refused('float-boundary', `type of ${item.name}`)
  }
}

function exportUsesFloat(shape: ModuleShape, { kind, index }: ModuleExport): boolean {
  if (kind === 'function') return functionUsesFloat(shape, index)
  return kind === 'global' && isFloat(shape.globals[index]?.type ?? 0)
}

function functionUsesFloat(shape: ModuleShape, index: number): boolean {
  const type = shape.types[shape.functions[index] ?? -1]
  const crosses = (value: ValueType) => isFloat(value)
  return type !== undefined && (type.params.some(crosses) || type.results.some(crosses))
}

const refused = (reason: RefusalReason, detail: string): ModuleRefused => new ModuleRefused(reason, 0, detail)
