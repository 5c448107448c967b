/**
 * One deterministic pass over a WebAssembly binary, at deploy.
 *
 * What holds of a rewritten module, in every engine and every tier of it:
 *
 *  1. Same bytes and same profile in, same bytes out. Every rule and every number that shapes the
 *     output is covered by REWRITER_VERSION.
 *  2. Nothing of the original can name what was added: the original is fully validated against its
 *     own index spaces, added things come behind them, and the dirty map is a second memory.
 *  3. Gas is an i64 global. Each straight run of instructions is charged where it begins, before its
 *     effects; a short run may be charged with one that always comes before it (FOLD_MAX). Gas is
 *     below zero at the latest at the next function entry or loop head that checks, which then
 *     traps. Code between two checks is bounded by the size of one function, so gas can end below
 *     zero without a trap: **gas < 0 after a call means out of gas, trap or not.**
 *  4. The global is exact whenever another function runs: at calls, imports and returns. After a
 *     trap it may lag, so a host charges the whole limit of the slot.
 *  5. Depth is an i32 global: stack slots of all frames that can call. It is exact at every call. A
 *     frame beyond the maximum traps and leaves depth above the maximum. A host that catches an
 *     exception and goes on (longjmp) restores the depth it saw when it was entered; one that calls
 *     back into the guest adds REENTRY_SLOTS while it does, for its own frames.
 *  6. No compiler of the engine takes more than 8 bytes of stack for a slot (7.9 measured in the
 *     baseline, 4.0 in the optimising tier), so with a stack of `stackBytesFor(frameSlotsMax)` a
 *     real overflow cannot come first. If one does come, it is a host fault.
 *  7. The bits of a NaN that the engine chose are never seen: what arithmetic made is canonical
 *     before a store, reinterpret, copysign, splat, replace_lane, global, select, branch, call or
 *     return takes it, and in vectors where it arises. Bits that no arithmetic touched stay as they
 *     are, through locals, blocks and calls too: compilers move integers and tagged values so.
 *     What a host hands over as a NaN must be the constant `NaN`, and it must not look at the bits
 *     of one that it gets.
 *  8. memory.grow fails only by the rules: the module's maximum and the profile's. If the engine
 *     cannot follow, `oom` is 1 and the guest traps: a host fault, never a result. A memory that is
 *     imported must have `memoryPagesMax` of the rewritten module as its maximum.
 *  9. memory.size is the engine's. **A slot that grew the memory and is rolled back takes its
 *     instance with it**: an engine's memory cannot shrink, and bytes beyond the old size would not
 *     trap. The host makes a new instance from the state before.
 * 10. A byte of memory 0 that was stored to lies in a chunk whose byte in the dirty map is not zero.
 *     Chunks may be marked that did not change. What the host writes is the host's to mark, and
 *     data segments are not marked. The map itself is deterministic, so it may be charged for.
 * 11. Instantiation runs no guest code: the start function is exported instead.
 */
import { addedExports, assemble } from './assemble.ts'
import type { ScanContext } from './body-scan.ts'
import { ByteWriter } from './byte-writer.ts'
import { checkBoundary } from './check-boundary.ts'
import { CodeWriter } from './code-writer.ts'
import { decodeModule } from './decode-module.ts'
import { type EmitContext, emitFunction } from './emit-function.ts'
import { FunctionTypes } from './function-types.ts'
import { InjectedFunctions } from './injected-functions.ts'
import { globalExport } from './injected-names.ts'
import { CHUNKS_PER_PAGE, layoutOf } from './layout.ts'
import { REWRITTEN_BODY_MAX_BYTES } from './limits.ts'
import type { CustomSection, ModuleExport, ModuleImport, ModuleShape } from './module-shape.ts'
import { featuresOf, limitsOf, type RewriteProfile } from './profile.ts'
import { ModuleRefused } from './refusal.ts'
import { scanBody } from './scan-body.ts'
import { I32, I64, typeName } from './value-types.ts'

/** The rules of this folder. A change of what comes out is a change of this number. */
export const REWRITER_VERSION = 1

export interface RewrittenModule {
  readonly bytes: Uint8Array
  readonly version: number
  /** Whether there is a memory, its own or imported. */
  readonly hasMemory: boolean
  readonly memory64: boolean
  readonly memoryImported: boolean
  /** Pages at instantiation, and at most. */
  readonly memoryPagesMin: number
  readonly memoryPagesMax: number
  /** Bytes at the start of the dirty map that mean something: one a chunk. 0 without a map. */
  readonly dirtyMapBytes: number
  /** In order of their index: what a snapshot holds besides memory. */
  readonly mutableGlobals: readonly { readonly exportName: string; readonly type: string }[]
  readonly hasStart: boolean
  readonly hasTable: boolean
  readonly imports: readonly ModuleImport[]
  /** The module's own exports, without the added ones. */
  readonly exports: readonly ModuleExport[]
  /** Types of imported and exported functions by name, such as `i32 i64 > i32`. */
  readonly importTypes: ReadonlyMap<string, string>
  readonly exportTypes: ReadonlyMap<string, string>
  /** Of the original; the rewritten bytes have none. */
  readonly customSections: readonly CustomSection[]
}

/**
 * Makes a module fit to run as a guest.
 *
 * @throws {ModuleRefused} if the bytes are no valid module, pass a limit, or need what the profile
 * does not give.
 */
export function rewrite(bytes: Uint8Array, profile: RewriteProfile): RewrittenModule {
  const shape = decodeModule(bytes, profile)
  checkBoundary(shape, featuresOf(profile))
  const layout = layoutOf(shape, profile)
  const types = new FunctionTypes(shape.types)
  const injected = new InjectedFunctions(shape, layout, limitsOf(profile), types)
  const bodies = rewriteBodies(shape, profile, types, injected)
  const exports = addedExports(shape, layout, injected)
  return {
    ...describe(shape),
    bytes: assemble({ shape, layout, types, injected, bodies, exports }),
    version: REWRITER_VERSION,
    memoryPagesMax: shape.memory === undefined ? 0 : layout.pagesMax,
    dirtyMapBytes: layout.dirtyMapPages === 0 ? 0 : layout.pagesMax * CHUNKS_PER_PAGE,
  }
}

function rewriteBodies(
  shape: ModuleShape,
  profile: RewriteProfile,
  types: FunctionTypes,
  injected: InjectedFunctions,
): Uint8Array {
  const layout = layoutOf(shape, profile)
  const addressType = shape.memory?.is64 === true ? I64 : I32
  const scanContext: ScanContext = {
    shape,
    limits: limitsOf(profile),
    features: featuresOf(profile),
    trackDirty: layout.dirtyMapPages > 0,
    injected,
    addressType,
    brTableEntries: 0,
    brTableValues: 0,
    operandsMoved: 0,
  }
  const { frameSlotsMax } = profile
  const emitContext: EmitContext = { bytes: shape.bytes, layout, types, addressType, frameSlotsMax }
  const out = new ByteWriter(shape.bytes.length * 2)
  const body = new CodeWriter(65_536)
  shape.bodies.forEach((range, index) => {
    const type = shape.types[shape.functions[shape.importedFunctions + index] ?? -1]
    if (type === undefined) throw new Error(`expected a type of function ${index}`)
    body.clear()
    emitFunction(emitContext, scanBody(scanContext, type, range), body)
    if (body.length > REWRITTEN_BODY_MAX_BYTES) {
      throw new ModuleRefused('function-too-large', range.start, `${body.length} bytes rewritten`)
    }
    out.u(body.length).copy(body.view())
  })
  return out.view()
}

function describe(shape: ModuleShape) {
  const mutable = shape.globals.flatMap(({ type, mutable }, index) =>
    mutable ? [{ exportName: globalExport(index), type: typeName(type) }] : [],
  )
  return {
    hasMemory: shape.memory !== undefined,
    memory64: shape.memory?.is64 === true,
    memoryImported: shape.memory?.imported === true,
    memoryPagesMin: shape.memory?.min ?? 0,
    mutableGlobals: mutable,
    hasStart: shape.start !== undefined,
    hasTable: shape.tables.length > 0,
    imports: shape.imports,
    exports: shape.exports,
    importTypes: importTypes(shape),
    exportTypes: exportTypes(shape),
    customSections: shape.customSections,
  }
}

function importTypes(shape: ModuleShape): ReadonlyMap<string, string> {
  const functions = shape.imports.filter(({ kind }) => kind === 'function')
  return new Map(functions.map(({ name }, index) => [name, typeText(shape, index)]))
}

function exportTypes(shape: ModuleShape): ReadonlyMap<string, string> {
  const functions = shape.exports.filter(({ kind }) => kind === 'function')
  return new Map(functions.map(({ name, index }) => [name, typeText(shape, index)]))
}

function typeText(shape: ModuleShape, index: number): string {
  const type = shape.types[shape.functions[index] ?? -1]
  if (type === undefined) throw new Error(`expected a type of function ${index}`)
  return [...type.params.map(typeName), '>', ...type.results.map(typeName)].join(' ')
}
