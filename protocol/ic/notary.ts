import type { ProcessDescription } from '../process/process.ts'
import { rootKeysOf } from './ingress.ts'
import type { RequestEnvelope } from './request-envelope.ts'
import { isCanisterSigned, type Refusal } from './verify-request.ts'

/** What a request is judged by. */
export interface RequestTrust {
  readonly nowMs: number
  /** Root keys (DER) by which canisters may sign for their users. */
  readonly rootKeys: readonly Uint8Array[]
}

/** Finds out who sent a request where nobody else waits for it: whom a canister vouches for, takes tens of milliseconds. */
export interface Notary {
  /** As `refuteRequest`. Signatures of canisters that it found to hold, this thread does not verify again. @throws {Failure} `busy` */
  refute(request: Uint8Array, trust: RequestTrust): Promise<Refusal | undefined>
}

/**
 * Why a request to a process, if it is one that takes long to judge, is not its sender's. Whatever this does not refute has to be
 * judged, which is quick then. @throws {Failure} `busy`
 */
export async function refuteApart(
  notary: Notary | undefined,
  request: RequestEnvelope | undefined,
  process: Pick<ProcessDescription, 'tags'>,
  nowMs: number,
): Promise<string | undefined> {
  if (notary === undefined || request === undefined || !isCanisterSigned(request)) return undefined
  return (await notary.refute(request.bytes, { nowMs, rootKeys: rootKeysOf(process) }))?.text
}
