/**
 * Requests of the IC as messages of processes: whom they are for, and when they hold. See docs/protocol/canister.md.
 */
import { equalBytes, fromBase64Url, MalformedBytes } from '../codec/bytes.ts'
import { IC_EXPIRY_MAX_MS, IC_ROOT_KEYS_MAX } from '../limits/limits.ts'
import type { ProcessDescription } from '../process/process.ts'
import { findTag } from '../items/tags.ts'
import { PRINCIPAL_MAX_BYTES } from './principal.ts'
import { type CallRequest, decodeIngress, type RequestEnvelope } from './request-envelope.ts'
import { refuteRequest } from './verify-request.ts'

const NS_PER_MS = 1_000_000n

/** The principal of a process or of an address of 32 bytes, given in base64url: its first 28 bytes, and the opaque class. */
export function principalOf(id: string): Uint8Array {
  const principal = new Uint8Array(PRINCIPAL_MAX_BYTES)
  principal.set(fromBase64Url(id).subarray(0, 28))
  principal[28] = 1
  return principal
}

const knownRootKeys = new WeakMap<ProcessDescription['tags'], readonly Uint8Array[]>()

/** Root keys (DER) whose canisters may sign for users of a process: the first few that its spawn names. */
export function rootKeysOf({ tags }: Pick<ProcessDescription, 'tags'>): readonly Uint8Array[] {
  const known = knownRootKeys.get(tags) ?? readRootKeys(tags)
  knownRootKeys.set(tags, known)
  return known
}

function readRootKeys(tags: ProcessDescription['tags']): Uint8Array[] {
  const keys: Uint8Array[] = []
  for (const { name, value } of tags) {
    if (keys.length === IC_ROOT_KEYS_MAX) break
    if (name !== 'IC-Root-Key') continue
    try {
      keys.push(fromBase64Url(value))
    } catch {
      // No key.
    }
  }
  return keys
}

/** Why the request may not stand in the feed of `process` at that time; nothing, if it may. */
export function refuteIngress(
  envelope: RequestEnvelope<CallRequest>,
  process: ProcessDescription,
  timestampMs: number,
): string | undefined {
  const { canister } = envelope.request
  if (canister.length > 0 && !equalBytes(canister, principalOf(process.id))) return 'it is for another canister'
  const { notBeforeMs, notAfterMs } = ingressWindow(envelope)
  if (timestampMs < notBeforeMs || timestampMs > notAfterMs) return 'it does not hold at that time'
  return refuteRequest(envelope, { nowMs: timestampMs, rootKeys: rootKeysOf(process) })?.text
}

/** Why a process may not be made by the request that its spawn carries; nothing, if it may or carries none. */
export function refuteSpawnRequest(process: ProcessDescription, timestampMs: number): string | undefined {
  try {
    const envelope = spawnRequestOf(process)
    if (envelope === undefined) return undefined
    if (envelope.request.canister.length > 0) return 'its request is not for the management canister'
    return refuteRequest(envelope, { nowMs: timestampMs, rootKeys: rootKeysOf(process) })?.text
  } catch (error) {
    if (error instanceof MalformedBytes) return error.message
    throw error
  }
}

/** The request that a spawn carries, if a request makes the process. @throws {MalformedBytes} */
export function spawnRequestOf({
  tags,
  data,
}: Pick<ProcessDescription, 'tags' | 'data'>): RequestEnvelope<CallRequest> | undefined {
  return findTag(tags, 'Canister-Request') === 'ingress' ? decodeIngress(data) : undefined
}

/** Between which times, both included, slot 0 may hold the request that makes a process; any, if none does. */
export function spawnWindow(
  process: Pick<ProcessDescription, 'tags' | 'data'>,
): ReturnType<typeof ingressWindow> | undefined {
  const request = spawnRequestOf(process)
  return request && ingressWindow(request)
}

/** Between which times, both included, a slot may hold the request: it and all its delegations must hold then. */
export function ingressWindow({ request, delegations }: RequestEnvelope): { notBeforeMs: number; notAfterMs: number } {
  let end = request.expiryNs
  for (const { expirationNs } of delegations) if (expirationNs < end) end = expirationNs
  const notBeforeMs = Number((request.expiryNs + NS_PER_MS - 1n) / NS_PER_MS) - IC_EXPIRY_MAX_MS
  return { notBeforeMs, notAfterMs: Number(end / NS_PER_MS) }
}
