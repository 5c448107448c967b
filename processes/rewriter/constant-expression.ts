import type { ByteReader } from './byte-reader.ts'
import { ModuleRefused } from './refusal.ts'
import type { ShapeBuilder } from './shape-builder.ts'
import { EXTERNREF, F32, F64, FUNCREF, I32, I64, typeName, V128, type ValueType } from './value-types.ts'

const END = 0x0b

/** Reads one initialiser and checks that it is constant and of the expected type. */
export function readConstantExpression(reader: ByteReader, builder: ShapeBuilder, expected: ValueType): void {
  const stack: ValueType[] = []
  const offset = reader.position
  for (;;) {
    const opcode = reader.byte()
    if (opcode === END) break
    readConstant(opcode, reader, builder, stack)
  }
  if (stack.length !== 1 || stack[0] !== expected) {
    const got = stack.map(typeName).join(' ')
    const detail = `type mismatch: expected constant ${typeName(expected)}, got [${got}]`
    throw new ModuleRefused('invalid', offset, detail)
  }
}

function readConstant(opcode: number, reader: ByteReader, builder: ShapeBuilder, stack: ValueType[]): void {
  switch (opcode) {
    case 0x41:
      reader.s32()
      stack.push(I32)
      return
    case 0x42:
      reader.s64()
      stack.push(I64)
      return
    case 0x43:
      reader.skip(4)
      stack.push(F32)
      return
    case 0x44:
      reader.skip(8)
      stack.push(F64)
      return
    case 0x23:
      stack.push(constantGlobal(reader, builder))
      return
    case 0xd0:
      stack.push(readHeapType(reader))
      return
    case 0xd2:
      stack.push(constantFunction(reader, builder))
      return
    case 0xfd:
      if (reader.u32() !== 12) throw notConstant(reader)
      reader.skip(16)
      stack.push(V128)
      return
    case 0x6a:
    case 0x6b:
    case 0x6c:
      arithmetic(reader, stack, I32)
      return
    case 0x7c:
    case 0x7d:
    case 0x7e:
      arithmetic(reader, stack, I64)
      return
    default:
      throw notConstant(reader)
  }
}

function constantGlobal(reader: ByteReader, builder: ShapeBuilder): ValueType {
  const index = reader.u32()
  const global = builder.globals[index]
  if (global === undefined) {
    throw new ModuleRefused('invalid', reader.position, `unknown global ${index}`)
  }
  if (global.mutable) throw notConstant(reader)
  return global.type
}

function constantFunction(reader: ByteReader, builder: ShapeBuilder): ValueType {
  const index = reader.u32()
  builder.known('function', index, builder.functions.length, reader.position)
  builder.declared.add(index)
  return FUNCREF
}

function arithmetic(reader: ByteReader, stack: ValueType[], type: ValueType): void {
  if (stack.pop() !== type || stack.at(-1) !== type) {
    throw new ModuleRefused('invalid', reader.position, 'type mismatch in constant expression')
  }
}

/** The type after `ref.null`. */
export function readHeapType(reader: ByteReader): ValueType {
  const byte = reader.byte()
  if (byte === FUNCREF || byte === EXTERNREF) return byte
  throw new ModuleRefused('gc', reader.position - 1, `heap type 0x${byte.toString(16)}`)
}

const notConstant = (reader: ByteReader): ModuleRefused =>
  new ModuleRefused('invalid', reader.position, 'constant expression required')
