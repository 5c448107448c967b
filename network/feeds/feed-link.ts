import {
  type CallOptions,
  Failure,
  FEED_PENDING_MAX_BYTES,
  FEED_SHOW_MAX_MS,
  type FeedLink,
  type FeedSpec,
  feedName,
  type KeyId,
  MalformedBytes,
  type SignedBlocks,
  type SignedPrefix,
} from '../../protocol/index.ts'
import type { FrameChannel, OpenChannel } from './frame-channel.ts'
import { decodeSourceFrame, encodeFollowerFrame } from './heads-frame.ts'

/** What a block takes beside its bytes while it is held: there may be blocks without any. */
const BLOCK_HELD_BYTES = 128

interface Followed {
  readonly number: number
  readonly name: string
  readonly taken: (piece: SignedBlocks) => Promise<void>
  readonly left: (() => void) | undefined
  /** Pieces that came, one after the other. */
  turn: Promise<void>
  /** Those who asked for a prefix, in order. */
  readonly asked: {
    readonly answer: (prefix: SignedPrefix | undefined) => void
    readonly gone: () => void
  }[]
}

export interface FeedLinkParts {
  readonly peer: KeyId
  /** The other side said what no node would. */
  readonly offence: (what: string) => void
  /** `FEED_PENDING_MAX_BYTES`, if not given. */
  readonly pendingMaxBytes?: number | undefined
}

/** The feeds of one node that are followed here, over one channel. */
export class PeerFeeds implements FeedLink {
  readonly peer: KeyId
  readonly closed: Promise<void>
  readonly #channel: FrameChannel
  readonly #byNumber = new Map<number, Followed>()
  readonly #byName = new Map<string, Followed>()
  readonly #offence: (what: string) => void
  readonly #pendingMax: number
  #next = 0
  #pending = 0
  /** Prefixes that are waited for: their answers come over this channel, behind the pieces. */
  #asking = 0
  /** What waited when the first of them was asked for. */
  #heldWhenAsked = 0
  #paused = false
  #over = false

  constructor(open: OpenChannel, { peer, offence, pendingMaxBytes = FEED_PENDING_MAX_BYTES }: FeedLinkParts) {
    this.peer = peer
    this.#pendingMax = pendingMaxBytes
    this.#offence = offence
    const { promise, resolve } = Promise.withResolvers<void>()
    this.closed = promise
    this.#channel = open({
      frame: bytes => this.#take(bytes),
      written: () => undefined,
      ended: () => {
        this.#over = true
        for (const { asked } of this.#byNumber.values()) for (const { gone } of asked) gone()
        this.#byNumber.clear()
        this.#byName.clear()
        resolve()
      },
    })
  }

  get isOpen(): boolean {
    return !this.#over
  }

  follow(feed: FeedSpec, from: number, taken: (piece: SignedBlocks) => Promise<void>, left?: () => void): Disposable {
    const name = feedName(feed)
    if (this.#byName.has(name)) throw new TypeError('a feed is followed once over each link')
    const number = this.#next++
    const followed: Followed = { number, name, taken, left, turn: Promise.resolve(), asked: [] }
    if (!this.#over) {
      this.#byNumber.set(number, followed)
      this.#byName.set(name, followed)
      this.#channel.send(encodeFollowerFrame({ kind: 'follow', number, feed, from }))
    }
    return {
      [Symbol.dispose]: () => {
        if (this.#forget(followed)) this.#channel.send(encodeFollowerFrame({ kind: 'leave', number }))
      },
    }
  }

  #forget(followed: Followed): boolean {
    if (!this.#byNumber.delete(followed.number)) return false
    this.#byName.delete(followed.name)
    for (const { gone } of followed.asked) gone()
    return true
  }

  async show(
    feed: FeedSpec,
    length: number,
    { signal, timeoutMs = FEED_SHOW_MAX_MS }: CallOptions = {},
  ): Promise<SignedPrefix | undefined> {
    const followed = this.#byName.get(feedName(feed))
    if (followed === undefined) throw new Failure('unreachable', { peer: this.peer })
    const { promise, resolve, reject } = Promise.withResolvers<SignedPrefix | undefined>()
    // Whoever was cut off has not said that it has nothing.
    followed.asked.push({
      answer: resolve,
      gone: () => reject(new Failure('unreachable', { peer: this.peer })),
    })
    this.#channel.send(encodeFollowerFrame({ kind: 'show', number: followed.number, length }))
    // Whoever takes a piece may be the one who asks: what is paused for that piece goes on until there is an answer.
    if (this.#asking === 0) this.#heldWhenAsked = this.#pending
    this.#asking += 1
    this.#flow()
    const late = AbortSignal.timeout(timeoutMs)
    const ends = signal === undefined ? late : AbortSignal.any([signal, late])
    const end = (): void => reject(new Failure(late.aborted ? 'timeout' : 'aborted', { peer: this.peer }))
    ends.addEventListener('abort', end, { once: true })
    try {
      return await promise
    } finally {
      ends.removeEventListener('abort', end)
      this.#asking -= 1
      this.#flow()
    }
  }

  close(): void {
    this.#channel.end()
  }

  #take(bytes: Uint8Array): void {
    let frame: ReturnType<typeof decodeSourceFrame>
    try {
      frame = decodeSourceFrame(bytes)
    } catch (error) {
      if (error instanceof MalformedBytes) this.#offence(error.message)
      throw error
    }
    const followed = this.#byNumber.get(frame.number)
    // Left meanwhile: what was on its way comes all the same.
    if (followed === undefined) return
    if (frame.kind === 'shown') return followed.asked.shift()?.answer(frame.prefix)
    if (frame.kind === 'left') {
      this.#forget(followed)
      // After what came before.
      void followed.turn.then(followed.left)
      return
    }
    const { piece } = frame
    const held = bytes.length + piece.blocks.length * BLOCK_HELD_BYTES
    this.#hold(held)
    followed.turn = followed.turn
      .then(() => (this.#byNumber.get(followed.number) === followed ? followed.taken(piece) : undefined))
      .catch(() => undefined)
      .then(() => this.#hold(-held))
  }

  /** What pieces take that came and are not taken yet. */
  #hold(bytes: number): void {
    this.#pending += bytes
    if (this.#asking > 0 && this.#pending > this.#limit) {
      // It sends and sends and does not answer: of such a source nothing is known.
      for (const { asked } of this.#byNumber.values()) for (const { gone } of asked) gone()
    }
    this.#flow()
  }

  /** What may wait: as much again while an answer is waited for. */
  get #limit(): number {
    return this.#pendingMax + (this.#asking > 0 ? this.#heldWhenAsked : 0)
  }

  /** Reads on or not. */
  #flow(): void {
    if (!this.#paused && this.#pending > this.#limit) {
      this.#paused = true
      this.#channel.pause()
    } else if (this.#paused && this.#pending < (this.#asking > 0 ? this.#limit : this.#pendingMax / 2)) {
      this.#paused = false
      this.#channel.resume()
    }
  }
}
