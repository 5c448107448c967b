/**
 * Complaints go from node to node. They change nothing, come in numbers when a scheduler is slow, and each has an item in it: so they are
 * named first, and given to whoever lacks them.
 *
 * 1. What is new here is named to each peer but the one that brought it; what comes within a while is named together.
 * 2. Whoever lacks one and is to get it lacks it no longer, for a while: of many who name it one gives it.
 */
import { type Clock, COMPLAINTS_NAMED_MAX, type EvidenceEntry, type KeyId } from '../protocol/index.ts'

/** What is new gathers for so long. */
const GATHER_MS = 500
/** So long what somebody is about to give is not asked of others. */
const AWAITED_MS = 10_000
const AWAITED_MAX = 4_096

/** Other nodes, as far as complaints go. */
export interface ComplaintPeers {
  readonly peers: readonly KeyId[]
  /** Which of the complaints that are named it lacks. */
  lacks(to: KeyId, ids: readonly string[]): Promise<readonly string[]>
  tell(to: KeyId, evidence: Uint8Array): Promise<void>
}

export interface ComplaintOffersParts {
  readonly clock: Clock
  readonly peers: ComplaintPeers
  /** A peer did not take what it was offered. */
  readonly notTaken: (peer: KeyId, error: unknown) => void
}

export class ComplaintOffers implements Disposable {
  readonly #parts: ComplaintOffersParts
  /** What gathers for each peer. */
  readonly #gathering = new Map<KeyId, EvidenceEntry[]>()
  readonly #ended = new AbortController()

  constructor(parts: ComplaintOffersParts) {
    this.#parts = parts
  }

  /** Has a complaint that is new here named to all peers but the one it came from. */
  add(complaint: EvidenceEntry, from: KeyId | undefined): void {
    for (const peer of this.#parts.peers.peers) {
      if (peer === from) continue
      const gathering = this.#gathering.get(peer)
      if (gathering !== undefined) gathering.push(complaint)
      else {
        const begun = [complaint]
        this.#gathering.set(peer, begun)
        void this.#offerSoon(peer, begun)
      }
    }
  }

  /** Names complaints to a peer, and gives it those that it lacks. */
  async offer(peer: KeyId, complaints: readonly EvidenceEntry[]): Promise<void> {
    const { peers } = this.#parts
    for (let at = 0; at < complaints.length; at += COMPLAINTS_NAMED_MAX) {
      const some = complaints.slice(at, at + COMPLAINTS_NAMED_MAX)
      const lacked = new Set(
        await peers.lacks(
          peer,
          some.map(({ id }) => id),
        ),
      )
      for (const { id, bytes } of some) if (lacked.has(id)) await peers.tell(peer, bytes)
    }
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
  }

  async #offerSoon(peer: KeyId, gathering: readonly EvidenceEntry[]): Promise<void> {
    const { clock, notTaken } = this.#parts
    const { signal } = this.#ended
    await clock.sleep(GATHER_MS, { for: 'upkeep', signal }).catch(() => undefined)
    this.#gathering.delete(peer)
    if (!signal.aborted) await this.offer(peer, gathering).catch(error => notTaken(peer, error))
  }
}

/** What somebody is about to give: whoever else names it is not asked for it, for a while. */
export class AwaitedComplaints {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #untilMs = new Map<string, number>()

  constructor(clock: Pick<Clock, 'elapsed'>) {
    this.#clock = clock
  }

  /** Those of `ids` that nobody is about to give; from now on somebody is. */
  await(ids: readonly string[]): string[] {
    const nowMs = this.#clock.elapsed()
    if (this.#untilMs.size > AWAITED_MAX) this.#untilMs.clear()
    const asked = ids.filter(id => (this.#untilMs.get(id) ?? 0) <= nowMs)
    for (const id of asked) this.#untilMs.set(id, nowMs + AWAITED_MS)
    return asked
  }

  /** It came. */
  came(id: string): void {
    this.#untilMs.delete(id)
  }
}
