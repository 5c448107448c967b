import type { Commitment } from './commitment.ts'
import type { DataItem } from '../items/data-item.ts'
import type { Failure } from '../failures/failure.ts'
import type { FeedTrees } from './feed-inclusion.ts'
import type { MessageId, ModuleId, ProcessId, Slot, KeyId } from '../ids.ts'
import type { ModuleDescription, ProcessDescription } from '../process/process.ts'

/** Names a feed and fixes its key: the manifest is made of nothing else. */
export interface FeedSpec {
  /** `votes`: what one of several schedulers has promised and accepted for a message feed, for itself alone. */
  readonly kind: 'messages' | 'results' | 'votes'
  readonly process: ProcessId
  readonly epoch: number
  readonly signers: readonly KeyId[]
  readonly quorum: number
  /** How it begins, if its first blocks are those of an earlier feed: its key commits to them, nobody signs them again. */
  readonly prologue?: FeedPrologue | undefined
}

/** The first blocks of a feed, said beforehand. */
export interface FeedPrologue {
  readonly length: number
  /** Tree hash of these blocks, 32 bytes. */
  readonly hash: Uint8Array
}

/** What the signers of a feed signed: its first `length` blocks, in this order, and no others. */
export interface FeedHead {
  readonly length: number
  /** Of the one signer, 64 bytes; of several, see multi-signature.ts. Empty at the end of a prologue, which nobody signs. */
  readonly signature: Uint8Array
}

/** Blocks side by side in a feed, as its tree sees them: a power of two of them, from a multiple of that number on. */
export interface FeedSubtree {
  readonly leaves: number
  readonly sizeBytes: number
  readonly hash: Uint8Array
}

/** How much of a feed may be in one piece, as whoever takes it allows. */
export interface PieceBounds {
  /** About; one block alone may be larger. */
  readonly bytes: number
  readonly blocks: number
}

/** Blocks of a feed from `from` on, with a head that covers them and the subtrees that stand between them and its end. */
export interface SignedBlocks {
  readonly from: number
  readonly blocks: readonly Uint8Array[]
  readonly head: FeedHead
  readonly rest: readonly FeedSubtree[]
}

/** The tree of the first `length` blocks of a feed, with a head that covers it: what its signer cannot take back. */
export interface SignedPrefix {
  readonly length: number
  readonly roots: readonly FeedSubtree[]
  readonly head: FeedHead
  readonly rest: readonly FeedSubtree[]
}

/** Two prefixes of one length that the signers of a feed signed, and that differ: they have two feeds of one key. */
export interface FeedConflict {
  readonly feed: FeedSpec
  readonly held: SignedPrefix
  readonly seen: SignedPrefix
}

/** What became of blocks that were to be taken over. `length`: blocks that are held now. */
export type TakeAnswer =
  | { readonly status: 'taken'; readonly length: number }
  /** They do not begin at or before the end of what is held. */
  | { readonly status: 'gap'; readonly length: number }
  /** Their head does not hold for them and what is held: nothing was kept. */
  | { readonly status: 'unproven'; readonly length: number }
  /** Their head holds, and contradicts what is held: nothing is taken any more. */
  | { readonly status: 'conflict'; readonly length: number; readonly conflict: FeedConflict }

/** A feed has grown by `blocks`, and has `length` now. */
export interface FeedGrowth {
  readonly feed: FeedSpec
  readonly length: number
  readonly blocks: readonly Uint8Array[]
}

/** A block to be added at `index`, which is the feed's present length. */
export interface NewBlock {
  readonly feed: FeedSpec
  readonly index: number
  readonly bytes: Uint8Array
  /** Ids of the messages in this frame, in slot order, for the message index. */
  readonly ids: readonly MessageId[]
  readonly firstSlot: Slot
  /** The signatures over the feed up to and with this block, where it takes several; the last block of a commit has them. */
  readonly signature?: Uint8Array | undefined
}

/** All feeds of a node, and what is derived from them. */
export interface Log extends AsyncDisposable {
  /**
   * Makes blocks of feeds of messages or votes durable, in order; concurrent calls share one fdatasync. When it resolves
   * the blocks survive power loss and are readable; they reach their Hypercores a little later. `commitment` is told how far it
   * has come; what it builds on becomes durable with it or before.
   * @throws {Failure} `disk-full`, `feed-frozen`; `busy` if what it builds on did not become durable
   */
  commit(blocks: readonly NewBlock[], commitment?: Commitment): Promise<void>
  /**
   * Adds blocks to a results feed from `index` on; blocks that are there already must be equal.
   * Not journalled: they can be made again.
   * @throws {Failure} `feed-frozen`
   */
  append(feed: FeedSpec, index: number, blocks: readonly Uint8Array[]): Promise<void>
  /** Blocks that a reader of this log can see, journalled ones included. */
  length(feed: FeedSpec): Promise<number>
  /** One block, or nothing if the feed is shorter. */
  block(feed: FeedSpec, index: number): Promise<Uint8Array | undefined>
  /** Blocks [from, to), or up to the present length. */
  blocks(feed: FeedSpec, from: number, to?: number): AsyncIterable<Uint8Array>
  /** The newest head of a feed that this node signs or holds; nothing, if it has none. */
  head(feed: FeedSpec): Promise<FeedHead | undefined>
  /**
   * Takes over blocks of a feed that others sign, or of the prologue of any. Nothing is kept that a signed head does not cover; what is held already
   * must be equal. They survive the end of the program at once, and power loss a little later: they can be had again.
   * @throws {Failure} `feed-frozen` once a conflict was seen
   */
  take(feed: FeedSpec, piece: SignedBlocks): Promise<TakeAnswer>
  /** Resolves when all that was taken over so far survives power loss, too. @throws {Failure} `disk-full` */
  sync(): Promise<void>
  /** Blocks from `from` on, one at least, with their proof; nothing, if there are none. */
  signed(feed: FeedSpec, from: number, bounds: PieceBounds): Promise<SignedBlocks | undefined>
  /** The tree of the first `length` blocks, or of those that were hashed already, with its proof; nothing, if fewer are held. */
  prefix(feed: FeedSpec, length?: number): Promise<SignedPrefix | undefined>
  /**
   * Compares a prefix that somebody showed with what is held. A conflict, if both are signed and differ: nothing is
   * taken any more. Nothing, if they agree, if it proves nothing, or if less is held.
   */
  compare(feed: FeedSpec, seen: SignedPrefix): Promise<FeedConflict | undefined>
  /**
   * Nothing is taken or written any more, for the reason given, and only the first `length` blocks are read; idempotent, and
   * the shortest length counts. Forgotten at the end of the program: whoever knows why says it again.
   */
  freeze(feed: FeedSpec, length: number, why: Failure): void
  /** Keeps at hand where a feed ends, be it one of ever so many, until that is disposed: it is about to grow again and again. */
  hold(feed: FeedSpec): Disposable
  /** Tells of all growth of feeds, taken over or written here, once readers see it. */
  watch(grew: (growth: FeedGrowth) => void): Disposable
  /** The Hypercore key of a feed; nothing is opened. */
  feedKey(feed: FeedSpec): Uint8Array
  /** Blocks of message feeds that the journal still held when this log was opened, oldest first. */
  readonly recovered: readonly NewBlock[]
  /** All have looked at `recovered`, which may be as large as the journal: it is empty from now on. */
  forgetRecovered?(): void
  readonly trees: FeedTrees
  /** Its folder is a copy that may miss what was acknowledged later: others are asked before anything is committed. */
  readonly restored?: boolean | undefined
  readonly messages: MessageIndex
  readonly directory: Directory
  readonly store: Store
}

/** Where messages stand. A cache of the feeds: filled by `commit`, repaired from the journal at boot. */
export interface MessageIndex {
  /** The first slot of `process` in which message `id` stands. */
  slotOf(process: ProcessId, id: MessageId): Promise<Slot | undefined>
  /** Whether it certainly stands nowhere in `process`, if that can be told without a wait. */
  lacks(process: ProcessId, id: MessageId): boolean
  /** Answers many questions about one process at once, in order. */
  slotsOf(process: ProcessId, ids: readonly MessageId[]): Promise<readonly (Slot | undefined)[]>
  /** These messages stand in that process no more, those excepted that stand in another slot than is named here. */
  forget(process: ProcessId, places: ReadonlyMap<MessageId, Slot>): Promise<void>
  /** Every place in which message `id` stands. */
  placesOf(id: MessageId): Promise<readonly { process: ProcessId; slot: Slot }[]>
}

/** Processes and modules this node knows. */
export interface Directory {
  /** Adds a process by the encoded envelope of its slot 0. Idempotent. */
  addProcess(description: ProcessDescription, spawnEnvelope: Uint8Array): Promise<void>
  /** Resolves when these processes, as far as they were added, survive the end of the program. @throws {Failure} `disk-full`, `disk-fault` */
  written(processes: readonly ProcessId[]): Promise<void>
  process(id: ProcessId): Promise<ProcessDescription | undefined>
  /** The same if it is at hand; nothing if it takes a wait, or there is none. */
  processAtHand(id: ProcessId): ProcessDescription | undefined
  /** Adds the signed item of the next epoch of a process; durable, and in force, when it resolves. Who adds it has checked it. */
  addEpoch(process: ProcessId, item: Uint8Array): Promise<void>
  /** The signed items of all its epochs, that of epoch 1 first. */
  epochItems(process: ProcessId): readonly Uint8Array[]
  /** Processes that were handed over. */
  readonly handedOver: readonly ProcessId[]
  /** The encoded envelope of slot 0. */
  spawnEnvelope(id: ProcessId): Promise<Uint8Array | undefined>
  /** Processes in order of their ids, after `after`. */
  processes(options: { after?: ProcessId | undefined; limit: number }): Promise<readonly ProcessDescription[]>
  /** Adds a module by its signed item. Idempotent. */
  addModule(item: DataItem): Promise<ModuleDescription>
  module(id: ModuleId): Promise<ModuleDescription | undefined>
  /** The signed item of a module. */
  moduleItem(id: ModuleId): Promise<Uint8Array | undefined>
  modules(options: { after?: ModuleId | undefined; limit: number }): Promise<readonly Omit<ModuleDescription, 'wasm'>[]>
}

/** One change of the store; a value of undefined deletes. */
export interface StoreChange {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Ordered key-value pairs on disk, for caches and indexes. Keys begin with the name of their room. */
export interface Store {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  getMany(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]>
  /**
   * Visible to reads at once; on disk, in order and in batches, a little later; bounded. The bytes are the store's from now on:
   * nobody changes them any more.
   */
  write(changes: readonly StoreChange[]): void
  /** Resolves when all writes so far are with the database (not necessarily fsynced). */
  flush(): Promise<void>
  /** Pairs with gte ≤ key < lt in order of keys. */
  range(options: {
    gte: Uint8Array
    lt: Uint8Array
    limit?: number
    reverse?: boolean
  }): AsyncIterable<{ key: Uint8Array; value: Uint8Array }>
}
