/**
 * Room that many share. As long as there is some, whoever wants it takes it; then it is for those who have less than an equal part. So
 * nobody who takes much keeps it from those who need little, and all together never have more than twice as much.
 */
export class FairShare {
  readonly #max: number
  readonly #sharers = new Set<Share>()
  #taken = 0

  constructor(max: number) {
    this.#max = max
  }

  /** What all have taken. */
  get taken(): number {
    return this.#taken
  }

  /** One more shares it. */
  open(): Share {
    const share: Share = {
      taken: 0,
      take: amount => {
        const isEqual = share.taken + amount <= this.#max / this.#sharers.size
        if (this.#taken + amount > this.#max && !isEqual) return false
        share.taken += amount
        this.#taken += amount
        return true
      },
      give: amount => {
        share.taken -= amount
        this.#taken -= amount
      },
      close: () => {
        share.give(share.taken)
        this.#sharers.delete(share)
      },
    }
    this.#sharers.add(share)
    return share
  }
}

/** What one has of it. */
export interface Share {
  taken: number
  /** Whether there is room for so much more; then it is taken. */
  take(amount: number): boolean
  /** Leaves so much of it. */
  give(amount: number): void
  /** Shares no longer, and leaves all. */
  close(): void
}
