import type { BodyScan } from './body-scan.ts'
import { LOOP_ROUND_COST } from './costs.ts'
import { readValueType } from './decode-types.ts'
import { type FunctionType, I32, I64, FUNCREF, type ValueType } from './value-types.ts'

/** Blocks, branches and calls. Says whether the code was one. */
export function scanControl(scan: BodyScan, code: number): boolean {
  switch (code) {
    case 0x00:
      scan.makeUnreachable()
      return true
    case 0x01:
      return true
    case 0x02:
      block(scan)
      return true
    case 0x03:
      loop(scan)
      return true
    case 0x04:
      conditional(scan)
      return true
    case 0x05:
      otherwise(scan)
      return true
    case 0x0b:
      end(scan)
      return true
    case 0x0c:
      scan.popAll(labelTypes(scan, scan.reader.u32()))
      scan.makeUnreachable()
      return true
    case 0x0d:
      branchIf(scan, scan.reader.u32())
      return true
    case 0x0e:
      branchTable(scan)
      return true
    case 0x0f:
      leave(scan)
      return true
    case 0x10:
      call(scan, scan.reader.u32())
      return true
    case 0x11:
      callIndirect(scan)
      return true
    default:
      return false
  }
}

/** A block's type: none, one result, or the index of a function type. */
function readBlockType(scan: BodyScan): FunctionType {
  const { reader } = scan
  const first = reader.bytes[reader.position] ?? 0
  if (first === 0x40) {
    reader.byte()
    return { params: [], results: [] }
  }
  if (first > 0x40 && first < 0x80) return { params: [], results: [readValueType(reader)] }
  const index = reader.s33()
  const type = scan.context.shape.types[index]
  if (type === undefined) throw scan.invalid(`unknown type ${index}`)
  return type
}

function block(scan: BodyScan): void {
  const { params, results } = readBlockType(scan)
  scan.popAll(params)
  scan.open('block', params, results)
}

function loop(scan: BodyScan): void {
  const { params, results } = readBlockType(scan)
  scan.popAll(params)
  scan.open('loop', params, results)
  scan.loops = true
  scan.startSegment(true, scan.frame.segment)
  scan.charge(LOOP_ROUND_COST)
}

function conditional(scan: BodyScan): void {
  const { params, results } = readBlockType(scan)
  scan.pop(I32)
  scan.popAll(params)
  scan.open('if', params, results)
  scan.startSegment(false, scan.frame.segment)
}

function otherwise(scan: BodyScan): void {
  const { kind, params, results, targeted, segment } = scan.close()
  if (kind !== 'if') throw scan.reader.malformed('else without if')
  scan.open('else', params, results, segment)
  scan.frame.targeted = targeted
  scan.startSegment(false, segment)
}

/** After a block that nothing jumps to the end of, the run of instructions just goes on. */
function end(scan: BodyScan): void {
  const { unreachable } = scan.frame
  const { kind, params, results, targeted, segment } = scan.close()
  if (kind === 'if' && !sameTypes(params, results)) {
    throw scan.invalid('type mismatch: if without else must give back what it takes')
  }
  if (scan.frames.length === 0) return
  scan.pushAll(results)
  if (kind !== 'block' || targeted || unreachable) scan.startSegment(false, segment)
}

const sameTypes = (left: readonly ValueType[], right: readonly ValueType[]): boolean =>
  left.length === right.length && left.every((type, index) => type === right[index])

function labelTypes(scan: BodyScan, depth: number): readonly ValueType[] {
  const frame = scan.target(depth)
  return frame.kind === 'loop' ? frame.params : frame.results
}

function branchIf(scan: BodyScan, depth: number): void {
  scan.pop(I32)
  const types = labelTypes(scan, depth)
  scan.popAll(types)
  scan.pushAll(types)
  scan.splitSegment()
}

function branchTable(scan: BodyScan): void {
  const { reader, context } = scan
  const { brTableEntriesMax, brTableEntriesTotalMax, brTableValuesTotalMax } = context.limits
  const count = reader.u32()
  context.brTableEntries += count
  if (count > brTableEntriesMax || context.brTableEntries > brTableEntriesTotalMax) {
    const detail = `more than ${brTableEntriesMax}, or ${brTableEntriesTotalMax} in the module`
    throw scan.refused('br-table-too-large', detail)
  }
  scan.pop(I32)
  const depths = Array.from({ length: count + 1 }, () => reader.u32())
  const targets = new Set(depths)
  context.brTableValues += targets.size * (scan.locals.length + scan.operands.height)
  if (context.brTableValues > brTableValuesTotalMax) {
    throw scan.refused('br-table-too-large', `more than ${brTableValuesTotalMax} values carried to targets`)
  }
  const arity = labelTypes(scan, depths.at(-1) ?? 0).length
  for (const depth of targets) {
    const types = labelTypes(scan, depth)
    if (types.length !== arity) throw scan.invalid('type mismatch: br_table arities differ')
    for (let operand = 0; operand < types.length; operand += 1) scan.observe(operand)
    const taken = types.map((_, index) => scan.pop(types[types.length - 1 - index] ?? 0))
    for (const type of taken.reverse()) scan.push(type)
  }
  scan.makeUnreachable()
}

function leave(scan: BodyScan): void {
  scan.popAll(scan.type.results)
  const nesting = scan.frames.length - 1
  scan.edits.push({ kind: 'return', at: scan.at, end: scan.reader.position, nesting })
  scan.makeUnreachable()
}

function call(scan: BodyScan, index: number): void {
  const { functions, types } = scan.context.shape
  const type = types[functions[index] ?? -1]
  if (type === undefined) throw scan.invalid(`unknown function ${index}`)
  applyCall(scan, type)
}

function callIndirect(scan: BodyScan): void {
  const { shape } = scan.context
  const typeIndex = scan.reader.u32()
  const tableIndex = scan.reader.u32()
  const type = shape.types[typeIndex]
  const table = shape.tables[tableIndex]
  if (type === undefined) throw scan.invalid(`unknown type ${typeIndex}`)
  if (table === undefined) throw scan.invalid(`unknown table ${tableIndex}`)
  if (table.element !== FUNCREF) throw scan.invalid('type mismatch: a table of functions')
  scan.pop(table.is64 ? I64 : I32)
  applyCall(scan, type)
}

function applyCall(scan: BodyScan, { params, results }: FunctionType): void {
  scan.popAll(params)
  scan.pushAll(results)
  scan.calls = true
  scan.edits.push({ kind: 'spill', at: scan.at })
  scan.edits.push({ kind: 'reload', at: scan.reader.position })
}
