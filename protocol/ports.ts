import type { Attested } from './results/attestation.ts'
import type { Commitment } from './feeds/commitment.ts'
import type { ParsedItem } from './items/data-item.ts'
import type { Failure } from './failures/failure.ts'
import type { Envelope } from './feeds/frame.ts'
import type { CellKey } from './guests/guest-ports.ts'
import type { CallRequest, RequestEnvelope } from './ic/request-envelope.ts'
import type { KeyId, MessageId, ModuleId, ProcessId, Slot } from './ids.ts'
import type { Lifecycle, StateAnswer, UpgradeCheck, UpgradeWish } from './process/lifecycle.ts'
import type { Push, PushProof } from './process/push.ts'
import type { Result, ResultError } from './results/result.ts'
import type { Tag } from './items/tags.ts'

export type * from './feeds/log-port.ts'

/** Last parameter of every call that waits. The default time limit is the call's own, from limits.ts. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
}

/** Time comes in through here, so that a simulation can hold it still. */
export interface Clock {
  /** Whole milliseconds since 1970: the date, which somebody may set. */
  now(): number
  /** Whole milliseconds since some moment; a date that is set changes nothing about it. For pauses, time limits and how long something took. */
  elapsed(): number
  /** Resolves after `ms`, or rejects with the signal's reason; 0 gives everybody else a turn. */
  sleep(ms: number, options?: SleepOptions): Promise<void>
}

export interface SleepOptions extends CallOptions {
  /**
   * What a simulation must know of a sleep. `work`, the default: something is under way and goes on afterwards.
   * `wait`: somebody waits for a time or for others; nothing is under way for it. `upkeep`: it may end late.
   */
  readonly for?: 'work' | 'wait' | 'upkeep' | undefined
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
  /** The id of the item in the envelope, if the caller has parsed it. */
  readonly id?: string | undefined
  /** The same of a request of the IC. */
  readonly request?: RequestEnvelope<CallRequest> | undefined
  /** Of a push that this node vouches for: what it comes from, which is not durable yet. It has no slot without that. */
  readonly after?: Commitment | undefined
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

/** Keys of timers behind entries of a document's `schedules` begin so. */
export const SCHEDULE_TIMER_PREFIX = 'schedule/'

/** Key of the timer by which an agent wakes for the earliest of what it sleeps for, and of the calls it awaits. */
export const WAKE_TIMER = 'agent/wake'

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
  /** Of canisters: the certificate of their certified data. */
  readonly certificate?: Uint8Array | undefined
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

/**
 * Executes feeds. What a node shows of a process is what as many compute units as the process asks for agree on, wherever
 * they are: a `Computer` in front of all of them. A compute unit by itself is one too, and speaks for itself alone.
 */
export interface Computer {
  readonly key: KeyId
  /**
   * The result of a slot; waits until it is evaluated and final. With `early`, what this node's own unit got is
   * enough, if it is one of the process.
   * @throws {Failure} `unknown-process`, `unknown-slot` (beyond the feed), `timeout`, `aborted`, `no-agreement`
   */
  result(
    process: ProcessId,
    slot: Slot,
    options?: CallOptions & { readonly early?: boolean | undefined },
  ): Promise<Result>
  /** Who attests the result of a slot that `result` gave. */
  attested(process: ProcessId, slot: Slot): Promise<Attested>
  /** The result with its certificate, path and signatures. */
  certified(process: ProcessId, slot: Slot, options?: CallOptions): Promise<CertifiedResult>
  /** Results of [from, to) in slot order; does not wait for more than is in the feed. */
  results(process: ProcessId, from: Slot, to: Slot, options?: CallOptions): AsyncIterable<Result>
  /** Results as they come, from `from` on, until the signal ends it. */
  follow(process: ProcessId, from: Slot, options?: CallOptions): AsyncIterable<Result>
  /** Slots evaluated so far (slot of the next). */
  evaluated(process: ProcessId): Promise<Slot>
  /** Whether this very object came of this unit's evaluation, of a process for which this unit's word is enough. */
  attests(push: Push): boolean
  /** The proof of the push at `index` in the outbox of `slot`. */
  proveOutbox(process: ProcessId, slot: Slot, indexes: readonly number[]): Promise<readonly PushProof[]>
  /** Sees all that is evaluated, or the state after slot `at`. @throws {Failure} `busy`, `timeout`, `unknown-process` */
  query(
    process: ProcessId,
    message: QueryMessage,
    options?: CallOptions & { at?: Slot | undefined },
  ): Promise<QueryAnswer>
  /**
   * The state after slot `at`, or after the last that is evaluated, as the program tells it. A wait that ends tells
   * how far it came (`reached`); asked again it goes on from there.
   * @throws {Failure} `no-document`, `unknown-slot`, `busy`, `timeout`, `aborted`
   */
  state(process: ProcessId, at?: Slot, options?: CallOptions): Promise<StateAnswer>
  /** Which module is in force, and which states the process keeps. */
  lifecycle(process: ProcessId): Promise<Lifecycle>
  /** The timers it holds. */
  timers(process: ProcessId): Promise<readonly Timer[]>
  /** Carries out an upgrade on a copy. @throws {Failure} as `state`, `unknown-module` */
  checkUpgrade(process: ProcessId, wish: UpgradeWish, options?: CallOptions): Promise<UpgradeCheck>
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
  /** How many more it caused that are not followed: the tree is too large, or too deep. */
  readonly cut?: number | undefined
}

/** How much of a message tree is followed. */
export interface TraceBounds {
  readonly nodes: number
  readonly levels: number
}

export interface Trace {
  readonly root: TraceNode
  /** Every message of the tree has a result, or goes to somebody who is no process. */
  readonly settled: boolean
  /** Some of its nodes say that they are cut. */
  readonly truncated: boolean
}

/** Carries messages: takes them in, and pushes all that they cause. */
export interface Messenger {
  /** Takes signed items of any Type, parsed or as bytes, in order; an answer for each. Nobody may change their bytes afterwards. */
  submit(
    items: readonly (Uint8Array | ParsedItem)[],
    options?: CallOptions,
  ): Promise<readonly (Receipt | ModuleAdded | Failure)[]>
  /**
   * Takes a request of a client of the IC for the process that it changes, wherever that is scheduled.
   * @throws {Failure} `malformed-item`, `bad-signature`, `unknown-process`, `busy`, `timeout` if it expired while it waited
   */
  ingress(process: ProcessId, request: RequestEnvelope<CallRequest>): Promise<Receipt>
  /** Has a message of one process stand in another too. @throws {Failure} */
  assign(message: MessageId, process: ProcessId, exclude?: readonly string[]): Promise<Receipt>
  /** The tree below a message, as far as it has grown; with `settled`, waits until it is whole. */
  trace(
    id: MessageId,
    options?: CallOptions & { settled?: boolean; process?: ProcessId; bounds?: TraceBounds },
  ): Promise<Trace>
}

/** A module was added; its id. */
export interface ModuleAdded {
  readonly module: ModuleId
}
