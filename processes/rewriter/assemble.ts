import { ByteReader } from './byte-reader.ts'
import { ByteWriter } from './byte-writer.ts'
import { SECTION } from './decode-module.ts'
import type { FunctionTypes } from './function-types.ts'
import type { InjectedFunctions } from './injected-functions.ts'
import { globalExport, INJECTED } from './injected-names.ts'
import type { Layout } from './layout.ts'
import type { ModuleExport, ModuleShape } from './module-shape.ts'
import { I32, I64 } from './value-types.ts'

export interface Parts {
  readonly shape: ModuleShape
  readonly layout: Layout
  readonly types: FunctionTypes
  readonly injected: InjectedFunctions
  /** Rewritten bodies, each with its size in front. */
  readonly bodies: Uint8Array
  readonly exports: readonly ModuleExport[]
}

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]

/** Puts the sections together: raw where nothing is added. Custom sections and start are left out. */
export function assemble(parts: Parts): Uint8Array {
  const { shape } = parts
  const out = new ByteWriter(shape.bytes.length * 2 + 1024)
  out.code(...HEADER)
  const section = (id: number, content: Uint8Array) => {
    out.byte(id).u(content.length).copy(content)
  }
  const raw = (id: number) => {
    const range = shape.sections.get(id)
    if (range !== undefined) section(id, shape.bytes.subarray(range.start, range.end))
  }
  section(SECTION.type, typeSection(parts))
  raw(SECTION.import)
  section(SECTION.function, functionSection(parts))
  raw(SECTION.table)
  const memories = memorySection(parts)
  if (memories !== undefined) section(SECTION.memory, memories)
  section(SECTION.global, globalSection(parts))
  section(SECTION.export, exportSection(parts))
  raw(SECTION.element)
  raw(SECTION.dataCount)
  section(SECTION.code, codeSection(parts))
  raw(SECTION.data)
  return out.view().slice()
}

/** Writes a vector whose first items are those of the original section. */
function extended(shape: ModuleShape, id: number, added: number): ByteWriter {
  const writer = new ByteWriter(1024)
  const range = shape.sections.get(id)
  if (range === undefined) return writer.u(added)
  const reader = new ByteReader(shape.bytes, range.start, range.end)
  const count = reader.u32()
  return writer.u(count + added).copy(shape.bytes, reader.position, range.end)
}

function typeSection({ shape, types }: Parts): Uint8Array {
  const { added } = types
  const writer = extended(shape, SECTION.type, added.length)
  for (const { params, results } of added) {
    writer.byte(0x60)
    writer.u(params.length).code(...params)
    writer.u(results.length).code(...results)
  }
  return writer.view()
}

function functionSection({ shape, injected }: Parts): Uint8Array {
  const writer = extended(shape, SECTION.function, injected.functions.length)
  for (const { type } of injected.functions) writer.u(type)
  return writer.view()
}

/** Memory 0 with its maximum at the cap, and the dirty map as memory 1, which never grows. */
function memorySection({ shape, layout }: Parts): Uint8Array | undefined {
  const { memory } = shape
  if (memory === undefined) return undefined
  const { dirtyMapPages, pagesMax } = layout
  const count = (memory.imported ? 0 : 1) + (dirtyMapPages > 0 ? 1 : 0)
  if (count === 0) return undefined
  const writer = new ByteWriter().u(count)
  if (!memory.imported)
    writer
      .byte(memory.is64 ? 5 : 1)
      .u(memory.min)
      .u(pagesMax)
  if (dirtyMapPages > 0) writer.byte(1).u(dirtyMapPages).u(dirtyMapPages)
  return writer.view()
}

/** In the order of the layout: gas, depth, out of memory. */
function globalSection({ shape }: Parts): Uint8Array {
  const writer = extended(shape, SECTION.global, 3)
  writer.code(I64, 1, 0x42, 0, 0x0b)
  writer.code(I32, 1, 0x41, 0, 0x0b)
  writer.code(I32, 1, 0x41, 0, 0x0b)
  return writer.view()
}

const KIND_CODES = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const

function exportSection({ shape, exports }: Parts): Uint8Array {
  const writer = extended(shape, SECTION.export, exports.length)
  for (const { name, kind, index } of exports) writer.name(name).byte(KIND_CODES[kind]).u(index)
  return writer.view()
}

function codeSection({ shape, injected, bodies }: Parts): Uint8Array {
  const writer = new ByteWriter(bodies.length + 1024)
  writer.u(shape.bodies.length + injected.functions.length).copy(bodies)
  for (const { body } of injected.functions) writer.u(body.length).copy(body)
  return writer.view()
}

/** What is exported on top of the module's own exports. */
export function addedExports(shape: ModuleShape, layout: Layout, injected: InjectedFunctions): ModuleExport[] {
  const exports: ModuleExport[] = [
    { name: INJECTED.gas, kind: 'global', index: layout.gasGlobal },
    { name: INJECTED.depth, kind: 'global', index: layout.depthGlobal },
    { name: INJECTED.outOfMemory, kind: 'global', index: layout.outOfMemoryGlobal },
  ]
  if (shape.memory !== undefined) {
    exports.push({ name: INJECTED.memory, kind: 'memory', index: 0 })
    exports.push({ name: INJECTED.grow, kind: 'function', index: injected.memoryGrow() })
  }
  if (layout.dirtyMapPages > 0) exports.push({ name: INJECTED.dirty, kind: 'memory', index: 1 })
  if (shape.tables.length > 0) exports.push({ name: INJECTED.table, kind: 'table', index: 0 })
  if (shape.start !== undefined) {
    exports.push({ name: INJECTED.start, kind: 'function', index: shape.start })
  }
  shape.globals.forEach(({ mutable }, index) => {
    if (mutable) exports.push({ name: globalExport(index), kind: 'global', index })
  })
  return exports
}
