/**
 * Nodes show each other what they hold of feeds, so that two feeds of one key meet.
 *
 * 1. Whenever a feed has grown, and whenever a node is met, the others are shown how far it has come, under its head; in rounds.
 * 2. Who holds as much compares: mostly one hash. Who holds less is shown the same the other way round.
 * 3. Two trees that were signed and differ are a proof. From whoever showed it the first block that differs is searched for, by
 *    halves; so the process stands still exactly where its schedulers parted.
 */
import {
  type Clock, equalBytes, Failure, type FeedConflict, type FeedSpec, feedName, FeedTree, HEADS_EVERY_MS, HEADS_HELD_MAX, HEADS_TOGETHER_MAX,
  type HeadWatch, type KeyId, type Log, MalformedBytes, messagesFeed, PAGE_MAX, type PrefixWish, type ProcessDescription, type ProcessId,
  type ShownHead, type SignedPrefix, treeAt,
} from '../protocol/index.ts'
import type { EvidenceBook } from './evidence-book.ts'

/** Other nodes, as far as heads and evidence go. */
export interface EvidencePeers {
  /** Nodes to which there is a link now. */
  readonly peers: readonly KeyId[]
  showHeads(to: KeyId, heads: readonly ShownHead[]): Promise<void>
  prefix(from: KeyId, wish: PrefixWish): Promise<SignedPrefix | undefined>
  tell(to: KeyId, evidence: Uint8Array): Promise<void>
}

export interface HeadExchangeParts {
  readonly log: Pick<Log, 'trees' | 'prefix' | 'compare' | 'length' | 'watch'> & { readonly directory: Pick<Log['directory'], 'process' | 'processes'> }
  readonly clock: Clock
  readonly peers: EvidencePeers
  readonly book: EvidenceBook
  readonly trouble: (what: string, failure: Failure) => void
}

export class HeadExchange implements HeadWatch, Disposable {
  readonly #parts: HeadExchangeParts
  readonly #grown = new Map<string, FeedSpec>()
  readonly #met = new Set<KeyId>()
  readonly #ended = new AbortController()
  readonly #watching: Disposable

  constructor(parts: HeadExchangeParts) {
    this.#parts = parts
    this.#watching = parts.log.watch(({ feed }) => {
      if (feed.kind === 'messages' && this.#grown.size < HEADS_HELD_MAX) this.#grown.set(feedName(feed), feed)
    })
    void this.#run()
  }

  /** Somebody shows what it holds. */
  async shown(heads: readonly ShownHead[], from: KeyId): Promise<void> {
    for (const { process, epoch, prefix } of heads) {
      const description = await this.#parts.log.directory.process(process)
      if (description === undefined || description.epoch !== epoch) continue
      await this.#look(messagesFeed(description), prefix, from)
    }
  }

  /** What this node holds of the first blocks of a feed. */
  async prefix({ process, epoch, length }: PrefixWish): Promise<SignedPrefix | undefined> {
    const description = await this.#parts.log.directory.process(process)
    if (description === undefined || description.epoch !== epoch) return undefined
    return this.#parts.log.prefix(messagesFeed(description), length)
  }

  /** See `HeadWatch`. */
  conflict(conflict: FeedConflict, from: KeyId): void {
    this.#prove(conflict, from).catch(error => this.#parts.trouble('evidence', Failure.from(error)))
  }

  [Symbol.dispose](): void {
    this.#watching[Symbol.dispose]()
    this.#ended.abort()
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
    if (held !== undefined && equalBytes(held.hash(), hashOf(seen) ?? NOTHING)) return
    const conflict = await log.compare(feed, seen)
    if (conflict !== undefined) await this.#prove(conflict, from)
  }

  /** Hands the proof on at once, and a closer one once it is found. */
  async #prove(conflict: FeedConflict, from: KeyId): Promise<void> {
    const { book } = this.#parts
    await book.conflict(conflict)
    const closest = await this.#closest(conflict, from)
    if (closest !== conflict) await book.conflict(closest)
  }

  /** The conflict of the smallest length that the other side shows. */
  async #closest(conflict: FeedConflict, from: KeyId): Promise<FeedConflict> {
    const { log, peers } = this.#parts
    const { feed } = conflict
    let [same, closest] = [0, conflict]
    while (closest.held.length - same > 1) {
      const length = Math.floor((same + closest.held.length) / 2)
      const held = await log.prefix(feed, length)
      const seen = await peers.prefix(from, { process: feed.process, epoch: feed.epoch, length })
      const [ours, theirs] = [held && hashOf(held), seen && hashOf(seen)]
      if (held === undefined || seen?.length !== length || ours === undefined || theirs === undefined) return closest
      if (equalBytes(ours, theirs)) same = length
      else closest = { feed, held, seen }
    }
    return closest
  }

  async #run(): Promise<void> {
    const { clock, peers, trouble } = this.#parts
    const { signal } = this.#ended
    while (!signal.aborted) {
      try {
        const present = new Set(peers.peers)
        const grown = [...this.#grown.values()]
        this.#grown.clear()
        const known = [...present].filter(peer => this.#met.has(peer))
        for (const peer of present) if (!this.#met.has(peer)) await this.#meet(peer)
        for (const peer of this.#met) if (!present.has(peer)) this.#met.delete(peer)
        await this.#show(known, grown)
      } catch (error) {
        trouble('heads', Failure.from(error))
      }
      await clock.sleep(HEADS_EVERY_MS, { for: 'upkeep', signal }).catch(() => undefined)
    }
  }

  /** A node is met: it is shown everything, the newest evidence first. */
  async #meet(peer: KeyId): Promise<void> {
    const { log, peers, book } = this.#parts
    this.#met.add(peer)
    for (const { bytes } of book.list()) await peers.tell(peer, bytes).catch(gone)
    let shown = 0
    for (let after: ProcessId | undefined; shown < HEADS_HELD_MAX; ) {
      const page: readonly ProcessDescription[] = await log.directory.processes({ after, limit: PAGE_MAX })
      await this.#show([peer], page.map(messagesFeed))
      shown += page.length
      after = page.at(-1)?.id
      if (page.length < PAGE_MAX) return
    }
  }

  async #show(to: readonly KeyId[], feeds: readonly FeedSpec[]): Promise<void> {
    if (to.length === 0) return
    const { log, peers } = this.#parts
    for (let at = 0; at < feeds.length; at += HEADS_TOGETHER_MAX) {
      const heads: ShownHead[] = []
      for (const feed of feeds.slice(at, at + HEADS_TOGETHER_MAX)) {
        const prefix = await log.prefix(feed, await log.length(feed))
        if (prefix !== undefined) heads.push({ process: feed.process, epoch: feed.epoch, prefix })
      }
      if (heads.length > 0) await Promise.all(to.map(peer => peers.showHeads(peer, heads).catch(gone)))
    }
  }
}

const NOTHING = new Uint8Array(0)

/** The hash of the tree of a prefix, whoever signed it. */
function hashOf({ length, roots }: SignedPrefix): Uint8Array | undefined {
  try {
    const tree = FeedTree.from(roots)
    return tree.length === length ? tree.hash() : undefined
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** Whoever cannot be reached is met again. */
function gone(error: unknown): void {
  if (!Failure.is(error)) throw error
}
