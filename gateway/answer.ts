import type { ServerResponse } from 'node:http'
import { LINGER_MAX_BYTES, LINGER_MAX_MS } from '../protocol/index.ts'
import type { RequestProblem } from './problem.ts'

/** Headers of every answer: nothing here is a page, and no page may frame or guess at it. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

const OPEN_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'x-request-id, retry-after',
}

/** How answers of one request are sent. */
export interface AnswerContext {
  readonly response: ServerResponse
  readonly requestId: string
  /** Any page may read the answer: public operations only. */
  readonly isOpen: boolean
  readonly isHead: boolean
  /** A body is announced that nobody has read to its end. */
  readonly hasUnreadBody: boolean
}

const PROBLEM_MEDIA_TYPE = 'application/problem+json'

/** The headers that every answer of the context has. */
export function headersOf(
  { requestId, isOpen }: AnswerContext,
  extra: Record<string, string | number>,
): Record<string, string | number> {
  return {
    ...SECURITY_HEADERS,
    ...(isOpen ? OPEN_HEADERS : {}),
    'x-request-id': requestId,
    'cache-control': 'no-store',
    ...extra,
  }
}

/** Sends a whole answer at once. */
export function sendBody(
  context: AnswerContext,
  status: number,
  mediaType: string,
  body: string | Uint8Array,
  extra: Record<string, string | number> = {},
): void {
  const { response, isHead } = context
  if (response.headersSent || response.destroyed) return
  const sizeBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  response.writeHead(status, headersOf(context, { 'content-type': mediaType, 'content-length': sizeBytes, ...extra }))
  response.end(isHead ? undefined : body)
}

/**
 * Sends a problem document. A body that was not read is taken and dropped for a moment, then its connection is
 * closed: closed at once, it would be reset, and the client would never read why.
 */
export function sendProblem(
  context: AnswerContext,
  problem: RequestProblem,
  extra: Record<string, string | number> = {},
): void {
  const { response, hasUnreadBody, isHead } = context
  const retry = problem.status === 429 || problem.status === 503 ? { 'retry-after': 1 } : {}
  const body = JSON.stringify(problem)
  if (!hasUnreadBody) {
    sendBody(context, problem.status, PROBLEM_MEDIA_TYPE, body, { ...retry, ...extra })
    return
  }
  if (response.headersSent || response.destroyed) return
  const headers = {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  response.writeHead(problem.status, headersOf(context, { ...headers, ...retry, ...extra }))
  if (!isHead) response.write(body)
  const { req: request } = response
  let droppedBytes = 0
  const end = (): void => {
    clearTimeout(timer)
    request.off('data', drop)
    response.end()
  }
  const drop = (piece: Uint8Array): void => {
    droppedBytes += piece.length
    if (droppedBytes > LINGER_MAX_BYTES) end()
  }
  const timer = setTimeout(end, LINGER_MAX_MS)
  request.once('end', end).once('error', end).once('close', end).on('data', drop).resume()
}

/** Tells a browser what it may send. */
export function sendPreflight(context: AnswerContext, methods: string): void {
  const cors = {
    'access-control-allow-methods': methods,
    'access-control-allow-headers': 'content-type, last-event-id',
    'access-control-max-age': 86_400,
  }
  context.response.writeHead(204, headersOf(context, { allow: methods, ...(context.isOpen ? cors : {}) }))
  context.response.end()
}
