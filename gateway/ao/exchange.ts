import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { FAILURES, Failure, fromUtf8, LINGER_MAX_MS, MalformedBytes, NEXT_STEPS } from '../../protocol/index.ts'
import { readPlainBody } from '../body.ts'

/** One request of the façade, and the way to answer it. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly method: string
  /** Parts of the path after the unit's name, decoded; no empty ones. */
  readonly path: readonly string[]
  readonly query: URLSearchParams
  /** Fires when the client has gone. */
  readonly signal: AbortSignal
}

/** Clients of AO run in browser pages of any origin; nothing here needs a credential. */
const OPEN: OutgoingHttpHeaders = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': '*',
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, JSON.stringify(body), 'application/json; charset=utf-8')
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  type = 'text/plain; charset=utf-8',
): void {
  sendBytes(response, status, Buffer.from(text), { 'content-type': type })
}

/** Answers with bytes; a HEAD request gets the headers alone. */
export function sendBytes(
  response: ServerResponse,
  status: number,
  bytes: Uint8Array,
  headers: OutgoingHttpHeaders,
): void {
  if (response.headersSent || response.destroyed) return
  const length = { 'content-length': bytes.length }
  response.writeHead(status, { ...OPEN, 'cache-control': 'no-store', ...length, ...headers })
  if (response.req.method === 'HEAD') response.end()
  else response.end(bytes)
}

/** Answers a browser's question whether it may send its request: it may. */
export function sendPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    ...OPEN,
    'access-control-allow-methods': 'GET, HEAD, POST, DELETE, OPTIONS',
    'access-control-allow-headers': '*',
    'access-control-max-age': '86400',
  })
  response.end()
}

/**
 * AO's shape of an error, with the code and what to do next beside it. What this machine is to blame
 * for shows its title alone. A body that was not read is taken and dropped for a moment: a connection
 * closed at once would be reset, and the client would never read why.
 */
export function sendFailure(response: ServerResponse, failure: Failure): void {
  if (response.headersSent || response.destroyed) return
  const { status, title } = FAILURES[failure.code]
  const text = failure.blame === 'host' ? title : failure.message
  const body = JSON.stringify({ error: text, code: failure.code, next: NEXT_STEPS[failure.code] })
  const { req: request } = response
  const isUnread = !request.complete && hasBody(request)
  const headers: OutgoingHttpHeaders = {
    ...OPEN,
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    ...(status === 429 || status === 503 ? { 'retry-after': '1' } : {}),
    ...(isUnread ? { connection: 'close' } : {}),
  }
  response.writeHead(status, headers)
  if (request.method !== 'HEAD') response.write(body)
  if (!isUnread) {
    response.end()
    return
  }
  const end = (): void => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(end, LINGER_MAX_MS)
  request.once('end', end).once('error', end).once('close', end).resume()
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/** The body as JSON. @throws {Failure} `malformed-request`, and as `readPlainBody` */
export async function readJson(request: IncomingMessage, maxBytes: number): Promise<unknown> {
  const bytes = await readPlainBody(request, maxBytes)
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (cause) {
    const what = cause instanceof MalformedBytes ? 'the body is not UTF-8' : 'the body is not JSON'
    throw new Failure('malformed-request', {}, { cause, note: what })
  }
}

/** A parameter that says something: clients write `undefined` into URLs for what they leave out. */
export function parameter(query: URLSearchParams, name: string): string | undefined {
  const value = query.get(name)
  return value === null || value === '' || value === 'undefined' || value === 'null' ? undefined : value
}

/** A page size from 1 to `max`. @throws {Failure} `malformed-request` */
export function pageSize(query: URLSearchParams, fallback: number, max: number): number {
  const text = parameter(query, 'limit')
  if (text === undefined) return fallback
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1) {
    throw new Failure('malformed-request', { limit: text }, { note: 'limit is a number from 1 on' })
  }
  return Math.min(limit, max)
}

/** @throws {Failure} `method-not-allowed` */
export function expectMethod(exchange: Exchange, ...methods: readonly string[]): void {
  const method = exchange.method === 'HEAD' ? 'GET' : exchange.method
  if (!methods.includes(method)) throw new Failure('method-not-allowed', { method: exchange.method })
}

/** @throws {Failure} `not-found` */
export function nothingThere(exchange: Exchange): never {
  throw new Failure('not-found', { path: exchange.path.join('/').slice(0, 200) })
}
