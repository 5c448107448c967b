import type { IncomingMessage } from 'node:http'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { MalformedBytes, principalText } from '../../protocol/index.ts'
import type { Header, PageResponse } from './page-messages.ts'

/** Those of the connection, which is the gateway's. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-request-id',
])
/** What would last longer than the page does, at a host that is not the canister's own. */
const LASTING: ReadonlySet<string> = new Set([
  'set-cookie',
  'clear-site-data',
  'service-worker-allowed',
  'strict-transport-security',
  'alt-svc',
  'nel',
  'report-to',
])
/** What a browser sends to the node, not to a canister that is shown there. */
const NODE_ONLY: ReadonlySet<string> = new Set(['cookie', 'authorization'])
/** What `browserGuard` looks at: no cache may give what another asked for to a browser that visits a page. */
const LOOKED_AT = 'accept, sec-fetch-mode'
/** Answers without a body: a length would be that of another. */
const BODILESS: ReadonlySet<number> = new Set([204, 304])
const LOOPBACK = /^(?:localhost|127\.0\.0\.1)(:\d+)?$/
/** A page of a canister at the node's own host runs, but as nobody: not as the node, and not as another canister. */
const SANDBOX = 'sandbox allow-downloads allow-forms allow-modals allow-popups allow-scripts'

/**
 * What keeps a page at the node's own host apart in browsers: another address of it, where the canister has a host of its own, or a policy.
 * Other programs than browsers that go to a page get it as it is.
 */
export function browserGuard(visit: {
  readonly request: IncomingMessage
  readonly url: URL
  readonly principal: Uint8Array
}): { readonly elsewhere?: string; readonly policy?: string } {
  const { request, url, principal } = visit
  const { 'sec-fetch-mode': mode, accept = '', host = '' } = request.headers
  const isVisit = mode === undefined ? accept.includes('text/html') : mode === 'navigate'
  if (!isVisit) return {}
  const [, port] = LOOPBACK.exec(host.toLowerCase()) ?? []
  // Browsers know that all names below `localhost` are this machine.
  if (!LOOPBACK.test(host.toLowerCase()) || (request.method !== 'GET' && request.method !== 'HEAD'))
    return { policy: SANDBOX }
  const elsewhere = new URL(url)
  elsewhere.host = `${principalText(principal)}.localhost${port ?? ''}`
  elsewhere.searchParams.delete('canisterId')
  return { elsewhere: elsewhere.href }
}

/** The headers of a request as its canister is told them: Node gives their bytes one by one. */
export function headersToldTo(rawHeaders: readonly string[], isApart: boolean): Header[] {
  const headers: Header[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = '', value = ''] = [rawHeaders[at], rawHeaders[at + 1]]
    if (isApart || !NODE_ONLY.has(name.toLowerCase())) headers.push([name, Buffer.from(value, 'latin1').toString()])
  }
  return headers
}

/** The headers of a page as they go to the client: a list, in which names may come twice. @throws {MalformedBytes} on what is no header */
export function headersFor(
  { status, headers, body, more }: PageResponse,
  {
    isApart,
    isHead,
    policy,
  }: { readonly isApart: boolean; readonly isHead: boolean; readonly policy: string | undefined },
): string[] {
  const list: string[] = []
  const names = new Set<string>()
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const isOurs = HOP_BY_HOP.has(key) || (key === 'content-length' && !isHead)
    if (isOurs || (!isApart && LASTING.has(key))) continue
    checkHeader([name, value])
    names.add(key)
    list.push(name, value)
  }
  if (more === undefined && !BODILESS.has(status) && !names.has('content-length'))
    list.push('content-length', String(body.length))
  if (!names.has('access-control-allow-origin'))
    list.push('access-control-allow-origin', '*', 'access-control-expose-headers', '*')
  if (!isApart) list.push('vary', LOOKED_AT)
  if (policy !== undefined) list.push('content-security-policy', policy)
  return list
}

function checkHeader([name, value]: Header): void {
  try {
    validateHeaderName(name)
    validateHeaderValue(name, value)
  } catch {
    throw new MalformedBytes(`the canister's answer: a header that is none: ${name.slice(0, 40)}`, 0)
  }
}
