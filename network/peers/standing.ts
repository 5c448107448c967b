import { BAN_MS, type KeyId, OFFENCE_HALF_LIFE_MS, OFFENCES_MAX, OFFENDERS_MAX } from '../../protocol/index.ts'

/**
 * What a peer can do wrong, and how much it weighs: at `OFFENCES_MAX` it is cut. What no honest program does weighs
 * all of that; what may come of a slow line or of another version weighs less.
 */
export const OFFENCES = {
  /** Something signed or proven that does not hold. */
  'bad-proof': 100,
  /** Bytes that are no frame, or no answer to what was asked. */
  malformed: 60,
  /** More than any limit allows. */
  'over-limit': 40,
  /** A message that goes around and must not. */
  'bad-gossip': 20,
  /** It took nothing for too long. */
  stalled: 30,
} as const

export type Offence = keyof typeof OFFENCES

interface Record {
  weight: number
  atMs: number
  bannedUntilMs: number
}

/** How peers behave: offences add up, fade, and end in a ban. Held in memory; keys cost nothing, so it is bounded. */
export class Standing {
  readonly #now: () => number
  readonly #cut: (peer: KeyId) => void
  readonly #records = new Map<KeyId, Record>()
  #cuts = 0

  /** `cut` is called once for each ban. By the time that passes and not by the date: set back by hours, it made a small offence a large one. */
  constructor(cut: (peer: KeyId) => void, now: () => number = () => performance.now()) {
    this.#cut = cut
    this.#now = now
  }

  /** Peers that were cut since the start. */
  get cuts(): number {
    return this.#cuts
  }

  /** Adds an offence of a peer. */
  offend(peer: KeyId, offence: Offence): void {
    const record = this.#records.get(peer) ?? { weight: 0, atMs: this.#now(), bannedUntilMs: 0 }
    record.weight = this.#weightOf(record) + OFFENCES[offence]
    record.atMs = this.#now()
    // The last to offend is the last to be forgotten.
    this.#records.delete(peer)
    this.#records.set(peer, record)
    if (this.#records.size > OFFENDERS_MAX) this.#forgetOldest()
    if (record.weight < OFFENCES_MAX || record.bannedUntilMs > this.#now()) return
    record.bannedUntilMs = this.#now() + BAN_MS
    record.weight = OFFENCES_MAX / 2
    this.#cuts += 1
    this.#cut(peer)
  }

  /** What its offences weigh now. */
  weight(peer: KeyId): number {
    const record = this.#records.get(peer)
    return record === undefined ? 0 : this.#weightOf(record)
  }

  get banned(): readonly KeyId[] {
    return [...this.#records.keys()].filter(peer => this.isBanned(peer))
  }

  isBanned(peer: KeyId): boolean {
    return (this.#records.get(peer)?.bannedUntilMs ?? 0) > this.#now()
  }

  /** Speaks to it again. */
  pardon(peer: KeyId): void {
    this.#records.delete(peer)
  }

  #weightOf({ weight, atMs }: Record): number {
    return weight * 0.5 ** ((this.#now() - atMs) / OFFENCE_HALF_LIFE_MS)
  }

  #forgetOldest(): void {
    for (const [peer] of this.#records) {
      this.#records.delete(peer)
      return
    }
  }
}
