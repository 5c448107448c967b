import type { KeyId, SignerProof } from '../../protocol/index.ts'

/** What has come in for one proposal. */
export class Round {
  readonly proofs: SignerProof[] = []
  readonly #holders = new Set<KeyId>()
  readonly #refusals: string[] = []
  /** So many refusals end it. */
  readonly #refusalsMax: number
  #failure: string | undefined
  #waiting: (() => void)[] = []

  constructor(refusalsMax: number) {
    this.#refusalsMax = refusalsMax
  }

  get over(): boolean {
    return this.#failure !== undefined
  }

  /** Schedulers known to have accepted, the leader among them. */
  get holders(): number {
    return 1 + this.proofs.length + this.#holders.size
  }

  signed(key: KeyId, proof: SignerProof): void {
    this.#holders.delete(key)
    this.proofs.push(proof)
    this.#wake()
  }

  held(key: KeyId): void {
    this.#holders.add(key)
    this.#wake()
  }

  refused(reason: string): void {
    this.#refusals.push(reason)
    if (this.#refusals.length >= this.#refusalsMax) this.end(this.#refusals.join('; '))
  }

  end(reason: string): void {
    this.#failure ??= [reason, ...this.#refusals].join('; ')
    this.#wake()
  }

  /** Resolves once more are known to hold it than `holders`, or it is over. */
  async moreThan(holders: number): Promise<void> {
    while (this.holders <= holders && !this.over) await this.#change()
  }

  /** Resolves with that many signatures, or gives why there will be no more. */
  async reached(wanted: number): Promise<string | undefined> {
    while (this.proofs.length < wanted && !this.over) await this.#change()
    return this.proofs.length < wanted ? this.#failure : undefined
  }

  #change(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }
}
