import type { MessageId, ModuleId, ProcessId, Slot } from '../ids.ts'
import type { ModuleDescription, ProcessDescription } from '../process/process.ts'
import type { Piece } from '../codec/piece.ts'
import type { ResultError } from '../results/result.ts'
import type { Tag } from '../items/tags.ts'

// What runs inside: runtimes, guests, and what a guest can reach.

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
  readonly kind: 'spawn' | 'message' | 'tick' | 'assigned' | 'query' | 'restore' | 'ingress'
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
  /** Gas that a message of a process brings, for its slot and all that follows from it; others bring `FUEL_PER_MESSAGE`. */
  readonly fuel?: bigint | undefined
  /** Key of the timer, of a tick. */
  readonly timer: CellKey | undefined
  /** Of a tick: slots that this timer fired in since it was due, and that failed. */
  readonly failedTicks?: number | undefined
  /** Of kind `query`: see `QueryMessage`. */
  readonly certificate?: Uint8Array | undefined
  /** The request, of kind `ingress`. */
  readonly ingress?: IngressRequest | undefined
  /** Some of it once more as it came: who hands on bytes need not make text of them. */
  readonly raw?: RawMessage | undefined
}

/** A request of a client of the IC, verified; see docs/protocol/canister.md. */
export interface IngressRequest {
  /** 32 bytes. */
  readonly requestId: Uint8Array
  readonly sender: Uint8Array
  /** Empty: the management canister. */
  readonly canister: Uint8Array
  readonly method: string
  readonly arg: Uint8Array
  readonly expiryNs: bigint
  /** What a canister vouches for about the sender. */
  readonly senderInfo: { readonly info: Uint8Array; readonly signer: Uint8Array } | undefined
}

export interface RawMessage {
  /** 32 bytes. */
  readonly id: Piece
  /** 32 bytes; the same object as `id` if they are the same. */
  readonly origin: Piece
  /** Well-formed tags as they stand in an item, if that is where they are from. */
  readonly tags: Piece | undefined
  /** Plain tags as they stand in a push, if that is where they are from. */
  readonly plainTags?: Piece | undefined
  readonly data: Piece
}

/** Of what it sends a guest may say that it has less than its slot could give. */
interface SendBounds {
  /** How deep it lies at least. */
  readonly depthMin?: number | undefined
  /** Gas it brings at most, less its share of what the slot took. */
  readonly fuelMax?: number | undefined
}

/** A message that a guest wants sent. */
export interface GuestSend extends SendBounds {
  readonly to: string
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  readonly anchor?: Uint8Array | undefined
  /**
   * How deep it lies, if not one below the message that runs: what goes on where an earlier message left off lies where that
   * would have.
   */
  readonly depth?: number | undefined
  /** An answer: it goes even if there is no fuel left for it, so that whoever waits hears. */
  readonly always?: boolean | undefined
}

/** A process that a guest wants spawned. */
export interface GuestSpawn extends SendBounds {
  readonly module: string
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  readonly anchor?: Uint8Array | undefined
}

/** What a guest may do while it runs; all of it is undone if the slot fails. */
export interface GuestContext {
  readonly cells: Cells
  send(message: GuestSend): void
  /** Gives the id of the child. The module is named by a `Module` tag or by `module`. */
  spawn(spawn: GuestSpawn): ProcessId
  /** Asks that message `message` stand in `processes` too. */
  assign(message: string, processes: readonly string[], exclude: readonly string[]): void
  /** Sets or replaces timer `key`: first at `dueMs`, then every `everyMs` if given. */
  setTimer(key: CellKey, dueMs: number, everyMs?: number): void
  clearTimer(key: CellKey): void
  /** When timer `key` is due; nothing, if it is not set. */
  timerDueMs(key: CellKey): number | undefined
  log(text: string): void
  /** Deterministic bytes: a PRF of process, slot and a counter. */
  random(length: number): Uint8Array
  /** A run that takes more gas than this may throw `TooLong` instead of going on; it is repeated where it holds up nobody. */
  readonly patienceGas?: bigint | undefined
}

/** How a run of a guest ended. On `error` nothing of the slot stands but gas and error, and what `note` puts down. */
export type Ending = { readonly status: 'ok'; readonly gas: bigint; readonly output: Uint8Array } | FailedRun

export interface FailedRun {
  readonly status: 'error'
  readonly gas: bigint
  readonly error: ResultError
  readonly output?: Uint8Array
  /** Puts down in the state, when all else of the run is undone, what happened in it; sends nothing. */
  readonly note?: (() => void) | undefined
}

/** The engine, not the guest, failed: never a result; the host process is replaced and the slot repeated. */
export class HostFault extends Error {
  override readonly name = 'HostFault'
}

/** A run was given up for taking long, though its gas allows more: never a result, and nothing of it stands. */
export class TooLong extends Error {
  override readonly name = 'TooLong'
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

export type StateForm = 'document' | 'cells' | 'memory'

/** A format of modules: how to run them. */
export interface Runtime {
  /** Module-Format names this runtime takes. */
  readonly formats: readonly string[]
  /** Whether processes of this format take assigned messages (they check the sender themselves). */
  readonly assignable: boolean
  /**
   * Where the state of its processes is, for upgrades and snapshots: programs tell it as a document (query `@export`)
   * and take one (kind `restore`), unless said otherwise; or it is in cells, or in memory that nobody else can read.
   */
  readonly stateForm?: StateForm
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
  /** Nothing is to be done: what is made again soon may go. Guests stay as they are. */
  rest?(): void
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
  /** How a chunk differs from the module's image (`changed-lines.ts`), for guests that know; valid until the next run. */
  changedLines?(index: number): Int32Array
  /** State outside linear memory, canonical. */
  engine(): Uint8Array
  /** A timer whose slot fails rings again, until a slot ends well, and says how often it failed; others have fired, whatever comes of it. */
  readonly ringsAgain?: boolean
  /** Bytes that the output of a slot may have, where that is not `OUTPUT_SIZE_MAX_BYTES`. */
  readonly outputMaxBytes?: number
  /** Bytes this guest holds in memory, for the cache. */
  readonly sizeBytes: number
  close(): void
}
