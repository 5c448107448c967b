import type { Push, PushCore, Sending } from '../../protocol/index.ts'

/** A push that came out of a unit's own evaluation; nobody else can make one that says so. */
export class OwnPush implements Push {
  readonly core: PushCore
  readonly coreBytes: Uint8Array
  readonly bodyBytes: Uint8Array
  readonly #unit: object

  private constructor(push: Push, unit: object) {
    this.core = push.core
    this.coreBytes = push.coreBytes
    this.bodyBytes = push.bodyBytes
    this.#unit = unit
  }

  /** The result with pushes that are marked as made by `unit`. */
  static mark<Sent extends Sending>(result: Sent, unit: object): Sent {
    if (result.outbox.length === 0) return result
    return { ...result, outbox: result.outbox.map(push => new OwnPush(push, unit)) }
  }

  static isOf(push: Push, unit: object): boolean {
    return #unit in push && push.#unit === unit
  }
}
