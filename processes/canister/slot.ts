import type { CanisterAnswer, Cells, GuestContext, GuestMessage, ProcessId, Tag } from '../../protocol/index.ts'
import type { Reject } from './canister-trap.ts'
import type { CallRequest } from './call-request.ts'

const VALUE_GAS = 200n

/** What comes to a canister from itself, in the slot that caused it. */
export type LocalStep =
  | { readonly kind: 'request'; readonly request: CallRequest }
  | { readonly kind: 'answer'; readonly callback: number; readonly answer: CanisterAnswer; readonly refund: bigint }

/** A message to another process. */
export interface Letter {
  readonly to: string
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  readonly depth: number
  /** Of a request: the callback that hears of it if it cannot go. Answers always go. */
  readonly callback: number | undefined
}

/** What a user is told, by the id of the call. */
export type UserAnswer = readonly [call: Uint8Array, answer: CanisterAnswer]

/** One slot of a canister: what goes in, what comes out, and the gas in between. */
export class Slot {
  readonly message: GuestMessage
  readonly context: GuestContext
  readonly cells: Cells
  readonly nowNs: bigint
  readonly gasLimit: bigint
  gas = 0n
  readonly answers: UserAnswer[] = []
  readonly letters: Letter[] = []
  readonly queue: LocalStep[] = []
  /** What was printed, and why executions trapped. */
  readonly lines: string[] = []
  localSteps = 0
  /** Canisters made so far, and bytes of what was said of them. */
  spawns = 0
  spawnBytes = 0
  /** Code, controllers or metadata changed. */
  changed = false
  /** The request of a user that is the slot's own, if it failed before anything was done. */
  failed: Reject | undefined
  /** Something was done in this slot that stands whatever comes after. */
  hasActed = false

  constructor(message: GuestMessage, context: GuestContext, gasLimit: bigint) {
    this.message = message
    this.context = context
    this.cells = context.cells
    this.nowNs = BigInt(message.timestampMs) * 1_000_000n
    this.gasLimit = gasLimit
  }

  /** Gas that is left. */
  get left(): bigint {
    return this.gas < this.gasLimit ? this.gasLimit - this.gas : 0n
  }

  spend(gas: bigint): void {
    this.gas += gas
  }

  /** For values that the host reads or writes by itself, of Candid or JSON: they take time beside that of their bytes. */
  spendOnValues(count: number): void {
    this.spend(VALUE_GAS * BigInt(count))
  }

  say(line: string): void {
    this.lines.push(line)
    this.context.log(line)
  }

  send(letter: Letter): void {
    this.letters.push(letter)
  }
}

export type KnownProcess = { readonly process: ProcessId; readonly candid: boolean }
