import type Corestore from 'corestore'
import Hypercore from 'hypercore'
import type { HypercoreKeyPair } from 'hypercore'
import type HypercoreStorage from 'hypercore-storage'
import { Failure, type FeedHead, type FeedSpec } from '../../protocol/index.ts'
import { appendBy, forgetRecovery } from './append-by.ts'
import { diskFailure } from '../disk-failure.ts'
import { discoveryKeyOf, feedOf, manifestOf } from './feed-manifest.ts'
import type { FeedEnd } from './feed-end.ts'
import { type FeedState, isInPrologue, type TailProof } from './feed-state.ts'
import { OpenFeed } from './open-feed.ts'
import { closeStore, openStore, type OpenedStore } from '../store/open-store.ts'
import { StoredFeeds } from './stored-feeds.ts'
import { onlySignature } from './only-signature.ts'
import { plainBytes } from '../plain-bytes.ts'

/** Feeds whose heads are read in one call. */
const HEADS_TOGETHER_MAX = 1024

export interface OpenFeedsParts {
  /** Absolute. */
  readonly folder: string
  readonly keyPair: HypercoreKeyPair
  readonly openMax: number
}

/** The Corestore, and the Hypercores of it that are open, least recently used first. */
export class OpenFeeds implements AsyncDisposable {
  readonly #parts: OpenFeedsParts
  #store: Corestore
  #storage: HypercoreStorage
  #stored: StoredFeeds
  /** Why everything is closed, until it is open again. */
  #down: Failure | undefined
  readonly #open = new Map<string, OpenFeed>()
  #asked: { state: FeedState; resolve: (length: number) => void; reject: (error: unknown) => void }[] = []

  private constructor(parts: OpenFeedsParts, opened: OpenedStore) {
    this.#parts = parts
    this.#store = opened.store
    this.#storage = opened.storage
    this.#stored = storedFeeds(parts, opened)
  }

  /** @throws {Failure} `data-folder-locked`, `data-folder-damaged`, `disk-full` */
  static async open(parts: OpenFeedsParts): Promise<OpenFeeds> {
    return new OpenFeeds(parts, await openStore(parts.folder))
  }

  get corestore(): Corestore {
    return this.#store
  }

  /** As it is now: a reopening replaces it, and the Corestore. */
  get storage(): HypercoreStorage {
    return this.#storage
  }

  /** Hypercores open now. */
  get openCount(): number {
    return this.#open.size
  }

  /** Blocks of a feed on disk. Heads asked for in one turn are read in one call; nothing is opened. */
  storedLength(state: FeedState): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#asked.push({ state, resolve, reject }) === 1) setImmediate(() => void this.#readHeads())
    })
  }

  /**
   * Makes a feed of our own hold `blocks` from `from` on. It may hold some of them already, after an append whose
   * end nobody saw. `proof` is what others signed, or several. @throws {Failure} `feed-frozen` if it holds less or other blocks
   */
  async append(state: FeedState, from: number, blocks: readonly Uint8Array[], proof?: TailProof): Promise<void> {
    if (proof !== undefined && !state.own) await this.#makeWay(state, from, proof)
    const isDone = await this.#stored.append(state, from, blocks, proof).catch(error => {
      throw this.failure(error)
    })
    if (isDone) return
    const { keyPair } = this.#parts
    await this.#use(state, core => appendBy(core, { feed: state.feed, from, blocks, proof, keyPair }))
  }

  /**
   * Closes the Hypercore of a feed of others if it cannot append blocks of which the head speaks of more, or if it has
   * learned of a longer head itself: whoever reads through it comes again.
   */
  async #makeWay(state: FeedState, from: number, { rest }: TailProof): Promise<void> {
    const open = this.#store.cores.get(discoveryKeyOf(state.feed))
    if (open === null || (rest.length === 0 && open.state.length === from)) return
    await Promise.all([...open.allSessions()].map(session => session.close()))
    await open.close()
  }

  /** The newest signature of a feed, as it is on disk; nothing, if the feed is empty. Nothing is opened. */
  async head({ feed }: FeedState): Promise<FeedHead | undefined> {
    try {
      const wanted = { auth: false, head: true, hints: false }
      const [info] = await this.#storage.getInfos([discoveryKeyOf(feed)], wanted)
      const head = info?.head
      if (!head || head.length === 0) return undefined
      const { length, signature } = head
      if (length === feed.prologue?.length) return { length, signature: NO_SIGNATURE }
      if (signature === null) return undefined
      if (feed.signers.length > 1) return { length, signature: plainBytes(signature) }
      return { length, signature: onlySignature(signature) }
    } catch (error) {
      throw this.failure(error)
    }
  }

  /** The tree of the first `length` blocks of a feed, which must be on disk. */
  async end(state: FeedState, length: number): Promise<FeedEnd> {
    const end = await this.#stored.end(state, length).catch(error => {
      throw this.failure(error)
    })
    if (end !== undefined) return end
    throw new Failure('data-folder-damaged', { process: state.feed.process }, { note: 'a feed in an older format' })
  }

  /** Blocks [from, to) that are on disk; undefined where one is not. */
  async read(state: FeedState, from: number, to: number): Promise<readonly (Uint8Array | undefined)[]> {
    const stored = await this.#stored.read(state, from, to).catch(error => {
      throw this.failure(error)
    })
    if (stored !== undefined) return stored
    return await this.#use(state, async core => {
      const reads: Promise<Uint8Array | null>[] = []
      for (let index = from; index < to; index++) reads.push(core.get(index, { wait: false }))
      const blocks = await Promise.all(reads)
      return blocks.map(block => (block === null ? undefined : plainBytes(block)))
    })
  }

  /** Nothing of this feed need be at hand any more. */
  forget(state: FeedState): void {
    this.#stored.forget(state)
  }

  /** A Hypercore of this node's own, outside of all processes. */
  async named(name: string): Promise<Hypercore> {
    const core = this.#store.get({ name, allowFork: false })
    await core.ready()
    forgetRecovery(core)
    return core
  }

  /** All feeds of processes that are on disk. */
  async *feeds(): AsyncIterable<FeedSpec> {
    for await (const discoveryKey of this.#store.list()) {
      const auth = await this.#storage.getAuth(discoveryKey)
      const feed = auth?.manifest ? feedOf(auth.manifest) : undefined
      if (feed !== undefined) yield feed
    }
  }

  /** Resolves when all that was appended survives power loss. @throws {Failure} `disk-full`, `disk-fault` */
  async sync(): Promise<void> {
    try {
      // Not `storage.flush()`: that flushes a column family in which nothing stands.
      await this.#storage.db.flush()
    } catch (error) {
      throw this.failure(error)
    }
  }

  /** Closes and opens everything: a RocksDB that failed once, for want of space, stays failed. Who reads meanwhile hears why. */
  async reopen(why: Failure): Promise<void> {
    this.#down = why
    await this.#closeAll().catch(() => undefined)
    const opened = await openStore(this.#parts.folder)
    this.#store = opened.store
    this.#storage = opened.storage
    this.#stored = storedFeeds(this.#parts, opened)
    this.#down = undefined
  }

  /** What to tell whoever met `error` at the feeds. */
  failure(error: unknown): Failure {
    return this.#down === undefined || Failure.is(error) ? diskFailure(error, 'feeds') : this.#down
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#closeAll()
  }

  async #closeAll(): Promise<void> {
    this.#open.clear()
    await closeStore({ store: this.#store, storage: this.#storage })
  }

  async #use<T>(state: FeedState, body: (core: Hypercore) => Promise<T>): Promise<T> {
    let open = this.#open.get(state.name)
    // Hypercore closes all sessions of a core of which it has seen two heads of one length.
    if (open === undefined || open.isClosed) open = new OpenFeed(this.#openCore(state))
    this.#open.delete(state.name)
    this.#open.set(state.name, open)
    open.users++
    try {
      if (this.#open.size > this.#parts.openMax) this.#closeOldest()
      return await body(await open.core)
    } catch (error) {
      if (open.failed && this.#open.get(state.name) === open) this.#open.delete(state.name)
      throw this.failure(error)
    } finally {
      open.users--
      // Whoever opened the Hypercore may keep it; without one, appending costs less.
      if (open.users === 0) this.#close(state.name, open)
      if (this.#open.size > this.#parts.openMax) this.#closeOldest()
    }
  }

  async #openCore(state: FeedState): Promise<Hypercore> {
    const manifest = manifestOf(state.feed)
    const core = this.#store.get({ key: Hypercore.key(manifest), manifest, allowFork: false })
    await core.ready()
    return core
  }

  #closeOldest(): void {
    for (const [name, open] of this.#open) {
      if (this.#open.size <= this.#parts.openMax) return
      if (open.users > 0) continue
      this.#close(name, open)
    }
  }

  #close(name: string, open: OpenFeed): void {
    if (this.#open.get(name) === open) this.#open.delete(name)
    open.core.then(closeSoon).catch(() => undefined)
  }

  async #readHeads(): Promise<void> {
    const asked = this.#asked
    this.#asked = []
    for (let at = 0; at < asked.length; at += HEADS_TOGETHER_MAX) {
      const some = asked.slice(at, at + HEADS_TOGETHER_MAX)
      try {
        const keys = some.map(({ state }) => discoveryKeyOf(state.feed))
        const infos = await this.#storage.getInfos(keys, { auth: false, head: true, hints: true })
        // The head of a feed of others may be ahead of its blocks.
        for (const [i, { state, resolve }] of some.entries())
          resolve(
            (isWritten(state, infos[i]?.head?.length) ? infos[i]?.head?.length : infos[i]?.hints?.contiguousLength) ??
              0,
          )
      } catch (error) {
        for (const { reject } of some) reject(this.failure(error))
      }
    }
  }
}

/** Whether its head says how far it is written: heads of others, and of prologues, may be ahead of their blocks. */
function isWritten(state: FeedState, headLength = 0): boolean {
  return state.own && !isInPrologue(state, headLength - 1)
}

const NO_SIGNATURE = new Uint8Array(0)

/** Corestore keeps a core that nobody uses for four rounds of two seconds; this one is at its last. */
async function closeSoon(core: Hypercore): Promise<void> {
  await core.close()
  if (core.core.gc > 0) core.core.gc = 3
}

function storedFeeds({ keyPair }: OpenFeedsParts, { store, storage }: OpenedStore): StoredFeeds {
  const isOpen = (discoveryKey: Uint8Array): boolean => store.cores.get(discoveryKey) !== null
  return new StoredFeeds({ storage, keyPair, isOpen })
}
