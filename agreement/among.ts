import {
  type Attested,
  type CallOptions,
  type CertifiedResult,
  type Clock,
  Failure,
  findFrame,
  type Log,
  messagesFeed,
  type ProcessDescription,
  type Result,
  type Slot,
  waitFor,
} from '../protocol/index.ts'
import type { OwnUnit, Way } from './parts.ts'
import type { ProcessAgreement } from './process-agreement.ts'

/** A result is waited for as long, unless the caller says otherwise. */
const RESULT_WAIT_MS = 30_000

/** Results of a process of which this node is one compute unit among several that must agree: its own, once they are final. */
export class Among implements Way {
  readonly #parts: { readonly unit: OwnUnit; readonly log: Log; readonly clock: Clock }
  readonly #process: ProcessDescription
  readonly #agreement: ProcessAgreement

  constructor(
    parts: { readonly unit: OwnUnit; readonly log: Log; readonly clock: Clock },
    process: ProcessDescription,
    agreement: ProcessAgreement,
  ) {
    this.#parts = parts
    this.#process = process
    this.#agreement = agreement
  }

  async result(slot: Slot, options: CallOptions = {}): Promise<Result> {
    await this.#final(slot, options)
    return this.#parts.unit.result(this.#process.id, slot, options)
  }

  async attested(slot: Slot): Promise<Attested> {
    return this.#agreement.attested(await this.#indexOf(slot))
  }

  async certified(slot: Slot, options: CallOptions = {}): Promise<CertifiedResult> {
    await this.#final(slot, options)
    const { proof, ...rest } = await this.#parts.unit.certified(this.#process.id, slot, options)
    const { index } = await this.#parts.unit.frameAt(this.#process, slot)
    const words = await this.#agreement.agreeing(index)
    const signatures = words.map(({ unit, signature }) => ({ unit, signature }))
    return { ...rest, proof: { ...proof, signatures } }
  }

  results(from: Slot, to: Slot, options?: CallOptions): AsyncIterable<Result> {
    return this.#parts.unit.results(this.#process.id, from, Math.min(to, this.#agreement.slots), options)
  }

  async evaluated(): Promise<Slot> {
    return this.#agreement.slots
  }

  async #final(slot: Slot, { signal, timeoutMs = RESULT_WAIT_MS }: CallOptions): Promise<void> {
    const { unit, clock } = this.#parts
    if (slot < this.#agreement.slots) return
    const untilMs = clock.elapsed() + timeoutMs
    const left = (): CallOptions => ({ signal, timeoutMs: Math.max(0, untilMs - clock.elapsed()) })
    // Fails at once for a slot beyond the feed.
    await unit.result(this.#process.id, slot, left())
    try {
      await waitFor(this.#agreement.reached(slot), clock, left())
    } catch (error) {
      if (!Failure.is(error, 'timeout')) throw error
      const { by, needed, of } = await this.attested(slot)
      const details = { process: this.#process.id, slot, agree: by.length, needed, of }
      throw new Failure('no-agreement', details, { cause: error })
    }
  }

  async #indexOf(slot: Slot): Promise<number> {
    const frame = await findFrame(this.#parts.log, messagesFeed(this.#process), slot)
    if (frame === undefined) throw new Failure('unknown-slot', { process: this.#process.id, slot })
    return frame.index
  }
}
