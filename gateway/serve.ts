/**
 * How one request is answered:
 *
 * 1. The Host header must be one of ours, whatever is asked for.
 * 2. The path is decoded once and looked up in the table; own pages and other faces come after it. At the host of a canister there
 *    is nothing but what is the canister's: its pages must not reach the node as if they were its own.
 * 3. Who asks for an admin operation shows the token, and is no page of another origin.
 * 4. The body is bounded before and while it is read; then the operation is called.
 * 5. Whatever fails becomes a problem document; what is our fault is logged under the id of the request.
 */
import {
  type Clock,
  Failure,
  type OperationName,
  type Operations,
  type OperationRow,
  decodeRequest,
  encodeAnswer,
  rowOf,
  STREAMS_MAX,
} from '../protocol/index.ts'
import type { AdminGate } from './admin-gate.ts'
import { type AnswerContext, sendBody, sendPreflight, sendProblem } from './answer.ts'
import { readBody } from './body.ts'
import type { Call } from './call.ts'
import { sendEvents } from './event-stream.ts'
import type { FaultLog } from './fault-log.ts'
import { type HostRule, isSameOrigin } from './host-rule.ts'
import { serveMounts } from './mounts.ts'
import type { Mount } from './parts.ts'
import { publicProblem } from './problem.ts'
import type { Route, Router } from './router.ts'
import { parseTarget, type Target } from './target.ts'
import type { WaitingAnswers } from './waiting-answers.ts'

/** A page of the gateway itself, outside the table. */
export interface OwnPage {
  readonly mediaType: string
  readonly isOpen: boolean
  readonly text: () => string
}

export interface ServeParts {
  readonly operations: Operations
  readonly router: Router
  readonly pages: ReadonlyMap<string, OwnPage>
  readonly mounts: readonly Mount[]
  /** What there is at hosts of canisters. */
  readonly canisterMounts: readonly Mount[]
  readonly admitHost: HostRule
  readonly admitAdmin: AdminGate
  readonly clock: Clock
  readonly tellFault: FaultLog
  /** Event streams that are open now; the gateway counts them. */
  readonly streams: { open: number }
  readonly answers: WaitingAnswers
}

/** Answers a request. Gives the operation that was asked for, if there is one; never rejects. */
export async function serve(parts: ServeParts, call: Call, proceed: () => void): Promise<OperationName | undefined> {
  const asked: { name: OperationName | undefined } = { name: undefined }
  let isOpen = false
  try {
    if (admittedHost(parts, call) === 'canister') {
      isOpen = true
      await serveMounts(parts.canisterMounts, call, proceed)
      return undefined
    }
    const target = parseTarget(call.request.url ?? '')
    const route = parts.router(target.segments)
    isOpen = route === undefined || !Object.values(route.operations).some(name => rowOf(name).access === 'admin')
    if (route === undefined) await serveElsewhere(parts, call, target, proceed)
    else await serveRoute(parts, call, { route, target, isOpen, proceed, asked })
  } catch (thrown) {
    fail(parts, call, call.explain(thrown), isOpen)
  }
  return asked.name
}

/** @throws {Failure} `host-refused` */
function admittedHost(parts: ServeParts, { request }: Call): 'node' | 'canister' {
  const { rawHeaders, headers } = request
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1
  }
  const found = hosts === 1 ? parts.admitHost(headers.host) : undefined
  if (found === undefined) throw new Failure('host-refused')
  return found
}

function contextOf(call: Call, isOpen: boolean): AnswerContext {
  return {
    response: call.response,
    requestId: call.id,
    isOpen,
    isHead: call.request.method === 'HEAD',
    hasUnreadBody: call.hasUnreadBody,
  }
}

interface Routed {
  readonly route: Route
  readonly target: Target
  readonly isOpen: boolean
  readonly proceed: () => void
  readonly asked: { name: OperationName | undefined }
}

async function serveRoute(parts: ServeParts, call: Call, routed: Routed): Promise<void> {
  const { request } = call
  const { operations } = routed.route
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '')
  const name = operations[method]
  if (name === undefined) {
    const methods = allowedMethods(Object.keys(operations))
    if (method === 'OPTIONS') sendPreflight(contextOf(call, routed.isOpen), methods)
    else
      fail(parts, call, new Failure('method-not-allowed', { allowed: methods }), routed.isOpen, {
        allow: methods,
      })
    return
  }
  routed.asked.name = name
  const row = rowOf(name)
  if (row.access === 'admin') admitAdmin(parts, call)
  const body = await readBody(request, row.body, routed.proceed)
  const query =
    row.answer.kind === 'stream'
      ? resumed(row, routed.target.query, request.headers['last-event-id'])
      : routed.target.query
  const input = decodeRequest(name, { params: routed.route.params, query, body })
  if (row.answer.kind === 'stream') await serveStream(parts, call, name, row, input)
  else await serveAnswer(parts, call, name, row, input, routed.isOpen)
}

function allowedMethods(methods: readonly string[]): string {
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ')
}

/** @throws {Failure} `host-refused`, `not-permitted`, `busy` */
function admitAdmin(parts: ServeParts, { request }: Call): void {
  const { origin, host, authorization } = request.headers
  const site = request.headers['sec-fetch-site']
  const isForeign =
    (origin !== undefined && !isSameOrigin(origin, host)) || site === 'cross-site' || site === 'same-site'
  if (isForeign) throw new Failure('host-refused', {}, { note: 'pages of another origin may not use the admin API' })
  parts.admitAdmin(authorization, request.socket.remoteAddress ?? '')
}

/** A reader that comes back names the last event it had; the stream goes on after it. */
function resumed(row: OperationRow, query: Target['query'], lastId: string | string[] | undefined): Target['query'] {
  const hasCursor = row.answer.kind === 'stream' && row.answer.cursor !== undefined
  if (!hasCursor || typeof lastId !== 'string' || lastId === '') return query
  if (!/^[0-9]{1,15}$/.test(lastId)) throw new Failure('malformed-request', {}, { note: 'Last-Event-ID is no slot' })
  return { ...query, from: String(Number(lastId) + 1) }
}

/** An operation without its types: the table has checked what goes in. */
type Untyped = (input: unknown, options: Call) => unknown

async function serveAnswer(
  parts: ServeParts,
  call: Call,
  name: OperationName,
  row: OperationRow,
  input: unknown,
  isOpen: boolean,
): Promise<void> {
  const value = await (parts.operations[name] as Untyped)(input, call)
  const context = contextOf(call, isOpen)
  if (row.answer.kind === 'bytes') sendBody(context, 200, row.answer.mediaType, value as Uint8Array)
  else sendBody(context, 200, 'application/json', encodeAnswer(value))
}

async function serveStream(
  parts: ServeParts,
  call: Call,
  name: OperationName,
  row: OperationRow,
  input: unknown,
): Promise<void> {
  const context = contextOf(call, true)
  if (context.isHead) return sendBody(context, 200, 'text/event-stream', '')
  if (parts.streams.open >= STREAMS_MAX) throw new Failure('busy', { streams: STREAMS_MAX })
  parts.streams.open += 1
  try {
    const values = (parts.operations[name] as Untyped)(input, call) as AsyncIterable<unknown>
    const cursor = row.answer.kind === 'stream' ? row.answer.cursor : undefined
    const problemOf = (error: unknown) => problemFor(parts, call, call.explain(error))
    const wrote = () => parts.answers.wrote(call.response)
    await sendEvents(context, { values, cursor }, { signal: call.signal, problemOf, wrote })
  } finally {
    parts.streams.open -= 1
  }
}

async function serveElsewhere(parts: ServeParts, call: Call, target: Target, proceed: () => void): Promise<void> {
  const { request } = call
  const path = target.segments.join('/')
  // A page of a canister is asked for by a query.
  const isOfCanister = path === '' && Object.keys(target.query).length > 0
  const page = isOfCanister ? undefined : parts.pages.get(path)
  if (page !== undefined) {
    const context = contextOf(call, page.isOpen)
    if (request.method === 'OPTIONS') return sendPreflight(context, 'GET, HEAD, OPTIONS')
    if (request.method === 'GET' || request.method === 'HEAD')
      return sendBody(context, 200, page.mediaType, page.text())
    const allow = 'GET, HEAD, OPTIONS'
    return fail(parts, call, new Failure('method-not-allowed', { allowed: allow }), page.isOpen, {
      allow,
    })
  }
  if (target.segments[0] === 'v1') throw new Failure('not-found')
  await serveMounts(parts.mounts, call, proceed)
}

function fail(parts: ServeParts, call: Call, error: unknown, isOpen: boolean, headers?: Record<string, string>): void {
  sendProblem(contextOf(call, isOpen), problemFor(parts, call, error), headers)
}

function problemFor({ tellFault }: ServeParts, call: Call, error: unknown): ReturnType<typeof publicProblem> {
  const failure = Failure.from(error)
  tellFault(failure, { request: call.id, method: call.request.method })
  return publicProblem(failure, call.id)
}
