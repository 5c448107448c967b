import type { DataItem } from './data-item.ts'
import type { Failure } from './failure.ts'
import type { Envelope } from './frame.ts'
import type { KeyId, MessageId, ModuleId, ProcessId, Slot } from './ids.ts'
import type { ModuleDescription, ProcessDescription } from './process.ts'
import type { PushProof } from './push.ts'
import type { Result, ResultError } from './result.ts'
import type { Tag } from './tags.ts'

/** Last parameter of every call that waits. The default time limit is the call's own, from limits.ts. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
}

/** Time comes in through here, so that a simulation can hold it still. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, options?: CallOptions): Promise<void>
}

// ─── the log ────────────────────────────────────────────────────────────────────────────────────

/** Names a feed and fixes its key: the manifest is made of nothing else. */
export interface FeedSpec {
  readonly kind: 'messages' | 'results'
  readonly process: ProcessId
  readonly epoch: number
  readonly signers: readonly KeyId[]
  readonly quorum: number
}

/** A block to be added at `index`, which is the feed's present length. */
export interface NewBlock {
  readonly feed: FeedSpec
  readonly index: number
  readonly bytes: Uint8Array
  /** Ids of the messages in this frame, in slot order, for the message index. */
  readonly ids: readonly MessageId[]
  readonly firstSlot: Slot
}

/** All feeds of a node, and what is derived from them. */
export interface Log extends AsyncDisposable {
  /**
   * Makes blocks of message feeds durable, in order; concurrent calls share one fdatasync. When it resolves
   * the blocks survive power loss and are readable; they reach their Hypercores a little later.
   * @throws {Failure} `disk-full`, `feed-frozen`
   */
  commit(blocks: readonly NewBlock[]): Promise<void>
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
  /** The Hypercore key of a feed; nothing is opened. */
  feedKey(feed: FeedSpec): Uint8Array
  /** Blocks of message feeds that the journal still held when this log was opened, oldest first. */
  readonly recovered: readonly NewBlock[]
  /** All have looked at `recovered`, which may be as large as the journal: it is empty from now on. */
  forgetRecovered?(): void
  readonly messages: MessageIndex
  readonly directory: Directory
  readonly store: Store
}

/** Where messages stand. A cache of the feeds: filled by `commit`, repaired from the journal at boot. */
export interface MessageIndex {
  /** The first slot of `process` in which message `id` stands. */
  slotOf(process: ProcessId, id: MessageId): Promise<Slot | undefined>
  /** Answers many questions about one process at once, in order. */
  slotsOf(process: ProcessId, ids: readonly MessageId[]): Promise<readonly (Slot | undefined)[]>
  /** Every place in which message `id` stands. */
  placesOf(id: MessageId): Promise<readonly { process: ProcessId; slot: Slot }[]>
}

/** Processes and modules this node knows. */
export interface Directory {
  /** Adds a process by the encoded envelope of its slot 0. Idempotent. */
  addProcess(description: ProcessDescription, spawnEnvelope: Uint8Array): Promise<void>
  process(id: ProcessId): Promise<ProcessDescription | undefined>
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
  /** Visible to reads at once; on disk, in order and in batches, a little later; bounded. */
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

// ─── the units ──────────────────────────────────────────────────────────────────────────────────

/** A scheduler's answer: this message is durable, in this slot. */
export interface Receipt {
  readonly id: MessageId
  readonly process: ProcessId
  readonly slot: Slot
  readonly timestampMs: number
}

export interface ScheduleRequest {
  readonly process: ProcessId
  readonly envelope: Envelope
  /** The item of the envelope, if the caller has parsed it. */
  readonly item?: DataItem | undefined
}

/**
 * - scheduled: has its slot now. - known: had it already; the same receipt.
 * - duplicate: a push whose seq was taken; nothing to do. - gap: a push before its turn; `expectedSeq` comes first.
 * - failed: not taken, and nothing was kept.
 */
export type ScheduleAnswer =
  | { readonly status: 'scheduled' | 'known'; readonly receipt: Receipt }
  | { readonly status: 'duplicate' }
  | { readonly status: 'gap'; readonly expectedSeq: number }
  | { readonly status: 'failed'; readonly failure: Failure }

/** Gives every message of a process its slot. */
export interface Scheduler {
  readonly key: KeyId
  /** Schedules in the given order; answers in the same order, once all are durable. Never rejects for one request. */
  schedule(requests: readonly ScheduleRequest[]): Promise<readonly ScheduleAnswer[]>
  /** The timers `process` holds now; ticks are given when they are due. Told by the compute unit after each frame. */
  arm(process: ProcessId, timers: readonly Timer[]): void
  /** Whether AO's cron timers of `process` are given ticks; kept across restarts. */
  monitor(process: ProcessId, on: boolean): void
}

/** A timer that a process asked for. */
export interface Timer {
  readonly key: CellKey
  readonly dueMs: number
  /** Repeats after this long; undefined: once. */
  readonly everyMs: number | undefined
}

/** Keys of timers made from AO's `Cron-Interval` tags begin so; they need a monitor. */
export const CRON_TIMER_PREFIX = 'cron/'

/** A message for a dry-run: nothing is signed, nothing kept. */
export interface QueryMessage {
  readonly from: string
  readonly owner: string
  readonly id: string
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  readonly anchor?: Uint8Array | undefined
  readonly timestampMs?: number | undefined
}

/** What a dry-run gave; `slot` is the last slot it could see. */
export interface QueryAnswer {
  readonly slot: Slot
  readonly status: 'ok' | 'error'
  readonly gas: bigint
  readonly error: ResultError | undefined
  readonly output: Uint8Array
  readonly log: string
}

/** A result with what proves it. */
export interface CertifiedResult {
  readonly result: Result
  readonly bytes: Uint8Array
  readonly proof: Pick<PushProof, 'resultHead' | 'resultPath' | 'certificate' | 'certificateBytes' | 'signatures'>
}

/** Executes feeds. */
export interface Computer {
  readonly key: KeyId
  /**
   * The result of a slot; waits until it is evaluated.
   * @throws {Failure} `unknown-process`, `unknown-slot` (beyond the feed), `timeout`, `aborted`
   */
  result(process: ProcessId, slot: Slot, options?: CallOptions): Promise<Result>
  /** The result with its certificate, path and signature of this unit. */
  certified(process: ProcessId, slot: Slot, options?: CallOptions): Promise<CertifiedResult>
  /** Results of [from, to) in slot order; does not wait for more than is in the feed. */
  results(process: ProcessId, from: Slot, to: Slot, options?: CallOptions): AsyncIterable<Result>
  /** Results as they come, from `from` on, until the signal ends it. */
  follow(process: ProcessId, from: Slot, options?: CallOptions): AsyncIterable<Result>
  /** Slots evaluated so far (slot of the next). */
  evaluated(process: ProcessId): Promise<Slot>
  /** The proof of the push at `index` in the outbox of `slot`. */
  proveOutbox(process: ProcessId, slot: Slot, indexes: readonly number[]): Promise<readonly PushProof[]>
  /** @throws {Failure} `busy`, `timeout`, `unknown-process` */
  query(process: ProcessId, message: QueryMessage, options?: CallOptions): Promise<QueryAnswer>
  /** Value of a cell after the last evaluated slot. */
  cell(process: ProcessId, key: Uint8Array): Promise<Uint8Array | undefined>
  /** Linear memory after the last evaluated slot. */
  memory(process: ProcessId): Promise<{ slot: Slot; memory: Uint8Array }>
}

/** A step of a message tree. */
export interface TraceNode {
  readonly id: MessageId
  readonly process: ProcessId
  readonly slot: Slot | undefined
  /** `pending`: not scheduled yet; `scheduled`: no result yet; else the result's status. */
  readonly status: 'pending' | 'scheduled' | Result['status'] | 'external'
  /** The Action tag, or what kind of message it is. */
  readonly label: string
  readonly kind: 'message' | 'spawn' | 'tick' | 'assigned'
  readonly scheduledMs: number | undefined
  /** When this node had the result; measured, not certified. */
  readonly evaluatedMs: number | undefined
  readonly gas: bigint | undefined
  readonly error: ResultError | undefined
  readonly children: readonly TraceNode[]
}

export interface Trace {
  readonly root: TraceNode
  /** Every message of the tree has a result, or goes to somebody who is no process. */
  readonly settled: boolean
  readonly truncated: boolean
}

/** Carries messages: takes them in, and pushes all that they cause. */
export interface Messenger {
  /** Takes signed items of any Type, in order; an answer for each. */
  submit(items: readonly Uint8Array[], options?: CallOptions): Promise<readonly (Receipt | ModuleAdded | Failure)[]>
  /** Has a message of one process stand in another too. @throws {Failure} */
  assign(message: MessageId, process: ProcessId, exclude?: readonly string[]): Promise<Receipt>
  /** The tree below a message, as far as it has grown; with `settled`, waits until it is whole. */
  trace(id: MessageId, options?: CallOptions & { settled?: boolean; process?: ProcessId }): Promise<Trace>
}

/** A module was added; its id. */
export interface ModuleAdded {
  readonly module: ModuleId
}

// ─── what runs inside ───────────────────────────────────────────────────────────────────────────

/** A key of a cell: each character is one byte (0-255), so that maps can hold it. */
export type CellKey = string

/** The cells of a process within one slot. Changes are seen at once and undone if the slot fails. */
export interface Cells {
  get(key: CellKey): Uint8Array | undefined
  /** Keeps `value`, which must not change afterwards. */
  set(key: CellKey, value: Uint8Array): void
  delete(key: CellKey): void
  /** Adds to a 64-bit little-endian integer cell, absent being 0, wrapping; commutes with other adds. */
  add(key: CellKey, delta: bigint): void
  /** Keys with gte ≤ key < lt in byte order. */
  scan(options: { gte: CellKey; lt: CellKey; limit: number; reverse: boolean }): readonly CellKey[]
}

/** A message as a guest sees it. */
export interface GuestMessage {
  readonly kind: 'spawn' | 'message' | 'tick' | 'assigned' | 'query'
  readonly id: string
  readonly slot: Slot
  readonly timestampMs: number
  /** The process the message is addressed to; differs from this process if it was assigned. */
  readonly target: string
  /** Verified: address of the signer, or id of the sending process. */
  readonly from: string
  /** Who vouches: address of the signer, or key of the compute unit that attests the sending process. */
  readonly owner: string
  readonly fromProcess: ProcessId | undefined
  readonly fromModule: ModuleId | undefined
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  readonly anchor: Uint8Array | undefined
  readonly signature: Uint8Array | undefined
  /** The message at the root of the tree this one belongs to. */
  readonly origin: MessageId
  readonly depth: number
  /** Key of the timer, of a tick. */
  readonly timer: CellKey | undefined
  /** Some of it once more as it came: who hands on bytes need not make text of them. */
  readonly raw?: RawMessage | undefined
}

export interface RawMessage {
  /** 32 bytes. */
  readonly id: Uint8Array
  /** 32 bytes. */
  readonly origin: Uint8Array
  /** Well-formed tags as they stand in an item, if that is where they are from. */
  readonly tags: Uint8Array | undefined
}

/** What a guest may do while it runs; all of it is undone if the slot fails. */
export interface GuestContext {
  readonly cells: Cells
  /** Gas left; a host call may take some. */
  send(message: { to: string; tags: readonly Tag[]; data: Uint8Array; anchor?: Uint8Array | undefined }): void
  /** Gives the id of the child. The module is named by a `Module` tag or by `module`. */
  spawn(spawn: { module: string; tags: readonly Tag[]; data: Uint8Array; anchor?: Uint8Array | undefined }): ProcessId
  /** Asks that message `message` stand in `processes` too. */
  assign(message: string, processes: readonly string[], exclude: readonly string[]): void
  /** Sets or replaces timer `key`: first at `dueMs`, then every `everyMs` if given. */
  setTimer(key: CellKey, dueMs: number, everyMs?: number): void
  clearTimer(key: CellKey): void
  log(text: string): void
  /** Deterministic bytes: a PRF of process, slot and a counter. */
  random(length: number): Uint8Array
}

/** How a run of a guest ended. On `error` nothing of the slot stands but gas and error. */
export type Ending =
  | { readonly status: 'ok'; readonly gas: bigint; readonly output: Uint8Array }
  | { readonly status: 'error'; readonly gas: bigint; readonly error: ResultError; readonly output?: Uint8Array }

/** The engine, not the guest, failed: never a result; the host process is replaced and the slot repeated. */
export class HostFault extends Error {
  override readonly name = 'HostFault'
}

/** Guest memory and engine state at one point: chunks that are not all zero (or not as in the image). */
export interface GuestSnapshot {
  /** Size of linear memory in 64 KiB pages. */
  readonly pages: number
  /** 4 KiB chunks by index. */
  readonly chunks: ReadonlyMap<number, Uint8Array>
  /** State outside linear memory (mutable globals and the like), canonical bytes. */
  readonly engine: Uint8Array
}

/** A format of modules: how to run them. */
export interface Runtime {
  /** Module-Format names this runtime takes. */
  readonly formats: readonly string[]
  /** Whether processes of this format take assigned messages (they check the sender themselves). */
  readonly assignable: boolean
  /** Validates and rewrites: what `load` needs. Slow; done once a module. @throws {Failure} `module-refused` */
  prepare(module: ModuleDescription): Uint8Array
  /** Compiles prepared bytes. */
  load(prepared: Uint8Array, module: ModuleDescription): GuestFactory
}

/** One loaded module. */
export interface GuestFactory {
  /** The state of a new process before its slot 0. */
  readonly image: GuestSnapshot
  /** A guest in the state of `snapshot` (chunks as differences from the image), or of the image. */
  open(process: ProcessDescription, snapshot?: GuestSnapshot): Guest
  close(): void
}

/** One process in memory. Calls are synchronous: a host runs one slot at a time. */
export interface Guest {
  /** Runs one message; then exactly one of `keep` and `discard` is called. @throws {HostFault} */
  run(message: GuestMessage, context: GuestContext, gasLimit: bigint): Ending
  keep(): void
  /** Undoes the run exactly. */
  discard(): void
  /** 64 KiB pages, after the last keep. */
  readonly pages: number
  /** Chunks that kept runs changed since the last call, ascending; for the state root. */
  takeChanged(): readonly number[]
  /** The bytes of a chunk; valid until the next run. */
  chunk(index: number): Uint8Array
  /** State outside linear memory, canonical. */
  engine(): Uint8Array
  /** Bytes this guest holds in memory, for the cache. */
  readonly sizeBytes: number
  close(): void
}
