/**
 * Nodes show each other what they hold of feeds, so that two feeds of one key meet.
 *
 * 1. Whenever a feed has grown, and whenever a node is met, the others are shown how far it has come, under its head; in rounds.
 * 2. Who holds as much compares: mostly one hash. Who holds less is shown the same the other way round.
 * 3. Two trees that were signed and differ are a proof. From whoever showed it the first block that differs is searched for, by
 *    halves.
 * 4. A search may fail: whoever showed the other feed is gone, or another node of its name answers. So what stands still is shown
 *    once more, where it ends now. Whoever holds the other feed finds a shorter conflict, until both end where they parted.
 * 5. Nobody waits for another: each peer is shown what is new when it has taken what it was shown before.
 */
import {
  type Clock,
  equalBytes,
  type EvidenceEntry,
  Failure,
  type FeedConflict,
  type FeedSpec,
  feedName,
  HEADS_EVERY_MS,
  HEADS_HELD_MAX,
  HEADS_TOGETHER_MAX,
  type HeadWatch,
  type KeyId,
  type Log,
  feedOfEpoch,
  messagesFeed,
  PAGE_MAX,
  type PrefixWish,
  type ProcessDescription,
  type ProcessId,
  type ShownHead,
  type SignedPrefix,
  treeAt,
} from '../protocol/index.ts'
import { closestConflict, hashOf } from './closest-conflict.ts'
import { ComplaintOffers, type ComplaintPeers } from './complaint-offers.ts'
import type { EvidenceBook } from './evidence-book.ts'

/** Other nodes, as far as heads and evidence go. */
export interface EvidencePeers extends ComplaintPeers {
  /** Nodes to which there is a link now. */
  readonly peers: readonly KeyId[]
  showHeads(to: KeyId, heads: readonly ShownHead[]): Promise<void>
  prefix(from: KeyId, wish: PrefixWish): Promise<SignedPrefix | undefined>
}

export interface HeadExchangeParts {
  readonly log: Pick<Log, 'trees' | 'prefix' | 'compare' | 'length' | 'watch'> & {
    readonly directory: Pick<Log['directory'], 'process' | 'processes'>
  }
  readonly clock: Clock
  readonly peers: EvidencePeers
  readonly book: EvidenceBook
  /** In which epoch a process is here, and at somebody else: if not in the same, one of both is behind. */
  readonly epochs?: ((process: ProcessId, here: number, there: number, from: KeyId) => void) | undefined
  readonly trouble: (what: string, failure: Failure) => void
}

/** The longest pause before a peer that did not take what it was shown is met again. */
const MEET_AGAIN_MAX_MS = 60_000

export class HeadExchange implements HeadWatch, Disposable {
  readonly #parts: HeadExchangeParts
  readonly #grown = new Map<string, FeedSpec>()
  readonly #met = new Map<KeyId, Shown>()
  readonly #ended = new AbortController()
  readonly #watching: Disposable
  readonly #offers: ComplaintOffers

  constructor(parts: HeadExchangeParts) {
    this.#parts = parts
    this.#offers = new ComplaintOffers({ ...parts, notTaken: (peer, error) => this.#notTaken(peer, error) })
    this.#watching = parts.log.watch(({ feed }) => {
      if (feed.kind === 'messages') this.#note(feed)
    })
    void this.#run()
  }

  /** Somebody shows what it holds. */
  async shown(heads: readonly ShownHead[], from: KeyId): Promise<void> {
    for (const { process, epoch, prefix } of heads) {
      const description = await this.#parts.log.directory.process(process)
      if (description === undefined) continue
      this.#parts.epochs?.(process, description.epoch, epoch, from)
      const feed = feedOfEpoch(description, epoch)
      if (feed === undefined) continue
      await this.#look(feed, prefix, from)
    }
  }

  /** What this node holds of the first blocks of a feed. */
  async prefix({ process, epoch, length }: PrefixWish): Promise<SignedPrefix | undefined> {
    const description = await this.#parts.log.directory.process(process)
    const feed = description && feedOfEpoch(description, epoch)
    return feed && this.#parts.log.prefix(feed, length)
  }

  /** See `HeadWatch`. */
  conflict(conflict: FeedConflict, from: KeyId): void {
    this.#prove(conflict, from).catch(error => this.#parts.trouble('evidence', Failure.from(error)))
  }

  /** A process stands still now, or earlier than it did: this is where others compare. */
  again(process: ProcessDescription, epoch: number): void {
    const feed = feedOfEpoch(process, epoch)
    if (feed !== undefined) this.#note(feed)
  }

  /** Tells all peers but `from` of evidence that is new here. */
  share(entry: EvidenceEntry, from: KeyId | undefined): void {
    if (entry.kind === 'complaint') return this.#offers.add(entry, from)
    const { peers } = this.#parts
    for (const peer of peers.peers)
      if (peer !== from) void peers.tell(peer, entry.bytes).catch(error => this.#notTaken(peer, error))
  }

  [Symbol.dispose](): void {
    this.#watching[Symbol.dispose]()
    this.#offers[Symbol.dispose]()
    this.#ended.abort()
  }

  /** A peer did not take evidence: if it may later, it is met again. */
  #notTaken(peer: KeyId, error: unknown): void {
    const shown = this.#met.get(peer)
    if (shown !== undefined && isPassing(error)) this.#later(shown)
  }

  /** Has a feed shown in the next round. */
  #note(feed: FeedSpec): void {
    if (this.#grown.size < HEADS_HELD_MAX) this.#grown.set(feedName(feed), feed)
  }

  async #look(feed: FeedSpec, seen: SignedPrefix, from: KeyId): Promise<void> {
    const { log, peers } = this.#parts
    const length = await log.length(feed)
    if (length === 0) return
    if (length < seen.length) {
      const own = await log.prefix(feed, length)
      if (own !== undefined) await peers.showHeads(from, [{ process: feed.process, epoch: feed.epoch, prefix: own }])
      return
    }
    const held = await treeAt(log.trees, feed, seen.length)
    const shown = hashOf(seen)
    if (held !== undefined && shown !== undefined && equalBytes(held.hash(), shown)) return
    const conflict = await log.compare(feed, seen)
    if (conflict !== undefined) await this.#prove(conflict, from)
  }

  /** Hands the proof on at once, and a closer one once it is found. */
  async #prove(conflict: FeedConflict, from: KeyId): Promise<void> {
    const { book } = this.#parts
    await book.conflict(conflict)
    const closest = await closestConflict(this.#parts, conflict, from)
    if (closest !== conflict) await book.conflict(closest)
  }

  async #run(): Promise<void> {
    const { clock, trouble } = this.#parts
    const { signal } = this.#ended
    while (!signal.aborted) {
      try {
        await this.#round()
      } catch (error) {
        trouble('heads', Failure.from(error))
      }
      await clock.sleep(HEADS_EVERY_MS, { for: 'upkeep', signal }).catch(() => undefined)
    }
  }

  async #round(): Promise<void> {
    const present = new Set(this.#parts.peers.peers)
    for (const peer of this.#met.keys()) if (!present.has(peer)) this.#met.delete(peer)
    const grown = [...this.#grown]
    this.#grown.clear()
    const free: (readonly [KeyId, Shown])[] = []
    for (const peer of present) {
      const shown = this.#shownTo(peer)
      if (!shown.isBusy && shown.isMet && shown.missed.size === 0) {
        free.push([peer, shown])
        continue
      }
      for (const [name, feed] of grown) if (shown.missed.size < HEADS_HELD_MAX) shown.missed.set(name, feed)
      if (shown.isBusy) continue
      if (shown.isMet) this.#begin(shown, () => this.#showMissed(peer, shown))
      else if (this.#parts.clock.elapsed() >= shown.notBeforeMs) this.#begin(shown, () => this.#meet(peer, shown))
    }
    // What all are shown is read once.
    for await (const heads of free.length === 0 ? [] : this.#headsOf(grown.map(([, feed]) => feed))) {
      for (const [peer, shown] of free) this.#begin(shown, () => this.#parts.peers.showHeads(peer, heads))
    }
  }

  #shownTo(peer: KeyId): Shown {
    const known = this.#met.get(peer)
    if (known !== undefined) return known
    const shown = {
      isMet: false,
      isBusy: false,
      failures: 0,
      notBeforeMs: 0,
      missed: new Map(),
      showing: Promise.resolve(),
    }
    this.#met.set(peer, shown)
    return shown
  }

  /** Has something shown to a peer, after what it is being shown; whoever does not take it is met again, later and later. */
  #begin(shown: Shown, show: () => Promise<void>): void {
    shown.isBusy = true
    const showing = shown.showing.then(show).catch(error => {
      if (isPassing(error)) this.#later(shown)
      else if (!Failure.is(error)) this.#parts.trouble('heads', Failure.from(error))
    })
    shown.showing = showing
    void showing.then(() => {
      if (shown.showing === showing) shown.isBusy = false
    })
  }

  #later(shown: Shown): void {
    const nowMs = this.#parts.clock.elapsed()
    // What fails together is one failure.
    if (!shown.isMet && nowMs < shown.notBeforeMs) return
    shown.isMet = false
    shown.notBeforeMs = nowMs + Math.min(HEADS_EVERY_MS * 2 ** shown.failures, MEET_AGAIN_MAX_MS)
    shown.failures += 1
  }

  /** A node is met: it is shown everything, evidence first. */
  async #meet(peer: KeyId, shown: Shown): Promise<void> {
    const { log, peers, book } = this.#parts
    // What grows from here on is shown afterwards.
    shown.isMet = true
    const { proofs, complaints } = book.toTell()
    for (const { bytes } of proofs) await peers.tell(peer, bytes).catch(unlessPassing)
    await this.#offers.offer(peer, complaints).catch(unlessPassing)
    let count = 0
    for (let after: ProcessId | undefined; count < HEADS_HELD_MAX; ) {
      const page: readonly ProcessDescription[] = await log.directory.processes({ after, limit: PAGE_MAX })
      for await (const heads of this.#headsOf(page.map(messagesFeed)))
        await peers.showHeads(peer, heads).catch(unlessPassing)
      count += page.length
      after = page.at(-1)?.id
      if (page.length < PAGE_MAX) break
    }
    shown.failures = 0
  }

  async #showMissed(peer: KeyId, { missed }: Shown): Promise<void> {
    const feeds = [...missed.values()]
    missed.clear()
    for await (const heads of this.#headsOf(feeds)) await this.#parts.peers.showHeads(peer, heads)
  }

  /** What this node holds of feeds, so many at a time, as far as it need not be hashed for this. */
  async *#headsOf(feeds: readonly FeedSpec[]): AsyncGenerator<readonly ShownHead[]> {
    const { log } = this.#parts
    for (let at = 0; at < feeds.length; at += HEADS_TOGETHER_MAX) {
      const heads: ShownHead[] = []
      for (const feed of feeds.slice(at, at + HEADS_TOGETHER_MAX)) {
        const prefix = await log.prefix(feed)
        if (prefix === undefined) continue
        heads.push({ process: feed.process, epoch: feed.epoch, prefix })
        // The rest is hashed on its way to the disk: it is shown once it is there.
        if (prefix.length < (await log.length(feed))) this.#note(feed)
      }
      if (heads.length > 0) yield heads
    }
  }
}

/** What one peer is being shown, and what grew meanwhile. */
interface Shown {
  /** It was shown what there was; it is not, as long as it did not take it. */
  isMet: boolean
  isBusy: boolean
  /** Since it last took all. */
  failures: number
  notBeforeMs: number
  readonly missed: Map<string, FeedSpec>
  showing: Promise<void>
}

/** Whether a peer may take later what it did not take now: it is just starting, say. */
const isPassing = (error: unknown): boolean => Failure.is(error) && error.blame === 'transient'

/** What a peer refuses, it refuses the next time too. @throws whatever else went wrong */
function unlessPassing(error: unknown): void {
  if (!Failure.is(error) || isPassing(error)) throw error
}
