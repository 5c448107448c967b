import type { CanonicalEdit } from './function-plan.ts'
import { slotsOf, UNKNOWN, type ValueType } from './value-types.ts'

/** Where an operand came from, as far as that can help. */
export const ORIGIN = { unknown: -1, constant: -2 } as const

/**
 * The types of the operands at one point of a function body, with what is known of each:
 * - pending: what would make this float canonical; none if its bits are fixed even if it is NaN
 * - origin: the local it was read from, with the number of that local's assignment; or a constant
 */
export class OperandStack {
  #types = new Uint8Array(256)
  readonly #pending: (CanonicalEdit | undefined)[] = []
  #origins = new Int32Array(256)
  #values = new Float64Array(256)
  #slots = 0
  height = 0
  /** The most 8-byte slots that operands took at the same time. */
  maxSlots = 0

  reset(): void {
    this.height = 0
    this.#slots = 0
    this.maxSlots = 0
  }

  push(type: ValueType, pending?: CanonicalEdit): void {
    const { height } = this
    if (height === this.#types.length) this.#grow()
    this.#types[height] = type
    this.#pending[height] = pending
    this.#origins[height] = ORIGIN.unknown
    this.height = height + 1
    this.#slots += slotsOf(type)
    if (this.#slots > this.maxSlots) this.maxSlots = this.#slots
  }

  /** Adds what is known of the topmost operand. */
  note(origin: number, value: number): void {
    const top = this.height - 1
    this.#origins[top] = origin
    this.#values[top] = value
  }

  pop(): ValueType {
    this.height -= 1
    const type = this.#types[this.height] ?? UNKNOWN
    this.#slots -= slotsOf(type)
    return type
  }

  truncate(height: number): void {
    while (this.height > height) this.pop()
  }

  /** `depth` 0 is the topmost operand. */
  pending(depth: number): CanonicalEdit | undefined {
    return this.#pending[this.height - 1 - depth]
  }

  origin(depth: number): number {
    return this.#origins[this.height - 1 - depth] ?? ORIGIN.unknown
  }

  /** The constant, or the number of the local's assignment. */
  value(depth: number): number {
    return this.#values[this.height - 1 - depth] ?? 0
  }

  #grow(): void {
    const size = this.#types.length * 2
    const grown = <T extends Uint8Array | Int32Array | Float64Array>(to: T, from: T): T => {
      to.set(from)
      return to
    }
    this.#types = grown(new Uint8Array(size), this.#types)
    this.#origins = grown(new Int32Array(size), this.#origins)
    this.#values = grown(new Float64Array(size), this.#values)
  }
}
