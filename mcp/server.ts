import { type CallToolResult, ProtocolError, ProtocolErrorCode, ResourceNotFoundError, Server } from '@modelcontextprotocol/server'
import { type CallOptions, Failure, FAILURES, failureNumber } from '../protocol/index.ts'
import { type Client, contractOf } from '../sdk/index.ts'
import { Catalog } from './catalog.ts'
import { readResource, RESOURCE_TEMPLATES, resourceOf } from './resources.ts'
import { inputOf, partsOf, toolsOf } from './tools.ts'

export interface McpParts {
  /** Signs what tools send. */
  readonly client: Client
  readonly version: string
  /** Without it, tools only ask. */
  readonly allowWrite: boolean
  /** Ids and names of the processes that are shown; all that keep a contract, if there are none. */
  readonly processes: readonly string[]
  /** How long a tool may take. */
  readonly timeoutMs?: number | undefined
}

/** A call of one tool or the reading of one resource may take this long. */
const CALL_TIMEOUT_MS = 60_000

/** Makes servers that all show the same processes: one for each connection or request. */
export function mcpServers(parts: McpParts): () => Server {
  const catalog = new Catalog(parts.client, parts.processes)
  return () => {
    const server = new Server(
      { name: 'atoll', version: parts.version },
      { capabilities: { tools: {}, resources: {} }, instructions: instructionsFor(parts) },
    )
    serveTools(server, catalog, parts)
    serveResources(server, catalog, parts)
    return server
  }
}

function instructionsFor({ allowWrite }: McpParts): string {
  return [
    'Tools are named <process>.<message or query>. Queries change nothing.',
    allowWrite
      ? 'Messages are signed and stand in the feed of their process for ever; each is carried out exactly once.'
      : 'Messages are not offered: the server was started without --allow-write.',
    'atoll://process/<id>/state is the state of a process, atoll://message/<id>/trace all that a message caused.',
  ].join(' ')
}

function serveTools(server: Server, catalog: Catalog, parts: McpParts): void {
  server.setRequestHandler('tools/list', async (_, { mcpReq }) => {
    const exposed = await catalog.list(limitsOf(parts, mcpReq.signal))
    return { tools: exposed.flatMap(one => toolsOf(one, parts.allowWrite)) }
  })
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    try {
      return await callTool(catalog, parts, params, limitsOf(parts, mcpReq.signal))
    } catch (error) {
      return failed(Failure.from(error))
    }
  })
}

function serveResources(server: Server, catalog: Catalog, parts: McpParts): void {
  server.setRequestHandler('resources/list', async (_, { mcpReq }) => {
    const exposed = await catalog.list(limitsOf(parts, mcpReq.signal))
    return { resources: exposed.map(resourceOf) }
  })
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: RESOURCE_TEMPLATES }))
  server.setRequestHandler('resources/read', async ({ params: { uri } }, { mcpReq }) => {
    try {
      const text = await readResource(parts.client, uri, limitsOf(parts, mcpReq.signal))
      if (text !== undefined) return { contents: [{ uri, mimeType: 'application/json', text }] }
    } catch (error) {
      const failure = Failure.from(error)
      if (failure.blame !== 'input') throw new ProtocolError(ProtocolErrorCode.InternalError, sentence(failure))
      throw new ResourceNotFoundError(uri, sentence(failure))
    }
    throw new ResourceNotFoundError(uri)
  })
}

/** Calls a message or asks a query. @throws {Failure} */
async function callTool(
  catalog: Catalog,
  { client, allowWrite }: McpParts,
  { name: tool, arguments: given }: { readonly name: string; readonly arguments?: Readonly<Record<string, unknown>> | undefined },
  limits: CallOptions,
): Promise<CallToolResult> {
  const [label, name] = partsOf(tool)
  const { id, described } = await catalog.find(label, limits)
  const isMessage = Object.hasOwn(described.messages, name)
  if (!isMessage && !Object.hasOwn(described.queries, name))
    throw new Failure('not-found', { tool }, { note: `${described.name} has no message or query ${JSON.stringify(name)}` })
  if (isMessage && !allowWrite)
    throw new Failure('not-permitted', { tool }, { note: 'the server was started without --allow-write' })
  const question = (isMessage ? described.messages : described.queries)[name] ?? { input: {} }
  const call = client.process(contractOf(described), id)[name]
  const reply = await call?.(inputOf(question, given), { signal: limits.signal, timeout: limits.timeoutMs })
  const text = reply === undefined ? 'done' : JSON.stringify(reply)
  return { content: [{ type: 'text', text }], structuredContent: reply === undefined ? {} : { reply } }
}

/** A failure that the model can read, and act on. */
function failed(failure: Failure): CallToolResult {
  return { isError: true, content: [{ type: 'text', text: sentence(failure) }] }
}

function sentence(failure: Failure): string {
  const { next } = FAILURES[failure.code]
  return `${failureNumber(failure.code)} ${failure.message}\nNext: ${next}`
}

function limitsOf({ timeoutMs = CALL_TIMEOUT_MS }: McpParts, signal: AbortSignal): CallOptions {
  return { timeoutMs, signal }
}
