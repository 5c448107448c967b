/**
 * Feeds of this node for one that follows them, over one channel.
 *
 * 1. For each feed that is followed stands how far it was sent. What is sent is read from the log when its turn comes, so a
 *    follower that is slow costs this node one number a feed, however far it is behind.
 * 2. A feed takes its turn when it has grown, one piece a turn: a long past does not hold up what is new elsewhere.
 * 3. Nothing is read while too much waits to be taken by the other side.
 * 4. A follower waits in silence. So whoever cannot be given a feed any more is told.
 */
import { Failure, type FeedGrowth, type FeedSpec, feedName, type Log, MalformedBytes } from '../../protocol/index.ts'
import {
  FEED_PIECE_BLOCKS_MAX,
  FEED_PIECE_BYTES,
  FEED_READS_MAX,
  FEED_WAITING_MAX_BYTES,
  FEEDS_FOLLOWED_MAX,
} from '../../protocol/index.ts'
import type { Share } from '../links/fair-share.ts'
import type { FrameChannel, OpenChannel } from './frame-channel.ts'
import { decodeFollowerFrame, encodeSourceFrame, type FollowerFrame } from './heads-frame.ts'

/** Lengths and prefixes that are looked up at once for one follower. */
const LOOKUPS_MAX = 64
const PIECE = { bytes: FEED_PIECE_BYTES, blocks: FEED_PIECE_BLOCKS_MAX }

/** A feed as one follower has it. */
interface Followed {
  readonly number: number
  /** Of the frame that named it. */
  readonly frameBytes: number
  readonly feed: FeedSpec
  readonly name: string
  /** Once there is something of it here: names cost nothing, and the log holds few. */
  held: Disposable | undefined
  /** Blocks that were sent, or that it had before. */
  sent: number
  /** Blocks that are known to be here. */
  length: number
  state: 'quiet' | 'in line' | 'at work'
}

export interface FeedSourceParts {
  readonly log: Pick<Log, 'hold' | 'length' | 'signed' | 'prefix'>
  /** Room for what followers name. */
  readonly room: Share
  /** The other side said what no follower would. */
  readonly offence: (what: string) => void
  readonly ended: () => void
}

export class FeedSource {
  readonly #parts: FeedSourceParts
  readonly #channel: FrameChannel
  readonly #byNumber = new Map<number, Followed>()
  readonly #byName = new Map<string, Followed>()
  #line: Followed[] = []
  #reading = 0
  /** Lengths and prefixes that are being looked up. */
  #lookups = 0
  #paused = false
  #over = false

  constructor(open: OpenChannel, parts: FeedSourceParts) {
    this.#parts = parts
    this.#channel = open({
      frame: bytes => this.#take(bytes),
      written: () => {
        this.#pump()
        this.#brake()
      },
      ended: () => {
        this.#over = true
        this.#line = []
        for (const { held } of this.#byNumber.values()) held?.[Symbol.dispose]()
        this.#byNumber.clear()
        this.#byName.clear()
        parts.room.close()
        parts.ended()
      },
    })
  }

  /** Feeds that are followed. */
  get count(): number {
    return this.#byNumber.size
  }

  /** A feed has grown, `name` being its name. */
  grew(name: string, { length }: FeedGrowth): void {
    const followed = this.#byName.get(name)
    if (followed !== undefined) this.#isAt(followed, length)
  }

  close(): void {
    this.#channel.end()
  }

  #take(bytes: Uint8Array): void {
    try {
      this.#carryOut(decodeFollowerFrame(bytes), bytes.length)
      this.#brake()
    } catch (error) {
      if (error instanceof MalformedBytes || Failure.is(error)) this.#parts.offence(error.message)
      throw error
    }
  }

  #carryOut(frame: FollowerFrame, frameBytes: number): void {
    switch (frame.kind) {
      case 'follow':
        return this.#follow(frame, frameBytes)
      case 'leave':
        return this.#leave(frame.number)
      case 'show':
        void this.#show(frame.number, frame.length)
    }
  }

  #follow({ number, feed, from }: Extract<FollowerFrame, { kind: 'follow' }>, frameBytes: number): void {
    const name = feedName(feed)
    if (this.#byNumber.has(number) || this.#byName.has(name) || this.#byNumber.size >= FEEDS_FOLLOWED_MAX)
      throw new Failure('malformed-request', { number }, { note: 'followed already, or too many' })
    if (!this.#parts.room.take(frameBytes)) return this.#channel.send(encodeSourceFrame({ kind: 'left', number }))
    const length = from
    const followed: Followed = { number, frameBytes, feed, name, held: undefined, sent: from, length, state: 'quiet' }
    this.#byNumber.set(number, followed)
    this.#byName.set(name, followed)
    void this.#lookUp(this.#parts.log.length(feed)).then(
      found => this.#isAt(followed, found),
      () => this.#giveUp(followed),
    )
  }

  /** So many blocks of a feed are here. */
  #isAt(followed: Followed, length: number): void {
    if (this.#byNumber.get(followed.number) !== followed) return
    if (length > 0) followed.held ??= this.#parts.log.hold(followed.feed)
    followed.length = Math.max(followed.length, length)
    this.#queue(followed)
  }

  #leave(number: number): void {
    const followed = this.#byNumber.get(number)
    if (followed === undefined) return
    this.#byNumber.delete(number)
    this.#byName.delete(followed.name)
    followed.held?.[Symbol.dispose]()
    this.#parts.room.give(followed.frameBytes)
  }

  /** A feed that cannot be read here is followed elsewhere. */
  #giveUp(followed: Followed): void {
    if (this.#over || this.#byNumber.get(followed.number) !== followed) return
    this.#leave(followed.number)
    this.#channel.send(encodeSourceFrame({ kind: 'left', number: followed.number }))
  }

  async #show(number: number, length: number): Promise<void> {
    const followed = this.#byNumber.get(number)
    const prefix =
      followed && (await this.#lookUp(this.#parts.log.prefix(followed.feed, length)).catch(() => undefined))
    if (!this.#over) this.#channel.send(encodeSourceFrame({ kind: 'shown', number, prefix }))
  }

  async #lookUp<T>(looking: Promise<T>): Promise<T> {
    this.#lookups += 1
    try {
      return await looking
    } finally {
      this.#lookups -= 1
      this.#brake()
    }
  }

  /** A follower that asks faster than it takes the answers, or than they are found, is not read meanwhile. */
  #brake(): void {
    const isTooMuch = this.#lookups > LOOKUPS_MAX || this.#channel.waitingBytes > FEED_WAITING_MAX_BYTES
    if (isTooMuch === this.#paused || this.#over) return
    this.#paused = isTooMuch
    if (isTooMuch) this.#channel.pause()
    else this.#channel.resume()
  }

  #queue(followed: Followed): void {
    if (followed.state !== 'quiet' || followed.length <= followed.sent) return
    if (this.#byNumber.get(followed.number) !== followed) return
    followed.state = 'in line'
    this.#line.push(followed)
    this.#pump()
  }

  #pump(): void {
    while (this.#reading < FEED_READS_MAX && this.#channel.waitingBytes < FEED_WAITING_MAX_BYTES) {
      const next = this.#line.shift()
      if (next === undefined) return
      // Left meanwhile: nothing is read for nobody.
      if (this.#byNumber.get(next.number) !== next) continue
      this.#reading += 1
      next.state = 'at work'
      void this.#send(next)
    }
  }

  async #send(followed: Followed): Promise<void> {
    try {
      const { length } = followed
      const piece = await this.#parts.log.signed(followed.feed, followed.sent, PIECE)
      if (piece === undefined) {
        // Unless it has grown meanwhile, nothing of it is proven yet: it takes its turn when it grows.
        if (followed.length === length) followed.length = followed.sent
      } else if (this.#byNumber.get(followed.number) === followed) {
        this.#channel.send(encodeSourceFrame({ kind: 'piece', number: followed.number, piece }))
        followed.sent += piece.blocks.length
      }
    } catch {
      this.#giveUp(followed)
    } finally {
      this.#reading -= 1
      followed.state = 'quiet'
      this.#queue(followed)
      this.#pump()
    }
  }
}
