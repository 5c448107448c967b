/**
 * Feeds for ordinary Hypercores: whoever knows the key of a feed replicates it over any stream of bytes.
 *
 * 1. A Hypercore is opened when the other side shows that it knows the key, and closed when the last stream that wanted it
 *    has ended. Only feeds of processes are given; what else lies in the Corestore is not there for others.
 * 2. What waits for its Hypercore is brought first, and again each time the feed grows: the other side sees what readers see.
 * 3. Nothing is fetched over it: feeds of others are taken over elsewhere, under heads that were checked first.
 */
import NoiseSecretStream from '@hyperswarm/secret-stream'
import type { Duplex } from 'node:stream'
import Hypercore from 'hypercore'
import type { FeedSpec } from '../../protocol/index.ts'
import { feedOf, manifestOf } from './feed-manifest.ts'
import type { FeedState } from './feed-state.ts'
import type { FeedStates } from './feed-states.ts'
import type { GrowthWatchers } from './growth-watchers.ts'
import type { OpenFeeds } from './open-feeds.ts'
import type { WriteBehind } from './write-behind.ts'

/** Newest blocks that are pushed to those who allow it, when a feed has grown. */
const PUSHED_MAX = 64
/** Streams of which all feeds that they may ask for are open at once: an open Hypercore takes tens of kilobytes. */
const WHOLE_STREAMS_MAX = 4

export interface ReplicationParts {
  readonly feeds: OpenFeeds
  readonly states: FeedStates
  readonly behind: WriteBehind
  readonly watchers: GrowthWatchers
  /** How long a feed is that may not have been looked at. */
  readonly length: (state: FeedState) => Promise<number>
  /** Feeds that one stream may ask for. */
  readonly askedMax: number
}

/** A feed whose Hypercore is open for others. */
interface Shown {
  readonly state: FeedState
  readonly core: Hypercore
  streams: number
}

export class Replication implements AsyncDisposable {
  readonly #parts: ReplicationParts
  readonly #shown = new Map<string, Promise<Shown>>()
  readonly #streams = new Set<NoiseSecretStream>()
  readonly #watch: Disposable

  constructor(parts: ReplicationParts) {
    this.#parts = parts
    this.#watch = parts.watchers.add(({ feed, length, blocks }) => {
      if (this.#shown.size > 0) void this.#grew(feed, length - blocks.length, length).catch(() => undefined)
    })
  }

  /** Feeds that are open for others. */
  get count(): number {
    return this.#shown.size
  }

  /** Gives feeds to whoever opened `raw`, until it ends. */
  serve(raw: Duplex): void {
    const stream = new NoiseSecretStream(false, raw, { keepAlive: 0 })
    const names: string[] = []
    let asked = 0
    stream.on('error', () => undefined)
    this.#streams.add(stream)
    stream.on('close', () => {
      this.#streams.delete(stream)
      for (const name of names) void this.#leave(name)
    })
    Hypercore.createProtocolStream(stream, {
      keepAlive: false,
      ondiscoverykey: async discoveryKey => {
        // Whoever asks for more is answered no more, and cut.
        if (++asked > this.#parts.askedMax) return stream.destroy()
        const name = await this.#attach(stream, discoveryKey)
        if (name !== undefined) names.push(name)
        if (name !== undefined && stream.destroyed) void this.#leave(name)
      },
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watch[Symbol.dispose]()
    for (const stream of this.#streams) stream.destroy()
    await Promise.allSettled([...this.#shown.values()].map(async shown => (await shown).core.close()))
  }

  /** Attaches a stream to the Hypercore of a feed; gives the name of the feed, if there is one. */
  async #attach(stream: NoiseSecretStream, discoveryKey: Uint8Array): Promise<string | undefined> {
    const feed = (await this.#find(discoveryKey)) ?? (await this.#findLate(discoveryKey))
    if (feed === undefined || stream.destroyed) return undefined
    const state = this.#parts.states.of(feed)
    const isFull = this.#shown.size >= WHOLE_STREAMS_MAX * this.#parts.askedMax
    const showing = this.#shown.get(state.name) ?? (isFull ? undefined : this.#show(state))
    if (showing === undefined) return undefined
    this.#shown.set(state.name, showing)
    const shown = await showing
    shown.streams += 1
    shown.core.replicate(stream)
    return state.name
  }

  async #show(state: FeedState): Promise<Shown> {
    const { feeds, behind, length } = this.#parts
    state.users++
    await length(state)
    await behind.bring(state)
    const manifest = manifestOf(state.feed)
    const core = feeds.corestore.get({
      key: Hypercore.key(manifest),
      manifest,
      allowFork: false,
      eagerUpgrade: false,
      active: false,
    })
    await core.ready()
    return { state, core, streams: 0 }
  }

  async #leave(name: string): Promise<void> {
    const shown = await this.#shown.get(name)
    if (shown === undefined || --shown.streams > 0) return
    this.#shown.delete(name)
    shown.state.users--
    await shown.core.close()
  }

  async #find(discoveryKey: Uint8Array): Promise<FeedSpec | undefined> {
    const auth = await this.#parts.feeds.storage.getAuth(discoveryKey)
    return auth?.manifest ? feedOf(auth.manifest) : undefined
  }

  /** A feed that is younger than the last round of appends is not on disk yet. */
  async #findLate(discoveryKey: Uint8Array): Promise<FeedSpec | undefined> {
    if (this.#parts.behind.bytes === 0) return undefined
    await this.#parts.behind.drain()
    return this.#find(discoveryKey)
  }

  async #grew(feed: FeedSpec, from: number, to: number): Promise<void> {
    const state = this.#parts.states.of(feed)
    const showing = this.#shown.get(state.name)
    if (showing === undefined) return
    const { core } = await showing
    await this.#parts.behind.bring(state)
    for (let index = Math.max(from, to - PUSHED_MAX); index < to; index++) await core.core.replicator.push(index)
  }
}
