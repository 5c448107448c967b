import { ByteReader } from './byte-reader.ts'
import { readConstantExpression } from './constant-expression.ts'
import { readGlobalType, readImportSection } from './decode-imports.ts'
import { readDataSection, readElementSection } from './decode-segments.ts'
import { readMemoryType, readTableType, readTypeSection } from './decode-types.ts'
import { EXTERNAL_KINDS, type ModuleShape } from './module-shape.ts'
import { limitsOf, type RewriteProfile } from './profile.ts'
import { ModuleRefused } from './refusal.ts'
import { ShapeBuilder } from './shape-builder.ts'

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const

/** The order in which sections must stand. */
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]

/** Decodes and checks everything but function bodies. */
export function decodeModule(bytes: Uint8Array, profile: RewriteProfile): ModuleShape {
  const limits = limitsOf(profile)
  const builder = new ShapeBuilder(bytes, limits)
  builder.bound(bytes.length, limits.moduleSizeMaxBytes, 'module-too-large', 0)
  const reader = new ByteReader(bytes)
  for (const expected of [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]) {
    if (reader.byte() !== expected) throw reader.malformed('magic number or version')
  }
  let last = -1
  while (!reader.done) {
    const id = reader.byte()
    const section = reader.slice(reader.u32())
    if (id === SECTION.custom) {
      readCustomSection(section, builder)
      continue
    }
    const position = ORDER.indexOf(id)
    if (position < 0) throw section.malformed(`section id ${id}`)
    if (position <= last) throw section.malformed(`unexpected section ${id}`)
    last = position
    builder.sections.set(id, { start: section.position, end: section.end })
    readSection(id, section, builder, profile)
    if (!section.done) throw section.malformed('section size mismatch')
  }
  checkCounts(builder)
  return builder.shape()
}

function readSection(id: number, reader: ByteReader, builder: ShapeBuilder, profile: RewriteProfile): void {
  switch (id) {
    case SECTION.type:
      return readTypeSection(reader, builder)
    case SECTION.import:
      return readImportSection(reader, builder, profile)
    case SECTION.function:
      return readFunctionSection(reader, builder)
    case SECTION.table:
      return readTableSection(reader, builder)
    case SECTION.memory:
      return readMemorySection(reader, builder, profile)
    case SECTION.tag:
      throw new ModuleRefused('exceptions', reader.position, 'tag section')
    case SECTION.global:
      return readGlobalSection(reader, builder)
    case SECTION.export:
      return readExportSection(reader, builder)
    case SECTION.start:
      return readStartSection(reader, builder)
    case SECTION.element:
      return readElementSection(reader, builder)
    case SECTION.dataCount:
      builder.dataCount = reader.u32()
      return
    case SECTION.code:
      return readCodeSection(reader, builder)
    case SECTION.data:
      return readDataSection(reader, builder)
  }
}

function readCustomSection(reader: ByteReader, builder: ShapeBuilder): void {
  const { customSectionsMax, customSectionsMaxBytes } = builder.limits
  const offset = reader.position
  builder.customBytes += reader.end - reader.position
  const name = reader.name()
  builder.customSections.push({ name, bytes: reader.bytes.subarray(reader.position, reader.end) })
  const reason = 'custom-sections-too-large'
  builder.bound(builder.customSections.length, customSectionsMax, reason, offset)
  builder.bound(builder.customBytes, customSectionsMaxBytes, reason, offset)
}

function readFunctionSection(reader: ByteReader, builder: ShapeBuilder): void {
  const count = reader.u32()
  const { functionsMax } = builder.limits
  const total = builder.functions.length + count
  builder.bound(total, functionsMax, 'functions-too-many', reader.position)
  for (let index = 0; index < count; index += 1) {
    const type = reader.u32()
    builder.type(type, reader.position)
    builder.functions.push(type)
  }
}

function readTableSection(reader: ByteReader, builder: ShapeBuilder): void {
  const count = reader.u32()
  const total = builder.tables.length + count
  builder.bound(total, builder.limits.tablesMax, 'tables-too-many', reader.position)
  for (let index = 0; index < count; index += 1) {
    if (reader.bytes[reader.position] === 0x40) {
      throw new ModuleRefused('gc', reader.position, 'table with an initialiser')
    }
    builder.tables.push(readTableType(reader, builder))
  }
}

function readMemorySection(reader: ByteReader, builder: ShapeBuilder, profile: RewriteProfile): void {
  const count = reader.u32()
  if (count > 1) throw new ModuleRefused('multi-memory', reader.position, `${count} memories`)
  if (count === 1) readMemoryType(reader, builder, profile.memoryPagesMax, false)
}

function readGlobalSection(reader: ByteReader, builder: ShapeBuilder): void {
  const count = reader.u32()
  const { globalsMax } = builder.limits
  builder.bound(builder.globals.length + count, globalsMax, 'globals-too-many', reader.position)
  for (let index = 0; index < count; index += 1) {
    readGlobalType(reader, builder)
    const global = builder.globals.pop()
    if (global === undefined) return
    // An initialiser sees the globals before its own.
    readConstantExpression(reader, builder, global.type)
    builder.globals.push(global)
  }
}

function readExportSection(reader: ByteReader, builder: ShapeBuilder): void {
  const count = reader.u32()
  builder.bound(count, builder.limits.exportsMax, 'exports-too-many', reader.position)
  const names = new Set<string>()
  const counts = {
    function: builder.functions.length,
    table: builder.tables.length,
    memory: builder.memory === undefined ? 0 : 1,
    global: builder.globals.length,
    tag: 0,
  }
  for (let position = 0; position < count; position += 1) {
    const offset = reader.position
    const name = reader.name()
    const kind = EXTERNAL_KINDS[reader.byte()]
    if (kind === undefined) throw new ModuleRefused('malformed', offset, 'export kind')
    const index = reader.u32()
    builder.known(kind, index, counts[kind], offset)
    if (names.has(name)) throw new ModuleRefused('invalid', offset, `duplicate export ${name}`)
    names.add(name)
    if (kind === 'function') builder.declared.add(index)
    builder.exports.push({ name, kind, index })
  }
}

function readStartSection(reader: ByteReader, builder: ShapeBuilder): void {
  const offset = reader.position
  const index = reader.u32()
  builder.known('function', index, builder.functions.length, offset)
  const type = builder.type(builder.functions[index] ?? -1, offset)
  if (type.params.length + type.results.length > 0) {
    throw new ModuleRefused('invalid', offset, 'the start function takes and gives nothing')
  }
  builder.start = index
}

function readCodeSection(reader: ByteReader, builder: ShapeBuilder): void {
  const count = reader.u32()
  const defined = builder.functions.length - builder.importedFunctions
  if (count !== defined) throw reader.malformed('function and code section lengths differ')
  for (let index = 0; index < count; index += 1) {
    const size = reader.u32()
    const { bodyMaxBytes } = builder.limits
    builder.bound(size, bodyMaxBytes, 'function-too-large', reader.position)
    builder.bodies.push({ start: reader.position, end: reader.position + size })
    reader.skip(size)
  }
}

function checkCounts(builder: ShapeBuilder): void {
  const end = builder.bytes.length
  const defined = builder.functions.length - builder.importedFunctions
  if (builder.bodies.length !== defined) {
    throw new ModuleRefused('malformed', end, 'function and code section lengths differ')
  }
  if (builder.dataCount !== undefined && builder.dataCount !== builder.dataSegments) {
    throw new ModuleRefused('malformed', end, 'data count and data section lengths differ')
  }
}
