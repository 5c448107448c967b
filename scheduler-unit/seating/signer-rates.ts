import { Failure, SIGNER_RATE_PER_SECOND, SIGNERS_TRACKED_MAX } from '../../protocol/index.ts'

const BURST_SECONDS = 10

/** A token bucket for each signer; the least recently seen signers are forgotten first. */
export class SignerRates {
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>()
  /** Whose bucket is the last. */
  #newest = ''
  readonly #perSecond: number

  constructor(perSecond = SIGNER_RATE_PER_SECOND) {
    this.#perSecond = perSecond
  }

  /** Takes one token of `signer`; false if there is none. */
  take(signer: string, nowMs: number): boolean {
    const max = this.#perSecond * BURST_SECONDS
    const bucket = this.#buckets.get(signer) ?? { tokens: max, atMs: nowMs }
    // A clock that was set back takes nothing away.
    const passedMs = Math.max(0, nowMs - bucket.atMs)
    bucket.tokens = Math.min(max, bucket.tokens + (passedMs / 1000) * this.#perSecond)
    bucket.atMs = nowMs
    this.#remember(signer, bucket)
    if (bucket.tokens < 1) return false
    bucket.tokens -= 1
    return true
  }

  /** Takes one token of `signer`. @throws {Failure} `busy` if there is none */
  expect(signer: string, nowMs: number): void {
    if (!this.take(signer, nowMs)) throw new Failure('busy', { signer }, { note: 'too many messages of one signer' })
  }

  #remember(signer: string, bucket: { tokens: number; atMs: number }): void {
    if (signer === this.#newest) return
    this.#newest = signer
    this.#buckets.delete(signer)
    this.#buckets.set(signer, bucket)
    if (this.#buckets.size <= SIGNERS_TRACKED_MAX) return
    const oldest = this.#buckets.keys().next().value
    if (oldest !== undefined) this.#buckets.delete(oldest)
  }
}
