import type { ByteReader } from './byte-reader.ts'
import type { CanonicalEdit, ChargeEdit, Edit, MarkEdit } from './function-plan.ts'
import type { InjectedFunctions } from './injected-functions.ts'
import type { ModuleLimits } from './limits.ts'
import type { ModuleShape } from './module-shape.ts'
import { NanFlow, NO_NAN } from './nan-flow.ts'
import type { OperandStack } from './operand-stack.ts'
import type { RewriteFeatures } from './profile.ts'
import { ModuleRefused, type RefusalReason } from './refusal.ts'
import { type FunctionType, I32, I64, isReference, typeName, UNKNOWN, type ValueType } from './value-types.ts'

/** What all functions of a module share while they are scanned. */
export interface ScanContext {
  readonly shape: ModuleShape
  readonly limits: ModuleLimits
  readonly features: RewriteFeatures
  readonly trackDirty: boolean
  readonly injected: InjectedFunctions
  readonly addressType: ValueType
  brTableEntries: number
  /** Locals and operands that branch tables carry to each of their targets, so far. */
  brTableValues: number
  /** Operands that blocks, branches and calls took and gave so far. */
  operandsMoved: number
}

export interface ControlFrame {
  readonly kind: 'function' | 'block' | 'loop' | 'if' | 'else'
  readonly params: readonly ValueType[]
  readonly results: readonly ValueType[]
  readonly height: number
  unreachable: boolean
  /** Whether a branch goes to this label. */
  targeted: boolean
  /** The segment in which the block stands. */
  readonly segment: ChargeEdit
}

/** The state of one pass over a body: type checking as in the specification's appendix, and edits. */
export class BodyScan {
  readonly context: ScanContext
  readonly reader: ByteReader
  readonly type: FunctionType
  readonly locals: ValueType[] = []
  readonly operands: OperandStack
  readonly frames: ControlFrame[] = []
  readonly edits: Edit[] = []
  readonly entry: ChargeEdit
  readonly nanFlow = new NanFlow()
  loops = false
  calls = false
  /** Byte position of the instruction in hand. */
  at: number
  #segment: ChargeEdit
  /** The number of the assignment that each local holds. */
  readonly #assignments: number[] = []
  #lastAssignment = 0
  /** Marks of this segment by assignment: a later store near by widens them. */
  readonly #marks = new Map<number, MarkEdit>()

  constructor(context: ScanContext, type: FunctionType, reader: ByteReader, stack: OperandStack) {
    this.context = context
    this.type = type
    this.reader = reader
    this.operands = stack
    this.at = reader.position
    this.entry = this.#newSegment(0, true, undefined)
    this.#segment = this.entry
    stack.reset()
  }

  get frame(): ControlFrame {
    const frame = this.frames.at(-1)
    if (frame === undefined) throw this.invalid('expected an open block')
    return frame
  }

  refused(reason: RefusalReason, detail: string): ModuleRefused {
    return new ModuleRefused(reason, this.at, detail)
  }

  invalid(detail: string): ModuleRefused {
    return this.refused('invalid', detail)
  }

  // Operands

  push(type: ValueType, pending?: CanonicalEdit): void {
    this.operands.push(type, pending)
    if (this.operands.height > this.context.limits.operandsMax) {
      throw this.refused('operands-too-many', `more than ${this.context.limits.operandsMax}`)
    }
  }

  /** Takes an operand of any type; unknown below the block's own operands in dead code. */
  popAny(): ValueType {
    const { frame } = this
    if (this.operands.height > frame.height) return this.operands.pop()
    if (frame.unreachable) return UNKNOWN
    throw this.invalid('type mismatch: no operand left')
  }

  pop(expected: ValueType): ValueType {
    const type = this.popAny()
    if (type !== expected && type !== UNKNOWN && expected !== UNKNOWN) {
      throw this.invalid(`type mismatch: expected ${typeName(expected)}, got ${typeName(type)}`)
    }
    return type
  }

  popReference(): ValueType {
    const type = this.popAny()
    if (type !== UNKNOWN && !isReference(type)) {
      throw this.invalid(`type mismatch: expected a reference, got ${typeName(type)}`)
    }
    return type
  }

  /** Takes operands that leave this run of instructions: somebody will see their bits. */
  popAll(types: readonly ValueType[]): void {
    this.#move(types.length)
    for (let depth = 0; depth < types.length; depth += 1) this.observe(depth)
    for (let index = types.length - 1; index >= 0; index -= 1) this.pop(types[index] ?? UNKNOWN)
  }

  pushAll(types: readonly ValueType[]): void {
    this.#move(types.length)
    for (const type of types) this.push(type)
  }

  #move(count: number): void {
    const { context } = this
    context.operandsMoved += count
    if (context.operandsMoved > context.limits.operandsMovedTotalMax) {
      const detail = `more than ${context.limits.operandsMovedTotalMax} at blocks and calls`
      throw this.refused('operands-too-many', detail)
    }
  }

  /** Whether the operand at this depth belongs to the block in hand, so that its facts count. */
  owns(depth: number): boolean {
    return this.operands.height - depth > this.frame.height
  }

  // NaNs

  /** What would make the operand at this depth canonical, if its bits may be the engine's choice. */
  pending(depth: number): CanonicalEdit | undefined {
    return this.owns(depth) ? this.operands.pending(depth) : undefined
  }

  /** Somebody sees the bits of the operand at this depth. */
  observe(depth: number): void {
    const edit = this.pending(depth)
    if (edit !== undefined && edit !== NO_NAN) edit.needed = true
  }

  /** Plans a canonical NaN for the float that is on top from here on; nothing is done if none sees it. */
  planCanonical(type: ValueType, local: number | undefined): CanonicalEdit {
    const at = this.reader.position
    const edit: CanonicalEdit = { kind: 'canonical', at, type, vector: false, local, needed: false }
    this.edits.push(edit)
    return edit
  }

  // Control

  open(
    kind: ControlFrame['kind'],
    params: readonly ValueType[],
    results: readonly ValueType[],
    segment = this.#segment,
  ): void {
    const { nestingMax } = this.context.limits
    if (this.frames.length > nestingMax) {
      throw this.refused('nesting-too-deep', `more than ${nestingMax} blocks in blocks`)
    }
    const height = this.operands.height
    this.frames.push({
      kind,
      params,
      results,
      height,
      unreachable: false,
      targeted: false,
      segment,
    })
    this.pushAll(params)
  }

  close(): ControlFrame {
    const { frame } = this
    this.popAll(frame.results)
    if (this.operands.height !== frame.height) {
      throw this.invalid('type mismatch: operands left at the end of a block')
    }
    this.frames.pop()
    return frame
  }

  /** The frame that a branch of this depth goes to. */
  target(depth: number): ControlFrame {
    const frame = this.frames[this.frames.length - 1 - depth]
    if (frame === undefined) throw this.invalid(`unknown label ${depth}`)
    frame.targeted = true
    return frame
  }

  makeUnreachable(): void {
    const { frame } = this
    this.operands.truncate(frame.height)
    frame.unreachable = true
  }

  // Gas

  charge(cost: number): void {
    if (!this.frame.unreachable) this.#segment.cost += cost
  }

  /**
   * From here on, instructions run together or not at all, up to the next segment. `dominator` is
   * the segment of the block that begins, goes on, or ended here.
   */
  startSegment(check: boolean, dominator: ChargeEdit): void {
    this.#segment = this.#newSegment(this.frames.length - 1, check, dominator)
    this.edits.push(this.#segment)
    this.#marks.clear()
  }

  /** What follows runs only if the branch in hand is not taken; earlier marks still hold. */
  splitSegment(): void {
    if (this.frame.unreachable) return
    this.#segment = this.#newSegment(this.frames.length - 1, false, this.#segment)
    this.edits.push(this.#segment)
  }

  #newSegment(nesting: number, check: boolean, dominator: ChargeEdit | undefined): ChargeEdit {
    const at = this.reader.position
    return { kind: 'charge', at, nesting, check, dominator, cost: 0, folded: 0 }
  }

  // Locals

  assign(local: number): number {
    this.#lastAssignment += 1
    this.#assignments[local] = this.#lastAssignment
    return this.#lastAssignment
  }

  assignment(local: number): number {
    return this.#assignments[local] ?? 0
  }

  local(index: number): ValueType {
    const type = this.locals[index]
    if (type === undefined) throw this.invalid(`unknown local ${index}`)
    return type
  }

  // Marks

  /** The mark of this assignment that the segment already has. */
  markOf(assignment: number): MarkEdit | undefined {
    return this.#marks.get(assignment)
  }

  addMark(mark: MarkEdit, assignment: number): void {
    this.edits.push(mark)
    if (mark.address === 'local') this.#marks.set(assignment, mark)
  }

  requireMemory(): ValueType {
    const { memory } = this.context.shape
    if (memory === undefined) throw this.invalid('unknown memory 0')
    return memory.is64 ? I64 : I32
  }
}
