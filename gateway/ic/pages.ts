/**
 * Pages of canisters: HTTP requests for a canister are carried to its `http_request`, as the IC's HTTP gateways do.
 *
 * 1. A canister is named by the host (`<canister>.<host of the node>`) or, at the node's own, by `?canisterId=`.
 * 2. Each canister has a host of its own, so that browsers keep its pages apart; what it serves at the node's own is shown by
 *    browsers apart from all else (`sandbox`), and neither cookies nor other lasting marks come with it, or go to it.
 * 3. Headers and body go to the client as the canister gave them, so that what it certified can be verified by whoever reads it. The
 *    node itself has evaluated the canister, and needs no certificate to believe it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  ANONYMOUS_PRINCIPAL,
  type CanisterAnswer,
  encodeIc,
  FAILURES,
  Failure,
  IC_PAGE_MAX_BYTES,
  IC_PAGE_REQUEST_MAX_BYTES,
  icMap,
  MalformedBytes,
  type RequestEnvelope,
  type CallRequest,
} from '../../protocol/index.ts'
import { sendPreflight, sendText } from '../ao/exchange.ts'
import { readPlainBody } from '../body.ts'
import { canisterOfHost } from '../canister-host.ts'
import { admit, answerAt } from './call.ts'
import type { Canister } from './canisters.ts'
import type { Desk } from './desk.ts'
import { goneOf } from './held.ts'
import { principalInPath, readEnvelope } from './incoming.ts'
import { browserGuard, headersFor, headersToldTo } from './page-headers.ts'
import {
  decodePagePiece,
  decodePageResponse,
  encodePageRequest,
  type MorePage,
  type PageRequest,
  type PageResponse,
} from './page-messages.ts'
import { ask } from './query.ts'
import { CallRefusal, HttpRefusal } from './refusal.ts'

const BAD_GATEWAY = 502
const UPDATE_EXPIRY_MS = 240_000
const NS_PER_MS = 1_000_000n

/** Answers a request if it is for a page of a canister. Never rejects. */
export type PagesFacade = (request: IncomingMessage, response: ServerResponse, url: () => URL) => Promise<boolean>

export function createPages(desk: Desk): PagesFacade {
  return async (request, response, urlOf) => {
    const url = urlOf()
    const own = canisterOfHost(request.headers.host ?? '')
    const named = url.searchParams.get('canisterId')
    if (own === undefined && named === null) return false
    try {
      const principal = own?.canister ?? principalInPath(named ?? '')
      await answer(desk, { request, response, url, principal, isApart: own !== undefined })
    } catch (error) {
      fail(desk, response, error)
    }
    return true
  }
}

interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly url: URL
  readonly principal: Uint8Array
  /** Whether the canister has this host to itself. */
  readonly isApart: boolean
}

async function answer(desk: Desk, visit: Visit): Promise<void> {
  const { request, response, principal, isApart } = visit
  if (request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined)
    return sendPreflight(response)
  const guard = isApart ? undefined : browserGuard(visit)
  if (guard?.elsewhere !== undefined) {
    response.writeHead(307, { location: guard.elsewhere, 'cache-control': 'no-store' }).end()
    return
  }
  const found = await desk.canisters.find(principal)
  if (found === undefined) throw new HttpRefusal(404, 'There is no such canister.')
  const wanted: PageRequest = {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers: headersToldTo(request.rawHeaders, isApart),
    body: await readPlainBody(request, IC_PAGE_REQUEST_MAX_BYTES),
  }
  const first = decodePageResponse(
    replyOf(await askPage(desk, found, 'http_request', encodePageRequest(wanted, false))),
    principal,
  )
  const page = first.upgrades ? await upgraded(desk, found, wanted, response) : first
  await send(desk, found, visit, page, guard?.policy)
}

function askPage(desk: Desk, found: Canister, method: string, arg: Uint8Array): Promise<CanisterAnswer> {
  return ask(desk, found, { canister: found.principal, method, arg, sender: ANONYMOUS_PRINCIPAL })
}

function replyOf({ reply, reject }: CanisterAnswer): Uint8Array {
  if (reject === undefined) return reply
  throw new HttpRefusal(BAD_GATEWAY, `The canister rejected the request: ${reject.error} ${reject.message}`)
}

/** The same request as an update of nobody in particular: it stands in the canister's feed. */
async function upgraded(
  desk: Desk,
  found: Canister,
  wanted: PageRequest,
  response: ServerResponse,
): Promise<PageResponse> {
  const gone = goneOf(response)
  const content = icMap({
    request_type: 'call',
    canister_id: found.principal,
    method_name: 'http_request_update',
    arg: encodePageRequest(wanted, true),
    sender: ANONYMOUS_PRINCIPAL,
    ingress_expiry: BigInt(desk.clock.now() + UPDATE_EXPIRY_MS) * NS_PER_MS,
    nonce: crypto.getRandomValues(new Uint8Array(16)),
  })
  const envelope = readEnvelope(encodeIc(icMap({ content })), 'call') as RequestEnvelope<CallRequest>
  const place = await admit(desk, envelope, found.principal)
  const answered = await Promise.race([answerAt(desk, place, envelope), gone])
  if (answered === undefined) throw new HttpRefusal(504, 'The canister does not answer.')
  return decodePageResponse(replyOf(answered), found.principal)
}

async function send(
  desk: Desk,
  found: Canister,
  visit: Visit,
  page: PageResponse,
  policy: string | undefined,
): Promise<void> {
  const { request, response, isApart } = visit
  const isHead = request.method === 'HEAD'
  const headers = headersFor(page, { isApart, isHead, policy })
  // What the gateway says of all its answers is not the canister's.
  for (const name of response.getHeaderNames()) if (name !== 'x-request-id') response.removeHeader(name)
  response.writeHead(page.status, headers)
  if (isHead || page.more === undefined) {
    response.end(isHead ? undefined : page.body)
    return
  }
  await stream(desk, found, response, page.body, page.more)
}

/** Piece by piece, as fast as the client reads; what fails on the way cuts the answer short, so that nobody takes it for whole. */
async function stream(
  desk: Desk,
  found: Canister,
  response: ServerResponse,
  first: Uint8Array,
  start: MorePage,
): Promise<void> {
  let [body, more, sentBytes] = [first, start as MorePage | undefined, 0]
  try {
    for (;;) {
      sentBytes += body.length
      if (sentBytes > IC_PAGE_MAX_BYTES) throw new HttpRefusal(BAD_GATEWAY, 'The page is too large.')
      if (!response.write(body)) await drained(response)
      if (more === undefined || response.destroyed) break
      const { method, token }: MorePage = more
      const piece = decodePagePiece(replyOf(await askPage(desk, found, method, token)), method)
      // A canister that gives nothing for ever would be asked for ever.
      if (piece.body.length === 0 && piece.more !== undefined)
        throw new HttpRefusal(BAD_GATEWAY, 'A piece of the page is empty.')
      body = piece.body
      more = piece.more
    }
    response.end()
  } catch {
    response.destroy()
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      response.off('drain', end).off('close', end)
      resolve()
    }
    if (response.destroyed) resolve()
    else response.on('drain', end).on('close', end)
  })
}

function fail({ parts }: Desk, response: ServerResponse, error: unknown): void {
  if (error instanceof HttpRefusal) return sendText(response, error.status, error.message)
  if (error instanceof CallRefusal)
    return sendText(response, BAD_GATEWAY, `The canister rejected the request: ${error.error} ${error.message}`)
  if (error instanceof MalformedBytes) return sendText(response, BAD_GATEWAY, error.message)
  const failure = Failure.from(error)
  const { status, title } = FAILURES[failure.code]
  if (failure.blame === 'host') parts.trouble?.(failure)
  sendText(response, status, failure.blame === 'host' ? title : failure.message)
}
