/**
 * Follows feeds of other nodes: whatever is taken is proven by its signers, whoever gives it.
 *
 * 1. A feed has sources, the best first. One that is not reached, ends, or gives what is not proven gives way to the next;
 *    when all have failed there is a pause, longer each time; a node that is linked again ends it.
 * 2. Only the first source is sure to have what is new: a second choice may itself follow whoever follows it. So a first one
 *    that was lost is looked for meanwhile, soon and then less often, and taken again as soon as it is reached. One that
 *    gives nothing that holds is tried again after a while.
 * 3. What does not fit what is held may be somebody's nonsense or a second feed of one key. So the source is asked for the
 *    tree it has at our length: either it proves a conflict, which is told to whoever watches heads, or it is nonsense. Of a
 *    source that does not get to answer nothing is known: it may just pass on what others signed.
 */
import {
  type Clock,
  Failure,
  type FeedConflict,
  type FeedLink,
  type FeedLinks,
  type FeedSpec,
  type HeadWatch,
  type KeyId,
  type Log,
  type SignedBlocks,
} from '../../protocol/index.ts'
import type { Meetings } from './meetings.ts'

const PAUSE_MIN_MS = 250
const PAUSE_MAX_MS = 15_000
/** How long a second choice is followed before another is tried. */
const SECOND_CHOICE_MS = 30_000
/** Pauses between two looks for a first choice that was lost. */
const [LOOK_MIN_MS, LOOK_MAX_MS] = [500, 8_000]

export interface FeedFollowingParts {
  readonly log: Pick<Log, 'hold' | 'length' | 'take' | 'compare'>
  readonly links: FeedLinks
  readonly clock: Clock
  readonly watch?: HeadWatch | undefined
  /** Tells when nodes are linked again; they are tried now and then, if not given. */
  readonly meetings?: Pick<Meetings, 'await'> | undefined
  /** A node gave what proves nothing. */
  readonly offence?: ((peer: KeyId, feed: FeedSpec) => void) | undefined
  readonly trouble: (feed: FeedSpec, failure: Failure) => void
}

/** A feed that is to be followed. */
export interface FollowedFeed {
  readonly feed: FeedSpec
  /** Nodes that may have it, the best first; asked anew each time. */
  readonly sources: () => readonly KeyId[]
  /** These blocks were taken over, from block `from` on. The next come when it resolves. */
  readonly taken?: ((from: number, blocks: readonly Uint8Array[]) => Promise<void>) | undefined
}

/** A feed that is being followed, until it is disposed. */
export interface FeedFollower extends Disposable {
  /** The node it is followed from now. */
  readonly source: KeyId | undefined
}

/** How following one source ended: it is not reached any more, it has nothing that holds, a better one is back, or it is over for good. */
type End = 'lost' | 'elsewhere' | 'better' | 'for good'

interface Run extends FollowedFeed, Disposable {
  source: KeyId | undefined
}

export class FeedFollowing {
  readonly #parts: FeedFollowingParts

  constructor(parts: FeedFollowingParts) {
    this.#parts = parts
  }

  /** Follows a feed until that is disposed. */
  follow(followed: FollowedFeed): FeedFollower {
    const ended = new AbortController()
    const run: Run = { ...followed, source: undefined, [Symbol.dispose]: () => ended.abort() }
    void this.#run(run, ended.signal).catch(error => {
      if (!ended.signal.aborted) this.#parts.trouble(followed.feed, Failure.from(error))
    })
    return run
  }

  async #run(followed: Run, signal: AbortSignal): Promise<void> {
    const { log, trouble } = this.#parts
    using _held = log.hold(followed.feed)
    for (let pauseMs = PAUSE_MIN_MS; !signal.aborted; ) {
      let hasGrown = false
      try {
        const before = await log.length(followed.feed)
        const end = await this.#fromEach(followed, signal)
        if (end === 'for good') return
        hasGrown = end === 'better' || (await log.length(followed.feed)) > before
      } catch (error) {
        if (signal.aborted) return
        // A full disk, for one, is not full for ever.
        trouble(followed.feed, Failure.from(error))
      }
      pauseMs = hasGrown ? PAUSE_MIN_MS : Math.min(2 * pauseMs, PAUSE_MAX_MS)
      // It may still be starting: soon, and then less often.
      if (await this.#pause(pauseMs, followed.sources(), signal)) pauseMs = PAUSE_MIN_MS
    }
  }

  /** Follows one source after the other. */
  async #fromEach(followed: Run, signal: AbortSignal): Promise<End> {
    const [first, ...others] = followed.sources()
    if (first === undefined) return 'elsewhere'
    const end = await this.#fromOne(followed, first, signal)
    if (end === 'for good') return end
    for (const other of others) {
      if (signal.aborted) return 'elsewhere'
      using ended = endedWith(signal)
      const looking = end === 'lost' ? this.#look(first, ended.signal) : undefined
      const next = await this.#fromOne(followed, other, signal, looking)
      if (next === 'for good' || next === 'better') return next
    }
    return 'elsewhere'
  }

  /** Resolves once a source is reached; never, if the signal fires before. */
  async #look(source: KeyId, signal: AbortSignal): Promise<void> {
    const { links } = this.#parts
    for (let pauseMs = LOOK_MIN_MS; ; pauseMs = Math.min(2 * pauseMs, LOOK_MAX_MS)) {
      if (await this.#pause(pauseMs, [source], signal)) pauseMs = LOOK_MIN_MS / 2
      if (signal.aborted) return new Promise(() => undefined)
      try {
        await links.open(source)
        return
      } catch {
        // Not yet.
      }
    }
  }

  /** Waits so long, and no longer than until one of these nodes is linked again: true, if that was it. */
  async #pause(ms: number, nodes: readonly KeyId[], signal: AbortSignal): Promise<boolean> {
    const { clock, meetings } = this.#parts
    using ended = endedWith(signal)
    let isMet = false
    using _meeting = meetings?.await(nodes, () => {
      isMet = true
      ended[Symbol.dispose]()
    })
    await clock.sleep(ms, { for: 'wait', signal: ended.signal }).catch(() => undefined)
    return isMet
  }

  /** Follows one source as long as it lasts; one that is a second choice until `better` is there, and not for ever. */
  async #fromOne(followed: Run, source: KeyId, signal: AbortSignal, better?: Promise<void>): Promise<End> {
    const { links, log, clock } = this.#parts
    let link: FeedLink
    try {
      link = await links.open(source)
    } catch (error) {
      if (Failure.from(error).blame === 'transient') return 'lost'
      throw error
    }
    const { promise, resolve, reject } = Promise.withResolvers<End>()
    const from = await log.length(followed.feed)
    const take = async (piece: SignedBlocks): Promise<void> => {
      try {
        const end = await this.#take(followed, link, piece)
        if (end !== undefined) resolve(end)
      } catch (error) {
        reject(error)
      }
    }
    const following = link.follow(followed.feed, from, take, () => resolve('elsewhere'))
    followed.source = source
    const stop = (): void => resolve('elsewhere')
    void link.closed.then(() => resolve('lost'))
    signal.addEventListener('abort', stop)
    void better?.then(() => resolve('better'))
    using ended = endedWith(signal)
    if (source !== followed.sources()[0])
      void clock.sleep(SECOND_CHOICE_MS, { for: 'wait', signal: ended.signal }).then(stop, stop)
    if (signal.aborted) stop()
    try {
      return await promise
    } finally {
      followed.source = undefined
      signal.removeEventListener('abort', stop)
      following[Symbol.dispose]()
    }
  }

  /** Takes a piece over; says if that ends it. */
  async #take({ feed, taken }: FollowedFeed, link: FeedLink, piece: SignedBlocks): Promise<End | undefined> {
    const { log, watch, offence } = this.#parts
    const before = await log.length(feed)
    const answer = await log.take(feed, piece).catch(frozen)
    if (answer === undefined) return 'for good'
    if (answer.status === 'taken') {
      const news = piece.blocks.slice(before - piece.from)
      if (answer.length > before) await taken?.(before, news)
      return undefined
    }
    if (answer.status === 'gap') return 'elsewhere'
    const conflict =
      answer.status === 'conflict' ? answer.conflict : await this.#conflictWith(feed, link, answer.length)
    if (conflict === 'not told') return 'elsewhere'
    if (conflict === undefined) {
      offence?.(link.peer, feed)
      return 'elsewhere'
    }
    watch?.conflict(conflict, link.peer)
    this.#parts.trouble(feed, new Failure('feed-frozen', { process: feed.process, length: conflict.held.length }))
    return 'for good'
  }

  /** Whether a source has another feed of the same signers than the one that is held. */
  async #conflictWith(feed: FeedSpec, link: FeedLink, length: number): Promise<FeedConflict | 'not told' | undefined> {
    if (length === 0) return undefined
    try {
      const shown = await link.show(feed, length)
      return shown && (await this.#parts.log.compare(feed, shown))
    } catch (error) {
      if (Failure.from(error).blame === 'transient') return 'not told'
      throw error
    }
  }
}

/** Of a feed that stands still: its own past speaks against it, its schedulers, or the owner of its process. */
const FROZEN = ['feed-frozen', 'equivocated', 'owner-equivocated'] as const

/** A feed of which a conflict was seen is not taken any more. @throws any other failure */
function frozen(error: unknown): undefined {
  if (FROZEN.some(code => Failure.is(error, code))) return undefined
  throw error
}

/** A signal that also fires when it is disposed. */
function endedWith(signal: AbortSignal): { readonly signal: AbortSignal } & Disposable {
  const ended = new AbortController()
  return { signal: AbortSignal.any([signal, ended.signal]), [Symbol.dispose]: () => ended.abort() }
}
