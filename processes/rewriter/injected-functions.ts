import { CodeWriter } from './code-writer.ts'
import { BULK_BYTE_COST, BULK_ITEM_COST, GROW_PAGE_COST } from './costs.ts'
import type { FunctionTypes } from './function-types.ts'
import { CHUNK_SHIFT, type Layout } from './layout.ts'
import type { ModuleLimits } from './limits.ts'
import type { ModuleShape, TableType } from './module-shape.ts'
import { I32, I64, type ValueType } from './value-types.ts'

interface InjectedFunction {
  readonly type: number
  /** Locals and code, without the size in front. */
  readonly body: Uint8Array
}

/** Groups of one local each. */
const locals = (writer: CodeWriter, ...types: ValueType[]): CodeWriter => {
  writer.u(types.length)
  for (const type of types) writer.u(1).byte(type)
  return writer
}

const addressOf = (is64: boolean | undefined): ValueType => (is64 === true ? I64 : I32)

/**
 * The functions that stand in for instructions whose cost depends on an operand. Each is made when
 * first asked for; what comes out is its index. They keep gas in the global only.
 */
export class InjectedFunctions {
  readonly #shape: ModuleShape
  readonly #layout: Layout
  readonly #limits: ModuleLimits
  readonly #types: FunctionTypes
  readonly #functions: InjectedFunction[] = []
  readonly #indexes = new Map<string, number>()
  readonly #address: ValueType

  constructor(shape: ModuleShape, layout: Layout, limits: ModuleLimits, types: FunctionTypes) {
    this.#shape = shape
    this.#layout = layout
    this.#limits = limits
    this.#types = types
    this.#address = addressOf(shape.memory?.is64)
  }

  get functions(): readonly InjectedFunction[] {
    return this.#functions
  }

  /** (pages) → pages before, or -1 above the cap. Traps with the flag set if the engine fails. */
  memoryGrow(): number {
    const type = this.#address
    return this.#once('memory.grow', [type], [type], code => {
      locals(code, I64, type)
      const pages = () => this.#widened(code.localGet(0), type)
      const size = () => this.#widened(code.code(0x3f, 0), type)
      this.#refuseAbove(code, pages, size, this.#layout.pagesMax, type)
      this.#charge(code, 1, () => pages().i64(GROW_PAGE_COST).byte(0x7e))
      code.localGet(0).code(0x40, 0).localTee(2)
      this.#trapIfFailed(code, type).localGet(2)
    })
  }

  /** (to, from, bytes) */
  memoryCopy(): number {
    const type = this.#address
    return this.#once('memory.copy', [type, type, type], [], code => {
      locals(code, I64)
      this.#chargeLength(code, 3, type, BULK_BYTE_COST)
      code.localGet(0).localGet(1).localGet(2).code(0xfc, 10, 0, 0)
      this.#markRange(code, type)
    })
  }

  /** (to, value, bytes) */
  memoryFill(): number {
    const type = this.#address
    return this.#once('memory.fill', [type, I32, type], [], code => {
      locals(code, I64)
      this.#chargeLength(code, 3, type, BULK_BYTE_COST)
      code.localGet(0).localGet(1).localGet(2).code(0xfc, 11, 0)
      this.#markRange(code, type)
    })
  }

  /** (to, from in the segment, bytes) */
  memoryInit(segment: number): number {
    return this.#once(`memory.init ${segment}`, [this.#address, I32, I32], [], code => {
      locals(code, I64)
      this.#chargeLength(code, 3, I32, BULK_BYTE_COST)
      code.localGet(0).localGet(1).localGet(2).code(0xfc, 8).u(segment).byte(0)
      this.#markRange(code, I32)
    })
  }

  /** In place of what is to have no effect. */
  nothing(): number {
    return this.#once('nothing', [], [], code => locals(code))
  }

  tableInit(segment: number, table: number): number {
    const type = addressOf(this.#table(table).is64)
    return this.#once(`table.init ${segment} ${table}`, [type, I32, I32], [], code => {
      locals(code, I64)
      this.#chargeLength(code, 3, I32, BULK_ITEM_COST)
      code.localGet(0).localGet(1).localGet(2).code(0xfc, 12).u(segment).u(table)
    })
  }

  tableCopy(to: number, from: number): number {
    const target = addressOf(this.#table(to).is64)
    const source = addressOf(this.#table(from).is64)
    const length = target === I64 && source === I64 ? I64 : I32
    return this.#once(`table.copy ${to} ${from}`, [target, source, length], [], code => {
      locals(code, I64)
      this.#chargeLength(code, 3, length, BULK_ITEM_COST)
      code.localGet(0).localGet(1).localGet(2).code(0xfc, 14).u(to).u(from)
    })
  }

  tableFill(table: number): number {
    const { element, is64 } = this.#table(table)
    const type = addressOf(is64)
    return this.#once(`table.fill ${table}`, [type, element, type], [], code => {
      locals(code, I64)
      this.#chargeLength(code, 3, type, BULK_ITEM_COST)
      code.localGet(0).localGet(1).localGet(2).code(0xfc, 17).u(table)
    })
  }

  /** (value, items) → items before, or -1 above the cap. */
  tableGrow(table: number): number {
    const { element, is64, max } = this.#table(table)
    const type = addressOf(is64)
    const cap = Math.min(max ?? Number.POSITIVE_INFINITY, this.#limits.tableElementsMax)
    return this.#once(`table.grow ${table}`, [element, type], [type], code => {
      locals(code, I64, type)
      const items = () => this.#widened(code.localGet(1), type)
      const size = () => this.#widened(code.code(0xfc, 16).u(table), type)
      this.#refuseAbove(code, items, size, cap, type)
      this.#charge(code, 2, () => items().i64(BULK_ITEM_COST).byte(0x7e))
      code.localGet(0).localGet(1).code(0xfc, 15).u(table).localTee(3)
      this.#trapIfFailed(code, type).localGet(3)
    })
  }

  /** (address, bytes): sets the map for a range that is known to lie in memory. */
  #mark(lengthType: ValueType): number {
    const type = this.#address
    return this.#once(`mark ${lengthType}`, [type, lengthType], [], code => {
      locals(code, I32, I32)
      code.localGet(1).byte(lengthType === I64 ? 0x50 : 0x45)
      code.code(0x04, 0x40, 0x0f, 0x0b)
      this.#chunk(code.localGet(0), type).localSet(2)
      code.localGet(0).localGet(1)
      if (type !== lengthType) code.byte(0xad)
      code.byte(type === I64 ? 0x7c : 0x6a).address(type, -1)
      this.#chunk(code.byte(type === I64 ? 0x7c : 0x6a), type).localSet(3)
      code.code(0x03, 0x40).localGet(2).storeMapByte()
      code.localGet(2).localGet(3).byte(0x49).code(0x04, 0x40) // if (chunk < last)
      code.localGet(2).i32(1).byte(0x6a).localSet(2).branch(1).code(0x0b, 0x0b)
    })
  }

  #chunk(code: CodeWriter, type: ValueType): CodeWriter {
    return type === I64 ? code.i64(CHUNK_SHIFT).code(0x88, 0xa7) : code.i32(CHUNK_SHIFT).byte(0x76)
  }

  #markRange(code: CodeWriter, lengthType: ValueType): void {
    if (this.#layout.dirtyMapPages === 0) return
    code.localGet(0).localGet(2).call(this.#mark(lengthType))
  }

  /** `if (count > cap || count + size > cap) return -1`, unsigned, in 64 bits. */
  #refuseAbove(code: CodeWriter, count: () => CodeWriter, size: () => CodeWriter, cap: number, type: ValueType): void {
    count().i64(cap).byte(0x56)
    count()
    size().byte(0x7c).i64(cap).code(0x56, 0x72, 0x04, 0x40)
    code.address(type, -1).code(0x0f, 0x0b)
  }

  /** `[result] → []`: -1 here means that the engine has no memory left. */
  #trapIfFailed(code: CodeWriter, type: ValueType): CodeWriter {
    code.address(type, -1).byte(type === I64 ? 0x51 : 0x46)
    return code.code(0x04, 0x40).i32(1).globalSet(this.#layout.outOfMemoryGlobal).code(0x00, 0x0b)
  }

  /** Takes the i64 that `amount` writes off the gas; `spare` is a free i64 local. */
  #charge(code: CodeWriter, spare: number, amount: () => void): void {
    code.globalGet(this.#layout.gasGlobal)
    amount()
    code.byte(0x7d).localTee(spare).globalSet(this.#layout.gasGlobal)
    code.localGet(spare).i64(0).code(0x53, 0x04, 0x40, 0x00, 0x0b)
  }

  /** Charges for the length in parameter 2. If the product wraps, the instruction traps anyway. */
  #chargeLength(code: CodeWriter, spare: number, type: ValueType, unitCost: number): void {
    this.#charge(code, spare, () => {
      this.#widened(code.localGet(2), type)
      if (unitCost > 1) code.i64(unitCost).byte(0x7e)
    })
  }

  #widened(code: CodeWriter, type: ValueType): CodeWriter {
    return type === I32 ? code.byte(0xad) : code
  }

  #table(index: number): TableType {
    const table = this.#shape.tables[index]
    if (table === undefined) throw new Error(`expected a table ${index}`)
    return table
  }

  #once(
    key: string,
    params: readonly ValueType[],
    results: readonly ValueType[],
    write: (code: CodeWriter) => void,
  ): number {
    const known = this.#indexes.get(key)
    if (known !== undefined) return known
    const code = new CodeWriter(64)
    write(code)
    const body = code.byte(0x0b).view()
    const index = this.#functions.push({ type: this.#types.indexOf(params, results), body }) - 1
    this.#indexes.set(key, this.#layout.firstFunction + index)
    return this.#layout.firstFunction + index
  }
}
