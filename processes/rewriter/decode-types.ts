import type { ByteReader } from './byte-reader.ts'
import type { MemoryType, TableType } from './module-shape.ts'
import { ModuleRefused } from './refusal.ts'
import type { ShapeBuilder } from './shape-builder.ts'
import { isReference, V128, type ValueType } from './value-types.ts'

/** Pages of 64 KiB that an address type can reach; engines stop at 16 GiB for memory64. */
const PAGES_32 = 65_536
const PAGES_64 = 2 ** 48

export function readValueType(reader: ByteReader): ValueType {
  const byte = reader.byte()
  if ((byte >= V128 && byte <= 0x7f) || isReference(byte)) return byte
  if (byte >= 0x63 && byte <= 0x74) {
    throw new ModuleRefused('gc', reader.position - 1, `value type 0x${byte.toString(16)}`)
  }
  throw new ModuleRefused('malformed', reader.position - 1, `value type 0x${byte.toString(16)}`)
}

export function readReferenceType(reader: ByteReader): ValueType {
  const type = readValueType(reader)
  if (isReference(type)) return type
  throw new ModuleRefused('malformed', reader.position - 1, 'expected a reference type')
}

export function readValueTypes(reader: ByteReader, builder: ShapeBuilder, max: number) {
  const count = reader.u32()
  builder.bound(count, max, 'parameters-too-many', reader.position)
  return Array.from({ length: count }, () => readValueType(reader))
}

export function readTypeSection(reader: ByteReader, builder: ShapeBuilder): void {
  const count = reader.u32()
  builder.bound(count, builder.limits.typesMax, 'types-too-many', reader.position)
  for (let index = 0; index < count; index += 1) {
    const form = reader.byte()
    if (form >= 0x4d && form <= 0x5f) {
      throw new ModuleRefused('gc', reader.position - 1, `type form 0x${form.toString(16)}`)
    }
    if (form !== 0x60) throw reader.malformed(`type form 0x${form.toString(16)}`)
    const params = readValueTypes(reader, builder, builder.limits.parametersMax)
    const results = readValueTypes(reader, builder, builder.limits.resultsMax)
    builder.types.push({ params, results })
  }
}

interface Limits {
  readonly is64: boolean
  readonly shared: boolean
  readonly pageSize: boolean
  readonly min: number
  readonly max: number | undefined
}

function readLimits(reader: ByteReader): Limits {
  const flags = reader.byte()
  if (flags > 0x0f) throw reader.malformed(`limits flags 0x${flags.toString(16)}`)
  const is64 = (flags & 4) !== 0
  const min = is64 ? reader.u64() : reader.u32()
  const max = (flags & 1) === 0 ? undefined : is64 ? reader.u64() : reader.u32()
  if (max !== undefined && max < min) {
    throw new ModuleRefused('invalid', reader.position, 'size minimum must not pass maximum')
  }
  return { is64, shared: (flags & 2) !== 0, pageSize: (flags & 8) !== 0, min, max }
}

export function readMemoryType(reader: ByteReader, builder: ShapeBuilder, pagesMax: number, imported: boolean): void {
  const offset = reader.position
  const { is64, shared, pageSize, min, max } = readLimits(reader)
  if (shared) throw new ModuleRefused('shared-memory', offset, 'shared memory')
  if (pageSize) throw new ModuleRefused('custom-page-size', offset, 'custom page size')
  if (builder.memory !== undefined) {
    throw new ModuleRefused('multi-memory', offset, 'a second memory')
  }
  const reachable = is64 ? PAGES_64 : PAGES_32
  if (min > reachable || (max ?? 0) > reachable) {
    throw new ModuleRefused('invalid', offset, `memory size must be at most ${reachable} pages`)
  }
  builder.bound(min, pagesMax, 'memory-too-large', offset)
  const memory: MemoryType = { is64, min, max, imported }
  builder.memory = memory
}

export function readTableType(reader: ByteReader, builder: ShapeBuilder): TableType {
  const offset = reader.position
  const element = readReferenceType(reader)
  const { is64, shared, pageSize, min, max } = readLimits(reader)
  if (shared || pageSize) throw new ModuleRefused('malformed', offset, 'table flags')
  builder.bound(min, builder.limits.tableElementsMax, 'table-too-large', offset)
  builder.bound(builder.tables.length + 1, builder.limits.tablesMax, 'tables-too-many', offset)
  return { element, is64, min, max }
}
