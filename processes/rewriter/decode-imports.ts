import type { ByteReader } from './byte-reader.ts'
import { readMemoryType, readTableType, readValueType } from './decode-types.ts'
import { EXTERNAL_KINDS } from './module-shape.ts'
import { ModuleRefused } from './refusal.ts'
import type { RewriteProfile } from './profile.ts'
import type { ShapeBuilder } from './shape-builder.ts'

export function readImportSection(reader: ByteReader, builder: ShapeBuilder, profile: RewriteProfile): void {
  const count = reader.u32()
  builder.bound(count, builder.limits.importsMax, 'imports-too-many', reader.position)
  for (let index = 0; index < count; index += 1) {
    const offset = reader.position
    const module = reader.name()
    const name = reader.name()
    const kind = EXTERNAL_KINDS[reader.byte()]
    if (kind === undefined) throw new ModuleRefused('malformed', offset, 'import kind')
    if (kind === 'tag') throw new ModuleRefused('exceptions', offset, 'imported tag')
    readImportedType(reader, builder, profile, kind)
    if (!profile.imports(module, name, kind)) {
      throw new ModuleRefused('import-not-allowed', offset, `${kind} ${module}.${name}`)
    }
    builder.imports.push({ module, name, kind })
  }
  builder.importedFunctions = builder.functions.length
  builder.importedGlobals = builder.globals.length
}

function readImportedType(
  reader: ByteReader,
  builder: ShapeBuilder,
  profile: RewriteProfile,
  kind: 'function' | 'table' | 'memory' | 'global',
): void {
  switch (kind) {
    case 'function': {
      const type = reader.u32()
      builder.type(type, reader.position)
      builder.functions.push(type)
      return
    }
    case 'table':
      builder.tables.push(readTableType(reader, builder))
      return
    case 'memory':
      readMemoryType(reader, builder, profile.memoryPagesMax, true)
      return
    case 'global':
      readGlobalType(reader, builder)
  }
}

export function readGlobalType(reader: ByteReader, builder: ShapeBuilder): void {
  const type = readValueType(reader)
  const mutable = reader.byte()
  if (mutable > 1) throw reader.malformed('mutability')
  builder.globals.push({ type, mutable: mutable === 1 })
  builder.bound(builder.globals.length, builder.limits.globalsMax, 'globals-too-many', reader.position)
}
