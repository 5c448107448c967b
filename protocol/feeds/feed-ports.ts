import type { KeyId } from '../ids.ts'
import type { FeedConflict, FeedSpec, SignedBlocks, SignedPrefix } from './log-port.ts'
import type { CallOptions } from '../ports.ts'

/** A node from which feeds are followed. It is not believed: whoever takes what it gives checks it. */
export interface FeedLink {
  readonly peer: KeyId
  /**
   * From now on its blocks from `from` on come to `taken`, in order, one piece after the other: at once what it has, and
   * what comes later as it comes. What is not taken yet holds up the other side, not this one. Disposing ends it; so does
   * the other side by `left`, if it cannot give the feed any more.
   */
  follow(feed: FeedSpec, from: number, taken: (piece: SignedBlocks) => Promise<void>, left?: () => void): Disposable
  /** The tree of the first `length` blocks of a feed that is followed, as it has it. @throws {Failure} `unreachable`, `timeout` */
  show(feed: FeedSpec, length: number, options?: CallOptions): Promise<SignedPrefix | undefined>
  /** Resolves when it is over. */
  readonly closed: Promise<void>
  close(): void
}

/** Reaches nodes for their feeds. */
export interface FeedLinks {
  /** The link to a node; one is opened if there is none. @throws {Failure} `unreachable`, `timeout` */
  open(peer: KeyId): Promise<FeedLink>
}

/** Looks at what signers of feeds have signed. */
export interface HeadWatch {
  /** Two feeds of one key were seen; nothing more of it is taken. */
  conflict(conflict: FeedConflict, from: KeyId): void
}
