import {
  candidFields,
  candidLabel,
  candidRecord,
  type CandidRecord,
  type CandidType,
  type CandidValue,
  decodeCandid,
  encodeCandid,
  equalBytes,
  firstRecord,
  IC_PAGE_HEADERS_MAX,
  IC_PAGE_HEADERS_MAX_BYTES,
  MalformedBytes,
} from '../../protocol/index.ts'

/** The messages between a gateway and a canister that serves pages (IC HTTP gateway protocol specification, "Canister HTTP interface"). */
export interface PageRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: readonly Header[]
  readonly body: Uint8Array
}

export type Header = readonly [name: string, value: string]

export interface PageResponse {
  readonly status: number
  readonly headers: readonly Header[]
  readonly body: Uint8Array
  /** It wants to be asked again, by an update. */
  readonly upgrades: boolean
  /** Where the rest of the body is. */
  readonly more: MorePage | undefined
}

/** The query that gives the next piece, and the Candid of its argument, whose type is the canister's own. */
export interface MorePage {
  readonly method: string
  readonly token: Uint8Array
}

const BLOB: CandidType = { vec: 'nat8' }
const HEADER: CandidType = {
  record: [
    [0, 'text'],
    [1, 'text'],
  ],
}
const REQUEST_FIELDS = { method: 'text', url: 'text', headers: { vec: HEADER }, body: BLOB } as const
const UPDATE: CandidType = { record: candidFields(REQUEST_FIELDS) }
const QUERY: CandidType = { record: candidFields({ ...REQUEST_FIELDS, certificate_version: { opt: 'nat16' } }) }
/** The newest way of certifying a response that gateways know. */
const CERTIFICATE_VERSION = 2n
const TOKEN = candidLabel('token')
const STATUS_MIN = 200
const STATUS_MAX = 599

/** The argument of `http_request`, or of `http_request_update`. */
export function encodePageRequest({ method, url, headers, body }: PageRequest, isUpdate: boolean): Uint8Array {
  const fields = { method, url, headers: headers.map(headerValue), body }
  if (isUpdate) return encodeCandid([[UPDATE, candidRecord(fields)]])
  return encodeCandid([[QUERY, candidRecord({ ...fields, certificate_version: { opt: CERTIFICATE_VERSION } })]])
}

const headerValue = ([name, value]: Header): CandidValue => ({
  record: new Map([
    [0, name],
    [1, value],
  ]),
})

/** What the canister `self` answered. @throws {MalformedBytes} */
export function decodePageResponse(bytes: Uint8Array, self: Uint8Array): PageResponse {
  const fields = firstRecord(decodeCandid(bytes, { apart: TOKEN }))
  const status = Number(field(fields, 'status_code'))
  if (!Number.isInteger(status) || status < STATUS_MIN || status > STATUS_MAX) throw bad('status_code')
  const strategy = field(fields, 'streaming_strategy')
  return {
    status,
    headers: headersOf(field(fields, 'headers')),
    body: blobOf(field(fields, 'body')),
    upgrades: field(fields, 'upgrade') === true,
    more: strategy === undefined ? undefined : callbackOf(strategy, self),
  }
}

/** A further piece of a body, and where the next is. @throws {MalformedBytes} */
export function decodePagePiece(
  bytes: Uint8Array,
  method: string,
): { readonly body: Uint8Array; readonly more: MorePage | undefined } {
  // Some canisters answer with the record, some with an option of it.
  const [first] = decodeCandid(bytes, { apart: TOKEN })
  const inner = unwrapped(first ?? null)
  if (inner === undefined) return { body: new Uint8Array(0), more: undefined }
  const fields = recordOf(inner, 'the answer of a callback')
  const token = field(fields, 'token')
  return { body: blobOf(field(fields, 'body')), more: token instanceof Uint8Array ? { method, token } : undefined }
}

function callbackOf(strategy: CandidValue, self: Uint8Array): MorePage {
  if (!isTagged(strategy, 'variant') || strategy.variant[0] !== candidLabel('Callback')) throw bad('streaming_strategy')
  const content = recordOf(strategy.variant[1], 'streaming_strategy')
  const callback = recordOf(field(content, 'callback') ?? null, 'callback')
  const [owner, method, token] = [callback.get(0), callback.get(1), field(content, 'token')]
  const isOwn = owner !== undefined && isTagged(owner, 'principal') && equalBytes(owner.principal, self)
  if (!isOwn || typeof method !== 'string' || !(token instanceof Uint8Array)) throw bad('callback')
  return { method, token }
}

function headersOf(value: CandidValue | undefined): Header[] {
  if (!Array.isArray(value)) throw bad('headers')
  const list = value as readonly CandidValue[]
  let left = IC_PAGE_HEADERS_MAX_BYTES
  if (list.length > IC_PAGE_HEADERS_MAX) throw bad(`headers: more than ${IC_PAGE_HEADERS_MAX}`)
  return list.map(one => {
    const pair = recordOf(one, 'headers')
    const [name, text] = [pair.get(0), pair.get(1)]
    if (typeof name !== 'string' || typeof text !== 'string') throw bad('headers')
    left -= name.length + text.length
    if (left < 0) throw bad(`headers: more than ${IC_PAGE_HEADERS_MAX_BYTES} bytes`)
    return [name, text] as const
  })
}

/** A field, `opt` seen through. */
function field(record: CandidRecord, name: string): CandidValue | undefined {
  const value = record.get(candidLabel(name))
  return value === undefined ? undefined : unwrapped(value)
}

function unwrapped(value: CandidValue): CandidValue | undefined {
  let inner: CandidValue | undefined = value
  while (inner !== undefined && isTagged(inner, 'opt')) inner = inner.opt
  return inner ?? undefined
}

function recordOf(value: CandidValue, what: string): CandidRecord {
  if (isTagged(value, 'record')) return value.record
  throw bad(what)
}

function blobOf(value: CandidValue | undefined): Uint8Array {
  if (value instanceof Uint8Array) return value
  throw bad('body')
}

type Tagged = Extract<
  CandidValue,
  | { readonly opt: unknown }
  | { readonly record: unknown }
  | { readonly variant: unknown }
  | { readonly principal: unknown }
>

function isTagged<K extends 'opt' | 'record' | 'variant' | 'principal'>(
  value: CandidValue,
  key: K,
): value is Extract<Tagged, Readonly<Record<K, unknown>>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && key in value
}

const bad = (what: string): MalformedBytes => new MalformedBytes(`the canister's answer: ${what}`, 0)
