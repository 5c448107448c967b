import type { Origin } from './records.ts'

/** A call of a method of the canister, from wherever. */
export interface CallRequest {
  readonly method: string
  readonly arg: Uint8Array
  readonly caller: Uint8Array
  readonly origin: Origin
  readonly cycles: bigint
  /** Of a best-effort call; 0 if there is none. */
  readonly deadlineNs: bigint
  /** How deep it lies in the tree of its message. */
  readonly depth: number
  readonly callerInfo?: { readonly data: Uint8Array; readonly signer: Uint8Array } | undefined
}
