/**
 * Whether a request comes from its sender, at a time. A pure function of the envelope, the time and the root keys that
 * are believed, so every compute unit judges a slot as its scheduler did.
 *
 * 1. The anonymous sender signs nothing; every other sender is the hash of the key that signs, or that delegates.
 * 2. A chain of delegations names no key twice, and each link holds at that time and for that canister.
 * 3. An update expires; a query and a look at the state may be late by some time, since clocks of clients differ, and nothing is kept of
 *    them. What nobody signed never expires.
 */
import { compareBytes, concatBytes, equalBytes, MalformedBytes, toHex } from '../codec/bytes.ts'
import { IC_CANISTER_SIGNATURES_MAX, IC_EXPIRY_MAX_MS, IC_READ_DRIFT_MAX_MS } from '../limits/limits.ts'
import { isAnonymous, selfAuthenticating } from './principal.ts'
import type { CallRequest, Delegation, ReadStateRequest, RequestEnvelope, SenderInfo } from './request-envelope.ts'
import { separator } from './separator.ts'
import { readUserKey } from './user-key.ts'
import { type CanisterTrust, verifyUserSignature } from './user-signature.ts'

export interface RequestContext extends CanisterTrust {
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

/** Why a request is not taken; `expiry` is what clients repair by looking at the clock. */
export interface Refusal {
  readonly reason: 'expiry' | 'signature'
  readonly text: string
}

const REQUEST = separator('ic-request')
const DELEGATION = separator('ic-request-auth-delegation')
const SENDER_INFO = separator('ic-sender-info')
const NS_PER_MS = 1_000_000n

/** What is wrong with a request; nothing, if nothing is. */
export function refuteRequest(envelope: RequestEnvelope, context: RequestContext): Refusal | undefined {
  return refuteExpiry(envelope.request, context.nowMs) ?? refuteSender(envelope, context)
}

/** A request is taken from when it is signed until it expires, which is at most some minutes ahead, by this clock or one that differs. */
export function refuteExpiry(
  { type, expiryNs, sender }: CallRequest | ReadStateRequest,
  nowMs: number,
): Refusal | undefined {
  if (type !== 'call' && isAnonymous(sender)) return undefined
  const driftNs = type === 'call' ? 0n : BigInt(IC_READ_DRIFT_MAX_MS) * NS_PER_MS
  const now = BigInt(nowMs) * NS_PER_MS
  const min = now - driftNs
  const max = now + BigInt(IC_EXPIRY_MAX_MS) * NS_PER_MS + driftNs
  if (expiryNs >= min && expiryNs <= max) return undefined
  const text = `Invalid request expiry: Specified ingress_expiry not within expected range: Minimum allowed expiry: ${min}, Maximum allowed expiry: ${max}, Provided expiry: ${expiryNs}`
  return { reason: 'expiry', text }
}

function refuteSender(envelope: RequestEnvelope, context: RequestContext): Refusal | undefined {
  const { request, id, publicKey, signature, delegations } = envelope
  if (isAnonymous(request.sender)) return refuteAnonymous(envelope)
  if (publicKey === undefined || signature === undefined)
    return wrong('Missing signature: only the anonymous sender may leave it out')
  if (!equalBytes(selfAuthenticating(publicKey), request.sender))
    return wrong('The public key does not belong to the sender')
  if (canisterKeysOf(envelope) > IC_CANISTER_SIGNATURES_MAX)
    return wrong('Invalid delegation: too many canister signatures')
  const chain = refuteChain(publicKey, delegations, request, context)
  if (typeof chain === 'object' && 'reason' in chain) return chain
  const { key } = chain
  if (!verifyUserSignature(key, concatBytes(REQUEST, id), signature, context)) return wrong('Invalid signature')
  const info = request.type === 'read_state' ? undefined : request.senderInfo
  return info === undefined ? undefined : refuteInfo(info, publicKey, context)
}

function refuteAnonymous({ request, publicKey, signature, delegations }: RequestEnvelope): Refusal | undefined {
  const isBare = publicKey === undefined && signature === undefined && delegations.length === 0
  if (!isBare) return wrong('The anonymous sender must not sign')
  const info = request.type === 'read_state' ? undefined : request.senderInfo
  return info === undefined ? undefined : wrong('The anonymous sender has no sender_info')
}

/** The key at the end of the chain, which has to sign the request. */
function refuteChain(
  publicKey: Uint8Array,
  delegations: readonly Delegation[],
  request: CallRequest | ReadStateRequest,
  context: RequestContext,
): Refusal | { readonly key: Uint8Array } {
  if (delegations.length === 0) return { key: publicKey }
  const seen = new Set([toHex(publicKey)])
  let key = publicKey
  for (const delegation of delegations) {
    if (delegation.expirationNs < BigInt(context.nowMs) * NS_PER_MS)
      return wrong('Invalid delegation expiry: the delegation has expired')
    if (delegation.queriesOnly && request.type === 'call') return wrong('Invalid delegation: it permits queries only')
    if (!isTarget(delegation, request)) return wrong('Invalid delegation: the canister is not among its targets')
    if (!verifyUserSignature(key, concatBytes(DELEGATION, delegation.hash), delegation.signature, context))
      return wrong('Invalid delegation: bad signature')
    key = delegation.publicKey
    if (seen.has(toHex(key))) return wrong('Invalid delegation: the chain has a cycle')
    seen.add(toHex(key))
  }
  return { key }
}

/** What a look at the state is about stands in its paths, not here. */
function isTarget(delegation: Delegation, request: CallRequest | ReadStateRequest): boolean {
  return request.type === 'read_state' || names(delegation, request.canister)
}

const names = ({ targets }: Delegation, canister: Uint8Array): boolean =>
  targets === undefined || targets.some(target => compareBytes(target, canister) === 0)

/** Whether all delegations of a request hold for a canister. */
export function mayReach({ delegations }: RequestEnvelope, canister: Uint8Array): boolean {
  return delegations.every(delegation => names(delegation, canister))
}

/** What a canister says of a sender is signed with the very key the sender is known by. */
function refuteInfo(
  { info, signer, signature }: SenderInfo,
  publicKey: Uint8Array,
  context: RequestContext,
): Refusal | undefined {
  if (!isKeyOf(publicKey, signer)) return wrong('Invalid sender_info: the signer is not the canister of the public key')
  if (verifyUserSignature(publicKey, concatBytes(SENDER_INFO, info), signature, context)) return undefined
  return wrong('Invalid sender_info: bad signature')
}

/** Whether it takes tens of milliseconds to find out who sent a request: somebody whom a canister vouches for, it says. */
export function isCanisterSigned(envelope: RequestEnvelope): boolean {
  return canisterKeysOf(envelope) > 0
}

function canisterKeysOf({ publicKey, delegations }: RequestEnvelope): number {
  return [publicKey, ...delegations.map(delegation => delegation.publicKey)].filter(isCanisterKey).length
}

function isCanisterKey(publicKey: Uint8Array | undefined): boolean {
  try {
    return publicKey !== undefined && readUserKey(publicKey).kind === 'canister'
  } catch (error) {
    if (error instanceof MalformedBytes) return false
    throw error
  }
}

function isKeyOf(publicKey: Uint8Array, canister: Uint8Array): boolean {
  try {
    const key = readUserKey(publicKey)
    return key.kind === 'canister' && equalBytes(key.canister, canister)
  } catch (error) {
    if (error instanceof MalformedBytes) return false
    throw error
  }
}

const wrong = (text: string): Refusal => ({ reason: 'signature', text })
