import {
  type Clock,
  ed25519PublicKey,
  encodeComplaint,
  Failure,
  makeComplaint,
  type MessageId,
  parseDataItem,
  type Peers,
  RECEIPT_DEADLINE_MS,
  type ScheduleAnswer,
  type ScheduleRequest,
  asMessageId,
  UNANSWERED_MAX,
} from '../../protocol/index.ts'

import { withOverrides } from '../with-overrides.ts'

const LOOK_EVERY_MS = 1_000

export interface ComplaintsParts {
  /** The node's key: it is the witness. */
  readonly seed: Uint8Array
  readonly clock: Clock
  /** Takes a complaint, and hands it on. */
  readonly take: (bytes: Uint8Array) => Promise<unknown>
  readonly trouble: (what: string, failure: Failure) => void
}

interface Unanswered {
  readonly item: Uint8Array
  readonly sinceMs: number
}

/**
 * Watches what is handed to schedulers elsewhere: a signed message that had no receipt for too long, however often it was
 * handed in, is complained about, once. A refusal that puts the blame on the message is an answer; silence is not, nor is
 * "busy", nor anything else that a scheduler could say for ever.
 */
export class Complaints implements Disposable {
  readonly #parts: ComplaintsParts
  readonly #unanswered = new Map<MessageId, Unanswered>()
  readonly #ended = new AbortController()

  constructor(parts: ComplaintsParts) {
    this.#parts = parts
    void this.#run()
  }

  /** `peers`, with an eye on what their schedulers answer. */
  watch<P extends Pick<Peers, 'schedule'>>(peers: P): P {
    const schedule: Peers['schedule'] = async (scheduler, requests, options) => {
      const ids = requests.map(request => this.#handedIn(request))
      const answers = await peers.schedule(scheduler, requests, options)
      for (const [at, answer] of answers.entries()) {
        const id = ids[at]
        if (id !== undefined && isAnswer(answer)) this.#unanswered.delete(id)
      }
      return answers
    }
    return withOverrides(peers, { schedule } as Partial<P>)
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
  }

  #handedIn({ envelope, id: known }: ScheduleRequest): MessageId | undefined {
    if (envelope.kind !== 'item') return undefined
    const id = asMessageId(known ?? parseDataItem(envelope.item).id)
    const isKnown = this.#unanswered.has(id)
    if (!isKnown && this.#unanswered.size < UNANSWERED_MAX) {
      this.#unanswered.set(id, { item: envelope.item, sinceMs: this.#parts.clock.elapsed() })
    }
    return id
  }

  async #run(): Promise<void> {
    const { clock, trouble } = this.#parts
    const { signal } = this.#ended
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, { for: 'upkeep', signal }).catch(() => undefined)
      if (!signal.aborted) await this.#look().catch(error => trouble('complaint', Failure.from(error)))
    }
  }

  async #look(): Promise<void> {
    const { clock, seed, take } = this.#parts
    const [nowMs, untilMs] = [clock.elapsed(), clock.now()]
    for (const [id, { item, sinceMs }] of this.#unanswered) {
      const waitedMs = nowMs - sinceMs
      if (waitedMs < RECEIPT_DEADLINE_MS) continue
      this.#unanswered.delete(id)
      const witness = { key: ed25519PublicKey(seed), seed }
      // Dates are for others, who have no other clock in common.
      await take(encodeComplaint(makeComplaint({ item, sinceMs: untilMs - waitedMs, untilMs, witness })))
    }
  }
}

function isAnswer(answer: ScheduleAnswer): boolean {
  return answer.status !== 'failed' || answer.failure.blame === 'input'
}
