import { toUtf8 } from '../../protocol/index.ts'
import type { CanisterState } from './state.ts'

/** A call as a canister assembles it. */
export interface CallDraft {
  readonly callee: Uint8Array
  readonly method: string
  readonly reply: readonly [fun: number, env: bigint]
  readonly reject: readonly [fun: number, env: bigint]
  cleanup: readonly [fun: number, env: bigint] | undefined
  readonly arg: Uint8Array[]
  argBytes: number
  cycles: bigint
  /** What the code can know of its canister's version as it makes the call. */
  readonly version: bigint
  /** Of a best-effort call. */
  timeoutS: number | undefined
}

export interface RejectView {
  readonly code: number
  readonly message: string
}

/** What an execution is entered with. */
export interface Entry {
  readonly mode: number
  readonly caller: Uint8Array
  readonly arg: Uint8Array
  /** Of callbacks: what was rejected; nothing of a reply. */
  readonly reject?: RejectView | undefined
  readonly deadlineNs?: bigint | undefined
  /** Whether whoever called waits for an answer. */
  readonly answers: boolean
  /** How large the answer may be, if not as large as that of a query. */
  readonly replyMaxBytes?: number | undefined
  /** Cycles of the call that are still there to be taken. */
  readonly available?: bigint | undefined
  readonly refunded?: bigint | undefined
  /** Of an inspection. */
  readonly method?: string | undefined
  readonly callerInfo?: { readonly data: Uint8Array; readonly signer: Uint8Array } | undefined
  readonly certificate?: Uint8Array | undefined
  /** Instructions that the call context used before. */
  readonly usedBefore?: bigint | undefined
  readonly gasLimit: bigint
  /** Cycles that the canister may not give away: below, it is frozen. Nothing: all may go. */
  readonly frozenCycles?: (() => bigint) | undefined
}

/** What stands of an execution that ended well: of a query in a feed, the cycles that it took. */
export type Keeps = 'all' | 'cycles' | 'nothing'

/** What one execution has done so far; nothing of it stands before it ended well. */
export class Execution {
  readonly entry: Entry
  readonly nowNs: bigint
  /** A copy: what the execution changes of it is taken over at its end. */
  readonly state: CanisterState
  /** Cycles of the call that are left. */
  available: bigint
  reply: Uint8Array[] = []
  replyBytes = 0
  response: { readonly reply: Uint8Array } | { readonly message: string } | undefined
  draft: CallDraft | undefined
  readonly calls: CallDraft[] = []
  sentBytes = 0
  accepted = false
  readonly log: string[] = []
  /** Gas of system calls. */
  gas = 0
  #frozenCycles: bigint | undefined
  #rejectText: Uint8Array | undefined
  #methodText: Uint8Array | undefined

  constructor(entry: Entry, state: CanisterState, nowNs: bigint) {
    this.entry = entry
    this.state = state
    this.nowNs = nowNs
    this.available = entry.available ?? 0n
  }

  /** Texts that code may ask for byte by byte are encoded once. */
  get rejectText(): Uint8Array {
    this.#rejectText ??= toUtf8(this.entry.reject?.message ?? '')
    return this.#rejectText
  }

  get methodText(): Uint8Array {
    this.#methodText ??= toUtf8(this.entry.method ?? '')
    return this.#methodText
  }

  /** Cycles that may be given away. */
  liquidCycles(): bigint {
    // What is set aside for memory is the same until the execution ends, and takes long to tell.
    this.#frozenCycles ??= this.entry.frozenCycles?.() ?? 0n
    const left = this.state.cycles - this.#frozenCycles
    return left > 0n ? left : 0n
  }
}
