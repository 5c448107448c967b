import { ByteWriter } from './byte-writer.ts'
import { F32, F64, I64, type ValueType } from './value-types.ts'

/** The dirty map is memory 1; this is a memory argument of one byte at offset 0 in it. */
const MAP_ARGUMENT = [0x40, 0x01, 0x00] as const

/** Writes instructions by name, as far as added code needs them. */
export class CodeWriter extends ByteWriter {
  localGet(index: number): this {
    return this.byte(0x20).u(index)
  }

  localSet(index: number): this {
    return this.byte(0x21).u(index)
  }

  localTee(index: number): this {
    return this.byte(0x22).u(index)
  }

  globalGet(index: number): this {
    return this.byte(0x23).u(index)
  }

  globalSet(index: number): this {
    return this.byte(0x24).u(index)
  }

  i32(value: number): this {
    return this.byte(0x41).s(value)
  }

  i64(value: number): this {
    return this.byte(0x42).s(value)
  }

  /** A constant of an address type. */
  address(type: ValueType, value: number): this {
    return type === I64 ? this.i64(value) : this.i32(value)
  }

  call(index: number): this {
    return this.byte(0x10).u(index)
  }

  branch(depth: number): this {
    return this.byte(0x0c).u(depth)
  }

  branchIf(depth: number): this {
    return this.byte(0x0d).u(depth)
  }

  /** `[address] → []`: stores 1 into the map byte at that index. */
  storeMapByte(): this {
    return this.i32(1)
      .byte(0x3a)
      .code(...MAP_ARGUMENT)
  }

  /** `[] → [NaN]`: the canonical one, positive and quiet, in every lane of a vector. */
  canonicalNan(type: ValueType, vector: boolean): this {
    if (vector) {
      this.code(0xfd, 0x0c)
      for (let lane = 0; lane < (type === F32 ? 4 : 2); lane += 1) this.#nanBytes(type)
      return this
    }
    return this.byte(type === F32 ? 0x43 : 0x44).#nanBytes(type)
  }

  #nanBytes(type: ValueType): this {
    return type === F64 ? this.code(0, 0, 0, 0, 0, 0, 0xf8, 0x7f) : this.code(0, 0, 0xc0, 0x7f)
  }
}
