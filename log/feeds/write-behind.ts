import type { Failure } from '../../protocol/index.ts'
import { diskFailure } from '../disk-failure.ts'
import { type FeedState, freeze, isInPrologue, signsAlone, type TailBlock, visibleLength } from './feed-state.ts'
import type { OpenFeeds } from './open-feeds.ts'
import { packedEnd } from './packed-blocks.ts'

/**
 * Feeds that are appended to at once: their reads and writes share calls to RocksDB. Heads of all of them are signed in one turn of the loop, and
 * whoever waits for a message meanwhile waits for that, too: with 128 it took eight milliseconds.
 */
const FEEDS_AT_ONCE = 16
/**
 * Blocks that are on their way at once: what is made of them lives until they are written, and much of it together
 * would grow old in the heap.
 */
const BLOCKS_AT_ONCE = 256
/** Blocks of one append; Hypercore's price is per append. */
const BLOCKS_TOGETHER_MAX = 1024
const BYTES_TOGETHER_MAX = 4 * 1024 * 1024
/**
 * How long blocks gather before they are appended: they are durable and readable already, and an append of many
 * costs hardly more than one of a single block.
 */
const LINGER_MS = 1000
/** Bytes that wait, above which nothing lingers. */
const LINGER_MAX_BYTES = 8 * 1024 * 1024
/** Pause before feeds that failed are opened anew. */
const REOPEN_PAUSE_MS = 500

export interface WriteBehindParts {
  readonly feeds: OpenFeeds
  readonly maxBytes: number
  /** Resolves when the store has on disk what it was given before now. */
  readonly stored: () => Promise<void>
  /** Blocks of that segment of the journal are in their Hypercore now. */
  readonly onAppended: (generation: number, blocks: number) => void
  /** A Hypercore does not take these blocks, from `from` on, and never will. */
  readonly onLeft: (state: FeedState, from: number, blocks: readonly TailBlock[]) => void
  /** Closed and opened anew after a failed disk. */
  readonly onReopened: () => Promise<void>
}

/** Brings the tails of feeds into their Hypercores, several blocks at a time. */
export class WriteBehind implements AsyncDisposable {
  readonly #parts: WriteBehindParts
  /** Feeds with a tail that gathers. */
  readonly #dirty = new Set<FeedState>()
  /** Feeds of the round that is under way: what comes to them meanwhile gathers for the next one. */
  readonly #round = new Set<FeedState>()
  #running = 0
  /** Blocks of the appends that are running. */
  #underWay = 0
  #bytes = 0
  #failure: Failure | undefined
  #timer: NodeJS.Timeout | undefined
  /** Resolves when feeds are open anew, or are not. */
  #opening: Promise<void> | undefined
  #waiting: (() => void)[] = []
  #lingering: NodeJS.Timeout | undefined
  #draining = 0
  #closed = false

  constructor(parts: WriteBehindParts) {
    this.#parts = parts
  }

  /** Bytes that wait. */
  get bytes(): number {
    return this.#bytes
  }

  /** Why feeds are not reaching the disk, if they are not. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  /** Puts blocks at the end of a feed; readers see them at once. */
  add(state: FeedState, block: TailBlock): void {
    state.tail.push(block)
    if (state.unwritable) return this.#parts.onLeft(state, state.stored + state.tail.length - 1, [block])
    this.#bytes += block.bytes.length
    this.#dirty.add(state)
    this.#linger()
  }

  get hasRoom(): boolean {
    return this.#bytes <= this.#parts.maxBytes
  }

  /** Resolves once less waits than the bound. @throws {Failure} what keeps feeds from the disk */
  async room(): Promise<void> {
    while (this.#bytes > this.#parts.maxBytes) {
      if (this.#failure !== undefined) throw this.#failure
      await this.#change()
    }
  }

  /** Resolves when nothing waits. @throws {Failure} what keeps feeds from the disk */
  async drain(): Promise<void> {
    this.#draining++
    try {
      this.#begin()
      while (this.#dirty.size > 0 || this.#round.size > 0 || this.#running > 0) {
        if (this.#failure !== undefined && this.#running === 0) throw this.#failure
        await this.#change()
      }
    } finally {
      this.#draining--
    }
  }

  /** Resolves when nothing of one feed waits. @throws {Failure} what keeps it from the disk */
  async bring(state: FeedState): Promise<void> {
    while (state.tail.length > 0 || state.appending) {
      if (state.unwritable) return
      if (this.#failure !== undefined) throw this.#failure
      if (state.appending) await this.#change()
      else this.#take(state)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.drain()
    } finally {
      this.#closed = true
      clearTimeout(this.#timer)
      clearTimeout(this.#lingering)
      this.#wake()
      // Else they would be open when whoever closes them has done so.
      await this.#opening
    }
  }

  #change(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  /** Sees to it that what gathers is appended, soon or, if there is no hurry, once more has come. */
  #linger(): void {
    if (this.#round.size > 0) return
    if (this.#bytes > LINGER_MAX_BYTES || this.#draining > 0) this.#begin()
    else this.#lingering ??= setTimeout(() => this.#begin(), LINGER_MS)
  }

  /** Begins a round of all feeds that have something now. */
  #begin(): void {
    clearTimeout(this.#lingering)
    this.#lingering = undefined
    for (const state of this.#dirty) this.#round.add(state)
    this.#dirty.clear()
    this.#pump()
  }

  #pump(): void {
    if (this.#failure !== undefined || this.#closed) return
    for (const state of this.#round) {
      if (this.#running >= FEEDS_AT_ONCE || this.#underWay >= BLOCKS_AT_ONCE) return
      this.#round.delete(state)
      if (!state.appending && state.tail.length > 0) this.#take(state)
    }
    if (this.#dirty.size > 0) this.#linger()
  }

  #take(state: FeedState): void {
    this.#running++
    state.appending = true
    void this.#append(state)
  }

  async #append(state: FeedState): Promise<void> {
    const blocks = take(state)
    this.#underWay += blocks.length
    try {
      // Certificates say that what the frames left behind is known; after a crash nobody looks for that again. A store that fails is
      // no reason to hold up feeds.
      if (state.feed.kind === 'results') await this.#parts.stored().catch(ignore)
      await this.#parts.feeds.append(
        state,
        state.stored,
        blocks.map(({ bytes }) => bytes),
        blocks.at(-1)?.proof,
      )
      this.#settle(state, blocks)
    } catch (error) {
      this.#fail(state, diskFailure(error, 'feeds'))
    } finally {
      this.#running--
      this.#underWay -= blocks.length
      state.appending = false
      if (state.tail.length > 0 && !state.unwritable) this.#dirty.add(state)
      this.#pump()
      this.#wake()
    }
  }

  #settle(state: FeedState, blocks: readonly TailBlock[]): void {
    state.stored += blocks.length
    state.tail.splice(0, blocks.length)
    let [run, generation] = [0, blocks[0]?.generation ?? 0]
    for (const block of blocks) {
      this.#bytes -= block.bytes.length
      if (block.generation !== generation) {
        this.#parts.onAppended(generation, run)
        run = 0
        generation = block.generation
      }
      run++
    }
    this.#parts.onAppended(generation, run)
  }

  #fail(state: FeedState, failure: Failure): void {
    if (failure.code === 'feed-frozen') {
      freeze(state, failure, visibleLength(state))
      state.unwritable = true
      // What stands in the journal stays there; it must not hold up the other feeds.
      for (const block of state.tail) this.#bytes -= block.bytes.length
      return this.#parts.onLeft(state, state.stored, [...state.tail])
    }
    this.#failure = failure
    this.#reopenSoon(failure)
  }

  #reopenSoon(why: Failure): void {
    if (this.#closed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#opening = this.#reopen(why)
    }, REOPEN_PAUSE_MS)
  }

  async #reopen(why: Failure): Promise<void> {
    try {
      while (this.#running > 0) await this.#change()
      await this.#parts.feeds.reopen(why)
      await this.#parts.onReopened()
      this.#failure = undefined
      this.#begin()
    } catch {
      this.#reopenSoon(why)
    }
  }
}

const ignore = (): void => undefined

/** Blocks of one append. Where heads come with the blocks, it ends with one that has one; else with those that fill a pack, if one is full. */
function take(state: FeedState): readonly TailBlock[] {
  let [bytes, count, end] = [0, 0, 0]
  for (const block of state.tail) {
    bytes += block.bytes.length
    if (end > 0 && (bytes > BYTES_TOGETHER_MAX || count >= BLOCKS_TOGETHER_MAX)) break
    count++
    const isSignedHere = signsAlone(state) && !isInPrologue(state, state.stored + count - 1)
    if (isSignedHere || block.proof !== undefined) end = count
  }
  const whole = packedEnd(state.stored, state.stored + end)
  const isSignedThere = signsAlone(state) && !isInPrologue(state, whole - 1)
  return state.tail.slice(0, isSignedThere ? whole - state.stored : end)
}
