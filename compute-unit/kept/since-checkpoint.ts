/** Slots after which a checkpoint is worth its writes; measured against replaying them. */
const EVERY_SLOTS = 2_000
const EVERY_GAS = 20_000_000_000n
/**
 * Of a feed that others write fewer are too, after a while: what a unit evaluated since its last checkpoint it evaluates again when it
 * was killed, signatures and all, and says nothing new of the process meanwhile. Large states are written less often.
 */
const WORTH_SLOTS = 64
const EVERY_MS = 3_000
/** Time between two, in times what one takes. */
const SHARE = 50

/** What was evaluated since the last checkpoint of a process, and whether the next one is due. */
export class SinceCheckpoint {
  readonly #isTrusted: boolean
  #slots = 0
  #gas = 0n
  #sinceMs = 0
  #tookMs = 0

  /** `isTrusted`: what is evaluated again is not checked again. */
  constructor(isTrusted: boolean) {
    this.#isTrusted = isTrusted
  }

  get slots(): number {
    return this.#slots
  }

  add(slots: number, gas: bigint): void {
    this.#slots += slots
    this.#gas += gas
  }

  /** The state is that of a checkpoint now. */
  reset(nowMs: number): void {
    this.#slots = 0
    this.#gas = 0n
    this.#sinceMs = nowMs
  }

  /** One was written. */
  wrote(tookMs: number): void {
    this.#tookMs = tookMs
  }

  isDue(nowMs: number): boolean {
    if (this.#slots >= EVERY_SLOTS || this.#gas >= EVERY_GAS) return true
    if (this.#isTrusted || this.#slots < WORTH_SLOTS) return false
    return nowMs - this.#sinceMs >= Math.max(EVERY_MS, SHARE * this.#tookMs)
  }
}
