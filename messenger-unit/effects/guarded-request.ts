import type { IncomingMessage } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { EffectFailed, HEADERS_MAX_BYTES } from '../../protocol/index.ts'
import { bare } from './allowed-hosts.ts'
import { isPublicAddress } from './public-address.ts'

export interface Address {
  readonly address: string
  readonly family: number
}

export interface GuardedRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  readonly mayBePrivate: boolean
  readonly maxBytes: number
  readonly signal: AbortSignal
  /** All addresses of a name. */
  resolve(name: string): Promise<readonly Address[]>
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/**
 * One HTTP request to an address that was looked at first.
 *
 * 1. A name is resolved once, and the connection goes to an address of that answer: a second answer cannot differ.
 * 2. If one of its addresses is not public, none is used, unless the operator allowed that very address.
 * 3. Redirects are given back, not followed; bodies end at a bound; proxies of the environment are not used.
 */
export async function guardedRequest(asked: GuardedRequest): Promise<Answered> {
  const { url, method, headers, body, signal } = asked
  const checked = await checkedAddresses(asked)
  const lookup: LookupFunction = (_name, options, done) => {
    const [first] = checked
    if (options.all === true)
      done(
        null,
        checked.map(({ address, family }) => ({ address, family })),
      )
    else if (first !== undefined) done(null, first.address, first.family)
  }
  const send = url.protocol === 'https:' ? requestHttps : requestHttp
  const { promise, resolve, reject } = Promise.withResolvers<Answered>()
  let isAnswered = false
  const request = send(
    url,
    { method, headers: { ...headers, host: url.host }, lookup, agent: false, signal, maxHeaderSize: HEADERS_MAX_BYTES },
    response => {
      isAnswered = true
      readBody(response, asked).then(
        bytes => resolve({ status: response.statusCode ?? 0, headers: headersOf(response), body: bytes }),
        reject,
      )
    },
  )
  request.on('error', cause => reject(failureOf(cause, signal)))
  // A host that wants another protocol is cut off without a word.
  request.on('close', () => {
    if (!isAnswered) reject(new EffectFailed('effect-failed', 'the host gave no answer', { passing: true }))
  })
  request.end(body)
  return promise
}

async function checkedAddresses(asked: GuardedRequest): Promise<readonly Address[]> {
  const { url, mayBePrivate } = asked
  const name = bare(url.hostname)
  const family = isIP(name)
  const addresses = family === 0 ? await resolveName(name, asked) : [{ address: name, family }]
  const hidden = addresses.find(({ address }) => !isPublicAddress(address))
  if (hidden !== undefined && !mayBePrivate) {
    throw new EffectFailed('effect-forbidden', `${name} is ${hidden.address}, which is not a public address`)
  }
  return addresses
}

async function resolveName(name: string, { resolve, signal }: GuardedRequest): Promise<readonly Address[]> {
  const ended = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => ended.reject(signal.reason), { once: true })
  const addresses = await Promise.race([resolve(name), ended.promise]).catch(cause => {
    if (signal.aborted) throw timeout(cause)
    throw new EffectFailed('effect-failed', `${name} has no address`, { cause, passing: true })
  })
  if (addresses.length === 0) throw new EffectFailed('effect-failed', `${name} has no address`)
  return addresses
}

async function readBody(
  response: IncomingMessage,
  { maxBytes, signal }: Pick<GuardedRequest, 'maxBytes' | 'signal'>,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      size += chunk.length
      if (size > maxBytes) throw new EffectFailed('effect-too-large', `the answer has more than ${maxBytes} bytes`)
      chunks.push(chunk)
    }
  } catch (cause) {
    response.destroy()
    if (cause instanceof EffectFailed) throw cause
    if (signal.aborted) throw timeout(cause)
    throw new EffectFailed('effect-failed', 'the answer broke off', { cause, passing: true })
  }
  return Buffer.concat(chunks)
}

function headersOf(response: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  return headers
}

function failureOf(cause: Error, signal: AbortSignal): EffectFailed {
  if (signal.aborted) return timeout(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  if (code === 'HPE_HEADER_OVERFLOW')
    return new EffectFailed('effect-too-large', `the answer has headers of more than ${HEADERS_MAX_BYTES} bytes`, {
      cause,
    })
  if (code.startsWith('HPE_'))
    return new EffectFailed('effect-failed', 'the answer is no HTTP', { cause, passing: true })
  return new EffectFailed('effect-failed', cause.message, { cause, passing: true })
}

const timeout = (cause: unknown): EffectFailed => new EffectFailed('effect-timeout', 'no answer in time', { cause })
