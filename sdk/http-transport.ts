import {
  decodeAnswer,
  encodeRequest,
  Failure,
  type OperationName,
  type OperationRequest,
  ProblemView,
  REQUEST_TIMEOUT_MS,
  rowOf,
  STREAM_HEARTBEAT_MS,
} from '../protocol/index.ts'
import { failureOfAnswer, failureOfProblem } from './problem-failure.ts'
import { readServerEvents } from './server-events.ts'
import { machine } from './surroundings.ts'
import { abortedBy, isAborted, withTimeLimit } from './time-limit.ts'
import type { StreamOptions, Transport } from './transport.ts'

export interface HttpTransportParts {
  /** Where the node is; a slash at the end does not matter. */
  readonly url: string
  readonly fetch?: typeof fetch | undefined
  /** For admin operations. */
  readonly adminToken?: string | undefined
}

/** A stream on which not even heartbeats come is dead. */
const SILENCE_MAX_MS = 3 * STREAM_HEARTBEAT_MS

/** Reaches a node over HTTP, from Node and from browsers. */
export function httpTransport(parts: HttpTransportParts): Transport {
  return {
    request: (name, input, options = {}) =>
      withTimeLimit(machine.clock, options, REQUEST_TIMEOUT_MS, async signal => {
        const response = await send(parts, name, encodeRequest(name, input), signal)
        return decodeAnswer(name, await readAnswer(parts, name, response))
      }),
    async *stream(name, input, options = {}) {
      for await (const value of readStream(parts, name, encodeRequest(name, input), options))
        yield decodeAnswer(name, value)
    },
  }
}

async function send(
  parts: HttpTransportParts,
  name: OperationName,
  request: OperationRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { method, path, query, mediaType, body } = request
  const headers: Record<string, string> = {}
  if (mediaType !== undefined) headers['content-type'] = mediaType
  if (rowOf(name).access === 'admin' && parts.adminToken !== undefined)
    headers['authorization'] = `Bearer ${parts.adminToken}`
  const url = `${baseOf(parts)}${path}${query === '' ? '' : `?${query}`}`
  const ask = parts.fetch ?? globalThis.fetch
  let response: Response
  try {
    response = await ask(url, {
      method,
      headers,
      signal,
      body: (body ?? null) as BodyInit | null,
      cache: 'no-store',
      redirect: 'error',
    })
  } catch (cause) {
    throw unreachable(parts, cause)
  }
  if (response.ok) return response
  throw failureOfAnswer(response.status, await response.json().catch(() => undefined))
}

async function readAnswer(parts: HttpTransportParts, name: OperationName, response: Response): Promise<unknown> {
  try {
    if (rowOf(name).answer.kind === 'bytes') return new Uint8Array(await response.arrayBuffer())
    return await response.json()
  } catch (cause) {
    throw unreachable(parts, cause)
  }
}

async function* readStream(
  parts: HttpTransportParts,
  name: OperationName,
  request: OperationRequest,
  { signal, heard }: StreamOptions,
): AsyncGenerator<unknown> {
  const aborter = new AbortController()
  const onAbort = (): void => aborter.abort(signal?.reason)
  if (isAborted(signal)) throw abortedBy(signal)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    const response = await send(parts, name, request, aborter.signal)
    for await (const { kind, data } of readServerEvents(piecesOf(response, aborter, heard))) {
      if (kind === 'end') return
      if (kind === 'problem') throw failureOfProblem(ProblemView.parse(JSON.parse(data)))
      yield JSON.parse(data)
    }
    throw new Failure('unreachable', { url: baseOf(parts) }, { note: 'the stream was cut' })
  } catch (error) {
    if (isAborted(signal)) throw abortedBy(signal)
    throw error instanceof Failure ? error : unreachable(parts, error)
  } finally {
    signal?.removeEventListener('abort', onAbort)
    aborter.abort()
  }
}

/** The pieces of a body; a silence that heartbeats should have broken ends it. */
async function* piecesOf(
  response: Response,
  aborter: AbortController,
  heard: StreamOptions['heard'],
): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader()
  for (;;) {
    const silence = setTimeout(() => aborter.abort(new Error('the stream fell silent')), SILENCE_MAX_MS)
    const piece = await reader?.read().finally(() => clearTimeout(silence))
    if (piece === undefined || piece.done) return
    heard?.()
    yield piece.value
  }
}

function baseOf({ url }: HttpTransportParts): string {
  return url.endsWith('/') ? url.slice(0, -1) : url
}

function unreachable(parts: HttpTransportParts, cause: unknown): Failure {
  return cause instanceof Failure ? cause : new Failure('unreachable', { url: baseOf(parts) }, { cause })
}
