/**
 * What clients of the IC send: an envelope with a request in it, and who vouches for it (IC interface specification,
 * "Authentication"). Here it is taken apart, not believed: see `verify-request.ts`.
 */
import { MalformedBytes } from '../codec/bytes.ts'
import {
  IC_DELEGATION_TARGETS_MAX,
  IC_DELEGATIONS_MAX,
  IC_NONCE_MAX_BYTES,
  IC_PATH_LABELS_MAX,
  IC_PATHS_MAX,
} from '../limits/limits.ts'
import { decodeIc, type IcMap, type IcValue, isIcMap } from './ic-value.ts'
import { PRINCIPAL_MAX_BYTES } from './principal.ts'
import { hashOfMap } from './value-hash.ts'

interface RequestFields {
  readonly sender: Uint8Array
  /** Nanoseconds since 1970. */
  readonly expiryNs: bigint
}

export interface CallRequest extends RequestFields {
  readonly type: 'call' | 'query'
  readonly canister: Uint8Array
  readonly method: string
  readonly arg: Uint8Array
  readonly senderInfo: SenderInfo | undefined
}

export interface ReadStateRequest extends RequestFields {
  readonly type: 'read_state'
  readonly paths: readonly (readonly Uint8Array[])[]
}

/** What a canister says of the sender, beside whose keys it signed. */
export interface SenderInfo {
  readonly info: Uint8Array
  readonly signer: Uint8Array
  readonly signature: Uint8Array
}

export interface Delegation {
  readonly publicKey: Uint8Array
  readonly expirationNs: bigint
  /** Canisters for which it holds; all, if none is named. */
  readonly targets: readonly Uint8Array[] | undefined
  readonly queriesOnly: boolean
  readonly hash: Uint8Array
  readonly signature: Uint8Array
}

export interface RequestEnvelope<R extends CallRequest | ReadStateRequest = CallRequest | ReadStateRequest> {
  /** As it came. */
  readonly bytes: Uint8Array
  readonly request: R
  /** 32 bytes: the hash of the request, however it was written. */
  readonly id: Uint8Array
  readonly publicKey: Uint8Array | undefined
  readonly signature: Uint8Array | undefined
  readonly delegations: readonly Delegation[]
}

const ENVELOPE_FIELDS = new Set(['content', 'sender_pubkey', 'sender_sig', 'sender_delegation'])
const CALL_FIELDS = new Set([
  'request_type',
  'canister_id',
  'method_name',
  'arg',
  'sender',
  'ingress_expiry',
  'nonce',
  'sender_info',
])
const READ_FIELDS = new Set(['request_type', 'paths', 'sender', 'ingress_expiry', 'nonce'])
const DELEGATION_FIELDS = new Set(['pubkey', 'expiration', 'targets', 'permissions'])
const METHOD_MAX = 20_000

/** @throws {MalformedBytes} */
export function decodeRequestEnvelope(bytes: Uint8Array): RequestEnvelope {
  const envelope = mapOf(decodeIc(bytes), 'envelope')
  const content = envelope.get('content')
  if (!isIcMap(content)) throw bad('envelope: no content')
  const request = readRequest(content)
  // A call stands in a feed as it came. Around reads replicas overlook what else is there: agents 2.1.3 to 2.2.1 write
  // a second `ingress_expiry`.
  if (request.type === 'call') mapOf(envelope, 'envelope', ENVELOPE_FIELDS)
  const chain = envelope.get('sender_delegation')
  return {
    bytes,
    request,
    id: hashOfMap(content),
    publicKey: optionalBytes(envelope, 'sender_pubkey'),
    signature: optionalBytes(envelope, 'sender_sig'),
    delegations: chain === undefined ? [] : listOf(chain, 'sender_delegation', IC_DELEGATIONS_MAX).map(readDelegation),
  }
}

/** The envelope of an update call. @throws {MalformedBytes} */
export function decodeIngress(bytes: Uint8Array): RequestEnvelope<CallRequest> {
  const envelope = decodeRequestEnvelope(bytes)
  if (envelope.request.type === 'call') return { ...envelope, request: envelope.request }
  throw bad('envelope: expected a call')
}

function readRequest(content: IcMap): CallRequest | ReadStateRequest {
  const type = content.get('request_type')
  const anyNonce = content.get('nonce')
  if (anyNonce !== undefined && !(anyNonce instanceof Uint8Array && anyNonce.length <= IC_NONCE_MAX_BYTES))
    throw bad('envelope: bad nonce')
  if (type === 'read_state') {
    mapOf(content, 'content', READ_FIELDS)
    return { type, ...fieldsOf(content), paths: listOf(content.get('paths'), 'paths', IC_PATHS_MAX).map(readPath) }
  }
  if (type !== 'call' && type !== 'query') throw bad('envelope: unknown request_type')
  mapOf(content, 'content', CALL_FIELDS)
  const method = content.get('method_name')
  if (typeof method !== 'string' || method.length > METHOD_MAX) throw bad('envelope: bad method_name')
  const info = content.get('sender_info')
  return {
    type,
    ...fieldsOf(content),
    canister: principalOf(content.get('canister_id'), 'canister_id'),
    method,
    arg: bytesOf(content, 'arg'),
    senderInfo: info === undefined ? undefined : readSenderInfo(info),
  }
}

function fieldsOf(content: IcMap): RequestFields {
  return {
    sender: principalOf(content.get('sender'), 'sender'),
    expiryNs: natOf(content.get('ingress_expiry'), 'ingress_expiry'),
  }
}

function readSenderInfo(value: IcValue): SenderInfo {
  const map = mapOf(value, 'sender_info', new Set(['info', 'signer', 'sig']))
  return {
    info: bytesOf(map, 'info'),
    signer: principalOf(map.get('signer'), 'signer'),
    signature: bytesOf(map, 'sig'),
  }
}

function readPath(value: IcValue): readonly Uint8Array[] {
  return listOf(value, 'path', IC_PATH_LABELS_MAX).map(label => {
    if (label instanceof Uint8Array) return label
    throw bad('envelope: a label is not bytes')
  })
}

function readDelegation(value: IcValue): Delegation {
  const signed = mapOf(value, 'delegation', new Set(['delegation', 'signature']))
  const delegation = mapOf(signed.get('delegation'), 'delegation', DELEGATION_FIELDS)
  const targets = delegation.get('targets')
  const permissions = delegation.get('permissions')
  if (permissions !== undefined && permissions !== 'queries' && permissions !== 'all')
    throw bad('delegation: unknown permissions')
  return {
    publicKey: bytesOf(delegation, 'pubkey'),
    expirationNs: natOf(delegation.get('expiration'), 'expiration'),
    targets:
      targets === undefined
        ? undefined
        : listOf(targets, 'targets', IC_DELEGATION_TARGETS_MAX).map(target => principalOf(target, 'target')),
    queriesOnly: permissions === 'queries',
    hash: hashOfMap(delegation),
    signature: bytesOf(signed, 'signature'),
  }
}

/** With `fields`, a map of no others. */
function mapOf(value: IcValue | undefined, what: string, fields?: ReadonlySet<string>): IcMap {
  if (!isIcMap(value)) throw bad(`${what}: expected a map`)
  for (const key of value.keys())
    if (fields?.has(key) === false) throw bad(`${what}: unknown field ${key.slice(0, 40)}`)
  return value
}

function listOf(value: IcValue | undefined, what: string, max: number): readonly IcValue[] {
  if (!Array.isArray(value)) throw bad(`${what}: expected a list`)
  if (value.length > max) throw bad(`${what}: ${value.length} entries, at most ${max} are taken`)
  return value as readonly IcValue[]
}

function bytesOf(map: IcMap, name: string): Uint8Array {
  const value = map.get(name)
  if (value instanceof Uint8Array) return value
  throw bad(`${name}: expected bytes`)
}

function optionalBytes(map: IcMap, name: string): Uint8Array | undefined {
  return map.has(name) ? bytesOf(map, name) : undefined
}

function principalOf(value: IcValue | undefined, what: string): Uint8Array {
  if (value instanceof Uint8Array && value.length <= PRINCIPAL_MAX_BYTES) return value
  throw bad(`${what}: expected a principal`)
}

function natOf(value: IcValue | undefined, what: string): bigint {
  if (typeof value === 'number' || typeof value === 'bigint') return BigInt(value)
  throw bad(`${what}: expected a number`)
}

const bad = (what: string): MalformedBytes => new MalformedBytes(what, 0)
