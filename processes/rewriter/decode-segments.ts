import type { ByteReader } from './byte-reader.ts'
import { readConstantExpression } from './constant-expression.ts'
import { readReferenceType } from './decode-types.ts'
import type { TableType } from './module-shape.ts'
import { ModuleRefused } from './refusal.ts'
import type { ShapeBuilder } from './shape-builder.ts'
import { FUNCREF, I32, I64, typeName, type ValueType } from './value-types.ts'

export function readElementSection(reader: ByteReader, builder: ShapeBuilder): void {
  const count = reader.u32()
  builder.bound(count, builder.limits.segmentsMax, 'segments-too-many', reader.position)
  for (let index = 0; index < count; index += 1) readElementSegment(reader, builder)
}

/** The flags: 1 passive or declared, 2 explicit table (or declared), 4 expressions for items. */
function readElementSegment(reader: ByteReader, builder: ShapeBuilder): void {
  const offset = reader.position
  const flags = reader.u32()
  if (flags > 7) throw reader.malformed(`element segment kind ${flags}`)
  const active = (flags & 1) === 0
  let table: TableType | undefined
  if (active) {
    const tableIndex = (flags & 2) === 0 ? 0 : reader.u32()
    table = builder.tables[tableIndex]
    if (table === undefined) {
      throw new ModuleRefused('invalid', offset, `unknown table ${tableIndex}`)
    }
    readConstantExpression(reader, builder, table.is64 ? I64 : I32)
  }
  const expressions = (flags & 4) !== 0
  const type = (flags & 3) === 0 ? FUNCREF : readElementType(reader, expressions)
  if (table !== undefined && table.element !== type) {
    const detail = `type mismatch: ${typeName(type)} items for a ${typeName(table.element)} table`
    throw new ModuleRefused('invalid', offset, detail)
  }
  readElementItems(reader, builder, expressions ? type : undefined)
  builder.elementTypes.push(type)
}

function readElementType(reader: ByteReader, expressions: boolean): ValueType {
  if (expressions) return readReferenceType(reader)
  if (reader.byte() !== 0) throw reader.malformed('element kind')
  return FUNCREF
}

function readElementItems(reader: ByteReader, builder: ShapeBuilder, expressionType: ValueType | undefined): void {
  const count = reader.u32()
  builder.elementCount += count
  const { elementsMax } = builder.limits
  builder.bound(builder.elementCount, elementsMax, 'elements-too-many', reader.position)
  for (let index = 0; index < count; index += 1) {
    if (expressionType !== undefined) {
      readConstantExpression(reader, builder, expressionType)
    } else {
      const functionIndex = reader.u32()
      builder.known('function', functionIndex, builder.functions.length, reader.position)
      builder.declared.add(functionIndex)
    }
  }
}

export function readDataSection(reader: ByteReader, builder: ShapeBuilder): void {
  const count = reader.u32()
  builder.bound(count, builder.limits.segmentsMax, 'segments-too-many', reader.position)
  builder.dataSegments = count
  for (let index = 0; index < count; index += 1) {
    const flags = reader.u32()
    if (flags > 2) throw reader.malformed(`data segment kind ${flags}`)
    if (flags === 2 && reader.u32() !== 0) {
      throw new ModuleRefused('invalid', reader.position, 'unknown memory')
    }
    if (flags !== 1) {
      if (builder.memory === undefined) {
        throw new ModuleRefused('invalid', reader.position, 'unknown memory 0')
      }
      readConstantExpression(reader, builder, builder.memory.is64 ? I64 : I32)
    }
    reader.skip(reader.u32())
  }
}
