import type { CodeWriter } from './code-writer.ts'
import type { ChargeEdit, Edit, FunctionPlan, MarkEdit } from './function-plan.ts'
import type { FunctionTypes } from './function-types.ts'
import { CHUNK_BYTES, CHUNK_SHIFT, CHUNKS_PER_PAGE, type Layout } from './layout.ts'
import { FRAME_SLOTS } from './stack.ts'
import { F32, I32, I64, slotsOf, type ValueType, V128 } from './value-types.ts'

/** What all functions of a module share while they are written. */
export interface EmitContext {
  readonly bytes: Uint8Array
  readonly layout: Layout
  readonly types: FunctionTypes
  readonly addressType: ValueType
  readonly frameSlotsMax: number
}

/** A body without its size, appended to `code`. */
export function emitFunction(context: EmitContext, plan: FunctionPlan, code: CodeWriter): void {
  new FunctionEmitter(context, plan, code).emit()
}

/**
 * The shape of a function that needs all of it:
 *
 *     prologue: take gas and depth, branch to $trap if there is too little
 *     block $trap
 *       block $body (result …)
 *         the original, with `return` as a branch to $body, and gas kept in a local
 *       end
 *       epilogue: give back gas and depth
 *       return
 *     end
 *     write the gas back, so that the host sees why; unreachable
 */
class FunctionEmitter {
  readonly #context: EmitContext
  readonly #plan: FunctionPlan
  readonly #code: CodeWriter
  readonly #added: ValueType[] = []
  readonly #temporaries = new Map<ValueType, number>()
  /** The local that holds the gas, in functions with loops. */
  readonly #gas: number | undefined
  /** The local that holds the depth before this frame, in functions that call. */
  readonly #depth: number | undefined
  /** Blocks that stand around the original body. */
  readonly #wrapped: boolean
  #addressLocal: number | undefined

  constructor(context: EmitContext, plan: FunctionPlan, code: CodeWriter) {
    this.#context = context
    this.#plan = plan
    this.#code = code
    this.#wrapped = plan.loops || plan.calls
    this.#gas = plan.loops ? this.#addLocal(I64) : undefined
    this.#depth = plan.calls ? this.#addLocal(I32) : undefined
    for (const edit of plan.edits) this.#reserve(edit)
  }

  emit(): void {
    this.#locals()
    if (this.#wrapped) this.#wrappedBody()
    else this.#plainBody()
  }

  #addLocal(type: ValueType): number {
    this.#added.push(type)
    return this.#plan.locals + this.#added.length - 1
  }

  /** Locals are declared before the code, so they are counted before it is written. */
  #reserve(edit: Edit): void {
    if (edit.kind === 'canonical' && edit.needed) this.#temporary(edit.vector ? V128 : edit.type)
    if (edit.kind !== 'mark' || edit.address !== 'operand') return
    this.#temporary(edit.valueType)
    this.#addressLocal ??= this.#addLocal(this.#context.addressType)
  }

  #temporary(type: ValueType): number {
    const known = this.#temporaries.get(type)
    if (known !== undefined) return known
    const index = this.#addLocal(type)
    this.#temporaries.set(type, index)
    return index
  }

  #locals(): void {
    const { localGroups, localBytes } = this.#plan
    this.#code.u(localGroups + this.#added.length)
    this.#code.copy(this.#context.bytes, localBytes.start, localBytes.end)
    for (const type of this.#added) this.#code.u(1).byte(type)
  }

  /** Without calls and loops a function ends by itself, and soon: nothing to check or give back. */
  #plainBody(): void {
    const { gasGlobal } = this.#context.layout
    const { cost } = this.#plan.entry
    if (cost > 0) this.#code.globalGet(gasGlobal).i64(cost).byte(0x7d).globalSet(gasGlobal)
    this.#body()
  }

  #wrappedBody(): void {
    const { results } = this.#plan.type
    this.#code.code(0x02, 0x40)
    this.#enter()
    this.#code.byte(0x02)
    this.#blockType(results)
    this.#body()
    this.#leave()
    this.#code.code(0x0f, 0x0b)
    this.#spill()
    this.#code.code(0x00, 0x0b)
  }

  #blockType(results: readonly ValueType[]): void {
    const [only] = results
    if (only === undefined) this.#code.byte(0x40)
    else if (results.length === 1) this.#code.byte(only)
    else this.#code.s(this.#context.types.indexOf([], results))
  }

  /** Takes depth and the gas of the first segment. The label in reach is $trap. */
  #enter(): void {
    const { depthGlobal, gasGlobal } = this.#context.layout
    const code = this.#code
    if (this.#gas === undefined) {
      code.globalGet(gasGlobal).i64(this.#plan.entry.cost).byte(0x7d).globalSet(gasGlobal)
      code.globalGet(gasGlobal).i64(0).byte(0x53).branchIf(0)
    } else {
      code.globalGet(gasGlobal).i64(this.#plan.entry.cost).byte(0x7d).localTee(this.#gas)
      code.i64(0).byte(0x53).branchIf(0)
    }
    if (this.#depth === undefined) return
    const frame = this.#frameSlots()
    code.globalGet(depthGlobal).localTee(this.#depth).i32(frame).byte(0x6a).globalSet(depthGlobal)
    code
      .localGet(this.#depth)
      .i32(this.#context.frameSlotsMax - frame)
      .byte(0x4a)
      .branchIf(0)
  }

  #leave(): void {
    this.#spill()
    if (this.#depth === undefined) return
    this.#code.localGet(this.#depth).globalSet(this.#context.layout.depthGlobal)
  }

  /** An upper bound of the stack that any of the engine's compilers gives the function. */
  #frameSlots(): number {
    const { boundarySlots, localSlots, operandSlots } = this.#plan
    const added = this.#added.reduce((sum, type) => sum + slotsOf(type), 0)
    return FRAME_SLOTS + boundarySlots + localSlots + operandSlots + added
  }

  #spill(): void {
    if (this.#gas === undefined) return
    this.#code.localGet(this.#gas).globalSet(this.#context.layout.gasGlobal)
  }

  #reload(): void {
    if (this.#gas === undefined) return
    this.#code.globalGet(this.#context.layout.gasGlobal).localSet(this.#gas)
  }

  /** The original code with its edits, the final `end` included. */
  #body(): void {
    const { bytes } = this.#context
    const { code: range, edits } = this.#plan
    let copied = range.start
    for (const edit of edits) {
      if (edit.at > copied) this.#code.copy(bytes, copied, edit.at)
      copied = edit.at
      this.#apply(edit)
      if (edit.kind === 'replace') copied = edit.end
      else if (edit.kind === 'return' && this.#wrapped) copied = edit.end
    }
    this.#code.copy(bytes, copied, range.end)
  }

  #apply(edit: Edit): void {
    switch (edit.kind) {
      case 'charge':
        return this.#charge(edit)
      case 'mark':
        return this.#mark(edit)
      case 'canonical':
        if (edit.needed) this.#canonical(edit.type, edit.vector)
        return
      case 'spill':
        return this.#spill()
      case 'reload':
        return this.#reload()
      case 'return':
        if (this.#wrapped) this.#code.branch(edit.nesting)
        return
      case 'replace':
        this.#code.call(edit.functionIndex)
    }
  }

  #charge({ cost, check, nesting }: ChargeEdit): void {
    if (cost === 0 && !check) return
    const { gasGlobal } = this.#context.layout
    const code = this.#code
    if (this.#gas === undefined) {
      code.globalGet(gasGlobal).i64(cost).byte(0x7d).globalSet(gasGlobal)
      return
    }
    code.localGet(this.#gas).i64(cost).byte(0x7d)
    if (!check) code.localSet(this.#gas)
    else
      code
        .localTee(this.#gas)
        .i64(0)
        .byte(0x53)
        .branchIf(nesting + 1)
  }

  /** Leaves the number and replaces a NaN: `select(value, NaN, value == value)`. */
  #canonical(type: ValueType, vector: boolean): void {
    const local = this.#temporary(vector ? V128 : type)
    const code = this.#code
    code.localTee(local).canonicalNan(type, vector).localGet(local).localGet(local)
    if (vector)
      code
        .byte(0xfd)
        .u(type === F32 ? 65 : 71)
        .byte(0xfd)
        .u(82)
    else code.byte(type === F32 ? 0x5b : 0x61).byte(0x1b)
  }

  #mark(edit: MarkEdit): void {
    const { low, high, base, address } = edit
    if (address === 'constant') {
      const first = Math.floor((base + low) / 2 ** CHUNK_SHIFT)
      const last = Math.floor((base + high) / 2 ** CHUNK_SHIFT)
      this.#markConstant(first)
      if (last !== first) this.#markConstant(last)
    } else if (address === 'local') {
      this.#markLocal(base, low, high)
    } else {
      const local = this.#addressLocal ?? 0
      const value = this.#temporary(edit.valueType)
      this.#code.localSet(value).localTee(local)
      this.#markLocal(local, low, high)
      this.#code.localGet(value)
    }
  }

  /** A chunk beyond the memory is left out: the store that would change it traps. */
  #markConstant(chunk: number): void {
    const { pagesMax } = this.#context.layout
    if (chunk < pagesMax * CHUNKS_PER_PAGE) this.#code.i32(chunk).storeMapByte()
  }

  #markLocal(local: number, low: number, high: number): void {
    this.#chunkOf(local, low).storeMapByte()
    if (high === low) return
    if (this.#plan.loops) this.#ifStraddling(local, low, high)
    this.#chunkOf(local, high).storeMapByte()
    if (this.#plan.loops) this.#code.byte(0x0b)
  }

  /** In a loop, a branch that is hardly ever taken is cheaper than a second store. */
  #ifStraddling(local: number, low: number, high: number): void {
    const code = this.#code.localGet(local)
    if (this.#context.addressType === I64) code.byte(0xa7)
    if (low > 0) code.i32(low | 0).byte(0x6a)
    const lastFit = CHUNK_BYTES - (high - low + 1)
    code
      .i32(CHUNK_BYTES - 1)
      .byte(0x71)
      .i32(lastFit)
      .code(0x4b, 0x04, 0x40)
  }

  /** Wraps where the address does; then the store itself traps, and a chunk too much is marked. */
  #chunkOf(local: number, offset: number): CodeWriter {
    const code = this.#code.localGet(local)
    if (this.#context.addressType === I32) {
      if (offset > 0) code.i32(offset | 0).byte(0x6a)
      return code.i32(CHUNK_SHIFT).byte(0x76)
    }
    if (offset > 0) code.i64(offset).byte(0x7c)
    return code.i64(CHUNK_SHIFT).code(0x88, 0xa7)
  }
}
