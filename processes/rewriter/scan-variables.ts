import type { BodyScan } from './body-scan.ts'
import { readHeapType } from './constant-expression.ts'
import { readValueType } from './decode-types.ts'
import type { GlobalType } from './module-shape.ts'
import { NO_NAN } from './nan-flow.ts'
import { ORIGIN } from './operand-stack.ts'
import { F32, F64, FUNCREF, I32, I64, isFloat, isReference, UNKNOWN, type ValueType } from './value-types.ts'

/** Locals, globals, constants, drop, select and references. Says whether the code was one. */
export function scanVariable(scan: BodyScan, code: number): boolean {
  const { reader } = scan
  switch (code) {
    case 0x20:
      localGet(scan, reader.u32())
      break
    case 0x21:
      localSet(scan, reader.u32())
      break
    case 0x22:
      localTee(scan, reader.u32())
      break
    case 0x23:
      scan.push(global(scan, reader.u32()).type)
      break
    case 0x24:
      globalSet(scan, reader.u32())
      break
    case 0x41:
      constant(scan, I32, reader.s32())
      break
    case 0x42:
      constant(scan, I64, reader.s64())
      break
    case 0x43:
      floatConstant(scan, F32, 4)
      break
    case 0x44:
      floatConstant(scan, F64, 8)
      break
    default:
      return scanParametric(scan, code)
  }
  return true
}

function scanParametric(scan: BodyScan, code: number): boolean {
  switch (code) {
    case 0x1a:
      scan.popAny()
      break
    case 0x1b:
      select(scan)
      break
    case 0x1c:
      typedSelect(scan)
      break
    case 0xd0:
      scan.push(readHeapType(scan.reader))
      break
    case 0xd1:
      scan.popReference()
      scan.push(I32)
      break
    case 0xd2:
      referenceFunction(scan, scan.reader.u32())
      break
    default:
      return false
  }
  return true
}

function localGet(scan: BodyScan, index: number): void {
  const type = scan.local(index)
  scan.push(type, isFloat(type) ? scan.planCanonical(type, index) : undefined)
  scan.operands.note(index, scan.assignment(index))
}

function localSet(scan: BodyScan, index: number): void {
  const type = scan.local(index)
  if (isFloat(type)) scan.nanFlow.assign(index, scan.pending(0))
  scan.pop(type)
  scan.assign(index)
}

function localTee(scan: BodyScan, index: number): void {
  const type = scan.local(index)
  const pending = scan.pending(0)
  if (isFloat(type)) scan.nanFlow.assign(index, pending)
  scan.pop(type)
  scan.push(type, pending)
  scan.operands.note(index, scan.assign(index))
}

/** The exponent of a NaN is all ones; that of an infinity too, which does no harm. */
function floatConstant(scan: BodyScan, type: ValueType, width: 4 | 8): void {
  const { reader } = scan
  reader.skip(width)
  const high = reader.bytes[reader.position - 1] ?? 0
  const next = reader.bytes[reader.position - 2] ?? 0
  const exponent = width === 4 ? 0x80 : 0xf0
  const mayBeNan = (high & 0x7f) === 0x7f && (next & exponent) === exponent
  scan.push(type, mayBeNan ? undefined : NO_NAN)
}

function constant(scan: BodyScan, type: number, value: number): void {
  scan.push(type)
  const address = type === I32 ? value >>> 0 : value
  const known = Number.isSafeInteger(address) && address >= 0
  scan.operands.note(known ? ORIGIN.constant : ORIGIN.unknown, address)
}

function global(scan: BodyScan, index: number): GlobalType {
  const found = scan.context.shape.globals[index]
  if (found === undefined) throw scan.invalid(`unknown global ${index}`)
  return found
}

/** A host reads mutable globals for a snapshot, so a NaN is seen here. */
function globalSet(scan: BodyScan, index: number): void {
  const { type, mutable } = global(scan, index)
  if (!mutable) throw scan.invalid('global is immutable')
  scan.observe(0)
  scan.pop(type)
}

function select(scan: BodyScan): void {
  scan.pop(I32)
  scan.observe(0)
  scan.observe(1)
  const second = scan.popAny()
  const first = scan.popAny()
  if (isReference(first) || isReference(second)) {
    throw scan.invalid('type mismatch: select of references needs a type')
  }
  if (first !== second && first !== UNKNOWN && second !== UNKNOWN) {
    throw scan.invalid('type mismatch: select of two types')
  }
  scan.push(first === UNKNOWN ? second : first)
}

function typedSelect(scan: BodyScan): void {
  if (scan.reader.u32() !== 1) throw scan.invalid('select takes one type')
  const type = readValueType(scan.reader)
  scan.pop(I32)
  scan.popAll([type, type])
  scan.push(type)
}

function referenceFunction(scan: BodyScan, index: number): void {
  const { functions, declared } = scan.context.shape
  if (index >= functions.length) throw scan.invalid(`unknown function ${index}`)
  if (!declared.has(index)) throw scan.invalid(`undeclared function reference ${index}`)
  scan.push(FUNCREF)
}
