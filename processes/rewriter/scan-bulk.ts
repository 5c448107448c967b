import type { BodyScan } from './body-scan.ts'
import type { TableType } from './module-shape.ts'
import { MISC } from './opcodes.ts'
import { I32, I64, typeName, type ValueType } from './value-types.ts'

/** memory.size, memory.grow, bulk memory and tables. Says whether the code was one. */
export function scanBulk(scan: BodyScan, code: number): boolean {
  switch (code) {
    case 0x25:
      tableGet(scan)
      return true
    case 0x26:
      tableSet(scan)
      return true
    case 0x3f:
      memoryIndex(scan)
      scan.push(scan.requireMemory())
      return true
    case 0x40:
      memoryGrow(scan)
      return true
    case MISC + 8:
      memoryInit(scan)
      return true
    case MISC + 9:
      dataDrop(scan)
      return true
    case MISC + 10:
      memoryCopy(scan)
      return true
    case MISC + 11:
      memoryFill(scan)
      return true
    default:
      return scanTableBulk(scan, code)
  }
}

function scanTableBulk(scan: BodyScan, code: number): boolean {
  switch (code) {
    case MISC + 12:
      tableInit(scan)
      return true
    case MISC + 13:
      mutatesTables(scan)
      elementType(scan, scan.reader.u32())
      return true
    case MISC + 14:
      tableCopy(scan)
      return true
    case MISC + 15:
      tableGrow(scan)
      return true
    case MISC + 16:
      scan.push(addressOf(table(scan, scan.reader.u32())))
      return true
    case MISC + 17:
      tableFill(scan)
      return true
    default:
      return false
  }
}

/** Replaces the instruction by a call of an added function, which keeps the gas in the global. */
function replace(scan: BodyScan, functionIndex: number): void {
  const end = scan.reader.position
  scan.edits.push({ kind: 'spill', at: scan.at })
  scan.edits.push({ kind: 'replace', at: scan.at, end, functionIndex })
  scan.edits.push({ kind: 'reload', at: end })
}

function memoryIndex(scan: BodyScan): void {
  scan.requireMemory()
  if (scan.reader.u32() !== 0) throw scan.invalid('unknown memory')
}

function memoryGrow(scan: BodyScan): void {
  memoryIndex(scan)
  const address = scan.requireMemory()
  scan.pop(address)
  scan.push(address)
  replace(scan, scan.context.injected.memoryGrow())
}

function memoryInit(scan: BodyScan): void {
  const segment = dataSegment(scan)
  memoryIndex(scan)
  scan.popAll([scan.requireMemory(), I32, I32])
  replace(scan, scan.context.injected.memoryInit(segment))
}

function dataDrop(scan: BodyScan): void {
  dataSegment(scan)
  if (scan.context.features.segmentsStay) replace(scan, scan.context.injected.nothing())
}

function dataSegment(scan: BodyScan): number {
  if (!scan.context.features.memoryInit) {
    throw scan.refused('memory-init', 'memory.init or data.drop')
  }
  const segment = scan.reader.u32()
  const { dataCount } = scan.context.shape
  if (dataCount === undefined) throw scan.reader.malformed('data count section required')
  if (segment >= dataCount) throw scan.invalid(`unknown data segment ${segment}`)
  return segment
}

function memoryCopy(scan: BodyScan): void {
  memoryIndex(scan)
  memoryIndex(scan)
  const address = scan.requireMemory()
  scan.popAll([address, address, address])
  replace(scan, scan.context.injected.memoryCopy())
}

function memoryFill(scan: BodyScan): void {
  memoryIndex(scan)
  const address = scan.requireMemory()
  scan.popAll([address, I32, address])
  replace(scan, scan.context.injected.memoryFill())
}

function mutatesTables(scan: BodyScan): void {
  if (!scan.context.features.tableMutation) {
    throw scan.refused('table-mutation', 'an instruction that changes a table')
  }
}

function table(scan: BodyScan, index: number): TableType {
  const found = scan.context.shape.tables[index]
  if (found === undefined) throw scan.invalid(`unknown table ${index}`)
  return found
}

const addressOf = ({ is64 }: TableType): ValueType => (is64 ? I64 : I32)

function elementType(scan: BodyScan, segment: number): ValueType {
  const type = scan.context.shape.elementTypes[segment]
  if (type === undefined) throw scan.invalid(`unknown elem segment ${segment}`)
  return type
}

function sameElement(scan: BodyScan, left: ValueType, right: ValueType): void {
  if (left !== right) {
    throw scan.invalid(`type mismatch: ${typeName(left)} and ${typeName(right)} items`)
  }
}

function tableGet(scan: BodyScan): void {
  const found = table(scan, scan.reader.u32())
  scan.pop(addressOf(found))
  scan.push(found.element)
}

function tableSet(scan: BodyScan): void {
  mutatesTables(scan)
  const found = table(scan, scan.reader.u32())
  scan.pop(found.element)
  scan.pop(addressOf(found))
}

function tableInit(scan: BodyScan): void {
  mutatesTables(scan)
  const segment = scan.reader.u32()
  const tableIndex = scan.reader.u32()
  const found = table(scan, tableIndex)
  sameElement(scan, found.element, elementType(scan, segment))
  scan.popAll([addressOf(found), I32, I32])
  replace(scan, scan.context.injected.tableInit(segment, tableIndex))
}

function tableCopy(scan: BodyScan): void {
  mutatesTables(scan)
  const to = scan.reader.u32()
  const from = scan.reader.u32()
  const target = table(scan, to)
  const source = table(scan, from)
  sameElement(scan, target.element, source.element)
  const length = target.is64 && source.is64 ? I64 : I32
  scan.popAll([addressOf(target), addressOf(source), length])
  replace(scan, scan.context.injected.tableCopy(to, from))
}

function tableGrow(scan: BodyScan): void {
  mutatesTables(scan)
  const index = scan.reader.u32()
  const found = table(scan, index)
  scan.popAll([found.element, addressOf(found)])
  scan.push(addressOf(found))
  replace(scan, scan.context.injected.tableGrow(index))
}

function tableFill(scan: BodyScan): void {
  mutatesTables(scan)
  const index = scan.reader.u32()
  const found = table(scan, index)
  scan.popAll([addressOf(found), found.element, addressOf(found)])
  replace(scan, scan.context.injected.tableFill(index))
}
