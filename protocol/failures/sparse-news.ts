/** So many are told of in a window of time; of the others it is told how many they were. */
const [TOLD_MAX, WINDOW_MS] = [20, 10_000]

/** What may happen as often as somebody likes, and fills no log. */
export class SparseNews {
  readonly #now: () => number
  #windowMs = Number.NEGATIVE_INFINITY
  #told = 0
  #untold = 0

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** One more happened: how many were not told of before it, if it is to be told; else nothing. */
  happened(): number | undefined {
    const nowMs = this.#now()
    if (nowMs - this.#windowMs >= WINDOW_MS) [this.#windowMs, this.#told] = [nowMs, 0]
    if (this.#told >= TOLD_MAX) {
      this.#untold += 1
      return undefined
    }
    this.#told += 1
    const untold = this.#untold
    this.#untold = 0
    return untold
  }
}
