import { Buffer } from 'node:buffer'
import { type Cells, CborReader, CborWriter, HttpFetchOutput, toUtf8 } from '../../../protocol/index.ts'
import { numbered } from '../cell-keys.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import { type Fields, recordOf } from './fields.ts'
import type { HttpResponse } from './http-replies.ts'

const OUTCALLS = 'h/'
/** What an outcall may bring back when it says nothing: what fits an effect. */
const RESPONSE_MAX_BYTES = 1_000_000n
const HEADERS_MAX = 64
const HEADER_MAX_BYTES = 8 * 1024
const HEADERS_MAX_BYTES = 48 * 1024
/** What the IC says it is to whoever is asked. */
const USER_AGENT = 'ic/1.0'
/** It waits in a cell for the answer. */
const TRANSFORM_MAX_BYTES = 60_000

/** A query of the canister's own that makes equal what differs between answers. */
export interface Transform {
  readonly method: string
  readonly context: Uint8Array
}

/** A request that is under way: what becomes of its answer. */
export interface Outcall {
  readonly transform: Transform | undefined
  /** Of the answer, and of what the transform makes of it. */
  readonly maxBytes: number
}

/** Asked for by several nodes, these would race with themselves: the interface has them asked for by one alone. */
const BY_ONE_NODE: ReadonlySet<string> = new Set(['put', 'delete', 'patch'])

/** What `http_request` asks for, as the input of `http.fetch`. @throws {Rejected} */
export function readHttpRequest(fields: Fields, self: Uint8Array): Outcall & { readonly input: unknown } {
  const method = fields.variant('method', ['get', 'head', 'post', 'put', 'delete', 'patch'])
  if (BY_ONE_NODE.has(method.name) && fields.get('is_replicated') !== false)
    throw new Rejected(
      'IC0406',
      `the method ${method.name.toUpperCase()} is for requests with is_replicated = opt false`,
    )
  const headers = readHeaders(fields)
  const asked = fields.natIf('max_response_bytes', 2_000_000n) ?? RESPONSE_MAX_BYTES
  const maxBytes = Math.max(1, Math.min(Number(asked), Number(RESPONSE_MAX_BYTES)))
  const body = fields.blobIf('body')
  const input = {
    url: fields.text('url'),
    method: method.name.toUpperCase(),
    headers,
    maxBytes,
    ...(body === undefined || body.length === 0 ? {} : { bodyBase64: Buffer.from(body).toString('base64') }),
  }
  return { input, maxBytes, transform: readTransform(fields.recordIf('transform'), self) }
}

function readHeaders(fields: Fields): Record<string, string> {
  const list = fields.listIf('headers') ?? []
  if (list.length > HEADERS_MAX) throw new Rejected('IC0408', `at most ${HEADERS_MAX} headers`)
  const pairs = list.map(value => {
    const header = recordOf(value, 'headers')
    return [header.text('name'), header.text('value')] as const
  })
  const sizes = pairs.flat().map(text => toUtf8(text).length)
  if (sizes.some(size => size > HEADER_MAX_BYTES))
    throw new Rejected('IC0408', `a name or value of a header has at most ${HEADER_MAX_BYTES} bytes`)
  if (sizes.reduce((sum, size) => sum + size, 0) > HEADERS_MAX_BYTES)
    throw new Rejected('IC0408', `headers have at most ${HEADERS_MAX_BYTES} bytes`)
  const named = pairs.some(([name]) => name.toLowerCase() === 'user-agent')
  return Object.fromEntries(named ? pairs : [['user-agent', USER_AGENT], ...pairs])
}

function readTransform(fields: Fields | undefined, self: Uint8Array): Transform | undefined {
  if (fields === undefined) return undefined
  const value = fields.get('function')
  const reference = typeof value === 'object' && value !== null && 'record' in value ? value.record : new Map()
  const [owner, method] = [reference.get(0), reference.get(1)]
  const isOwn =
    typeof owner === 'object' && owner !== null && 'principal' in owner && owner.principal.join() === self.join()
  if (!isOwn || typeof method !== 'string')
    throw new Rejected('IC0408', 'a transform is a query of the canister itself')
  const context = fields.blobIf('context') ?? new Uint8Array(0)
  if (toUtf8(method).length + context.length > TRANSFORM_MAX_BYTES) {
    throw new Rejected('IC0408', `a transform and its context have at most ${TRANSFORM_MAX_BYTES} bytes`)
  }
  return { method, context }
}

export function putOutcall(cells: Cells, callback: number, { transform, maxBytes }: Outcall): void {
  const writer = new CborWriter()
  writer.array(3)
  writer.text(transform?.method ?? '')
  writer.bytes(transform?.context ?? new Uint8Array(0))
  writer.uint(maxBytes)
  cells.set(numbered(OUTCALLS, callback), writer.finish())
}

/** Takes an outcall that is under way: its first outcome counts. */
export function takeOutcall(cells: Cells, callback: number): Outcall | undefined {
  const key = numbered(OUTCALLS, callback)
  const bytes = cells.get(key)
  if (bytes === undefined) return undefined
  cells.delete(key)
  const reader = new CborReader(bytes)
  reader.array()
  const method = reader.text()
  const context = reader.bytes()
  return { transform: method === '' ? undefined : { method, context }, maxBytes: Number(reader.uint()) }
}

/** What may be otherwise another time; all else is said for good. */
const PASSING: ReadonlySet<string> = new Set(['effect-failed', 'effect-timeout'])

/** What the outside answered. @throws {Rejected} */
export function readHttpOutcome(failed: boolean, data: Uint8Array): HttpResponse {
  let told: unknown
  try {
    told = JSON.parse(Buffer.from(data).toString())
  } catch {
    told = undefined
  }
  if (failed) {
    const { message = 'the request failed', code = '' } =
      typeof told === 'object' && told !== null ? (told as { message?: unknown; code?: unknown }) : {}
    const isPassing = PASSING.has(String(code))
    throw new Rejected(
      isPassing ? 'IC0206' : 'IC0406',
      String(message).toWellFormed(),
      isPassing ? REJECT.transient : REJECT.fatal,
    )
  }
  const parsed = HttpFetchOutput.safeParse(told)
  if (!parsed.success) throw new Rejected('IC0206', 'the answer has another form', REJECT.transient)
  const { status, headers, body, bodyBase64 } = parsed.data
  const bytes =
    bodyBase64 === undefined ? toUtf8((body ?? '').toWellFormed()) : new Uint8Array(Buffer.from(bodyBase64, 'base64'))
  return { status, headers, body: bytes }
}
