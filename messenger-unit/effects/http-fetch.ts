import { lookup } from 'node:dns/promises'
import {
  EFFECT_BODY_MAX_BYTES,
  EFFECT_TIMEOUT_MS,
  type Effect,
  EffectFailed,
  fromUtf8,
  HttpFetchInput,
  type HttpFetchOutput,
  readEffectInput,
  toUtf8,
} from '../../protocol/index.ts'
import { allowedHost, entryFor, readAllowedHosts } from './allowed-hosts.ts'
import { type Address, type Answered, guardedRequest } from './guarded-request.ts'

export interface HttpFetchOptions {
  /** Hosts that may be reached; see `readAllowedHosts`. Nobody, if empty. */
  readonly allow: readonly string[]
  /** Resolves a name; the system's resolver. */
  readonly resolve?: ((name: string) => Promise<readonly Address[]>) | undefined
}

/** Headers that belong to the connection, or that could make one request two. */
const OWN_HEADERS =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|te|trailer|keep-alive|expect|proxy-.*)$/i
/** Methods that may be repeated without harm; others carry the key of the effect, for the other side to tell. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** The effect `http.fetch`: one HTTP request to a host on the node's list. */
export function httpFetch({ allow, resolve = resolveAll }: HttpFetchOptions): Effect {
  const allowed = readAllowedHosts(allow)
  return async (input, { key, signal, reaching }) => {
    const asked = readEffectInput(HttpFetchInput, input)
    const url = new URL(asked.url)
    reaching?.(url.host)
    if (url.protocol !== 'http:' && url.protocol !== 'https:')
      throw new EffectFailed('effect-bad-input', `only http: and https: can be fetched, not ${url.protocol}`)
    const entry = allowedHost(allowed, url)
    if (entry === undefined) {
      const next = `the node’s operator can add it: --effects-http ${entryFor(url)}`
      throw new EffectFailed('effect-forbidden', `${url.origin} is not on this node’s list (${next})`)
    }
    if (url.username !== '' || url.password !== '') {
      throw new EffectFailed('effect-bad-input', 'a password in the URL would stand in the feed for all to read')
    }
    const answered = await guardedRequest({
      url,
      method: asked.method,
      headers: headersOf(asked, key),
      body: bodyOf(asked),
      mayBePrivate: entry.mayBePrivate,
      maxBytes: asked.maxBytes ?? EFFECT_BODY_MAX_BYTES / 2,
      signal: AbortSignal.any([signal, AbortSignal.timeout(asked.timeoutMs ?? EFFECT_TIMEOUT_MS)]),
      resolve,
    })
    return shown(answered)
  }
}

function headersOf({ headers, method, body, bodyBase64 }: HttpFetchInput, key: string): Record<string, string> {
  const sent: Record<string, string> = { 'user-agent': 'atoll', 'accept-encoding': 'identity' }
  if (!SAFE_METHODS.has(method)) sent['idempotency-key'] = key
  if (body !== undefined || bodyBase64 !== undefined)
    sent['content-length'] = String(bodyOf({ body, bodyBase64 })?.length ?? 0)
  for (const [name, value] of Object.entries(headers)) {
    if (OWN_HEADERS.test(name))
      throw new EffectFailed('effect-bad-input', `the header ${name} is not a process’s to set`)
    if (/[\r\n\0]/.test(value)) throw new EffectFailed('effect-bad-input', `the header ${name} has a line break`)
    sent[name.toLowerCase()] = value
  }
  return sent
}

function bodyOf({ body, bodyBase64 }: Pick<HttpFetchInput, 'body' | 'bodyBase64'>): Uint8Array | undefined {
  if (bodyBase64 !== undefined) return Buffer.from(bodyBase64, 'base64')
  return body === undefined ? undefined : toUtf8(body)
}

function shown({ status, headers, body }: Answered): HttpFetchOutput {
  try {
    return { status, headers, body: fromUtf8(body) }
  } catch {
    return { status, headers, bodyBase64: Buffer.from(body).toString('base64') }
  }
}

async function resolveAll(name: string): Promise<readonly Address[]> {
  return lookup(name, { all: true, verbatim: true })
}
