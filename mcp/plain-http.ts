import { interfaceOpenApi } from '../contract/index.ts'
import { type CallOptions, Failure, JSON_BODY_MAX_BYTES, nextStepAfter, problemOf } from '../protocol/index.ts'
import { callTool } from './call-tool.ts'
import type { Catalog } from './catalog.ts'
import type { McpParts } from './mcp-parts.ts'
import { isObjectInput } from './tools.ts'

const PATH = /^\/processes\/([^/]+)\/([^/]+)$/
const DESCRIPTION = 'openapi.json'

/**
 * The same tools for programs that speak plain HTTP: a POST of the input to `/processes/<process>/<message>` is answered
 * with the reply, and `/processes/<process>/openapi.json` says which there are. Nothing, for other paths.
 */
export async function answerPlain(
  request: Request,
  catalog: Catalog,
  parts: McpParts,
  limits: CallOptions,
): Promise<Response | undefined> {
  const { pathname, origin } = new URL(request.url)
  const [, label = '', name = ''] = PATH.exec(pathname) ?? []
  if (label === '') return undefined
  try {
    const { described } = await catalog.find(label, limits)
    if (name === DESCRIPTION && request.method === 'GET')
      return Response.json(interfaceOpenApi(described, { serverUrl: `${origin}/processes/${label}` }))
    if (request.method !== 'POST') throw new Failure('method-not-allowed', { method: request.method })
    const input = await readInput(request)
    const { messages, queries } = described
    const question = [messages, queries].find(all => Object.hasOwn(all, name))?.[name]
    const given = question === undefined || isObjectInput(question) ? input : { input }
    const call = { label, name, arguments: given as Readonly<Record<string, unknown>> | undefined }
    return Response.json((await callTool(catalog, parts, call, limits)) ?? null)
  } catch (error) {
    const problem = problemOf(error)
    const told = { ...problem, next: nextStepAfter(problem.code, parts.command) }
    return Response.json(told, { status: problem.status, headers: { 'content-type': 'application/problem+json' } })
  }
}

/** No body at all is an input that was left out. @throws {Failure} `unsupported-media`, `too-large`, `malformed-request` */
async function readInput(request: Request): Promise<unknown> {
  const text = await boundedText(request)
  if (text === '') return undefined
  if (request.headers.get('content-type')?.split(';')[0]?.trim() !== 'application/json')
    throw new Failure('unsupported-media')
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Failure('malformed-request', {}, { cause, note: 'the body is not JSON' })
  }
}

async function boundedText(request: Request): Promise<string> {
  const decoder = new TextDecoder()
  let [text, sizeBytes] = ['', 0]
  for await (const piece of request.body ?? []) {
    sizeBytes += piece.length
    if (sizeBytes > JSON_BODY_MAX_BYTES) throw new Failure('too-large', { maxBytes: JSON_BODY_MAX_BYTES })
    text += decoder.decode(piece, { stream: true })
  }
  return text + decoder.decode()
}
