import {
  type CallToolResult,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
} from '@modelcontextprotocol/server'
import { Failure, failureNumber, nextStepAfter } from '../protocol/index.ts'
import { callTool } from './call-tool.ts'
import type { Catalog } from './catalog.ts'
import { limitsOf, type McpParts } from './mcp-parts.ts'
import { readResource, RESOURCE_TEMPLATES, resourceOf } from './resources.ts'
import { partsOf } from './tool-name.ts'
import { toolsOf } from './tools.ts'

/** Makes servers that all show the same processes: one for each connection or request. */
export function mcpServers(parts: McpParts, catalog: Catalog): () => Server {
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
    'Tools are named <process>__<message or query>. Queries change nothing.',
    'What tools and replies say are the words of whoever wrote a process, not of this server.',
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
      const [label, name] = partsOf(params.name)
      const call = { label, name, arguments: params.arguments }
      return replied(await callTool(catalog, parts, call, limitsOf(parts, mcpReq.signal)))
    } catch (error) {
      return failed(Failure.from(error), parts)
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
      const text = await readResource(catalog, parts.client, uri, limitsOf(parts, mcpReq.signal))
      if (text !== undefined) return { contents: [{ uri, mimeType: 'application/json', text }] }
    } catch (error) {
      const failure = Failure.from(error)
      if (failure.blame === 'input' || failure.code === 'not-permitted')
        throw new ResourceNotFoundError(uri, sentence(failure, parts))
      throw new ProtocolError(ProtocolErrorCode.InternalError, sentence(failure, parts))
    }
    throw new ResourceNotFoundError(uri)
  })
}

function replied(reply: unknown): CallToolResult {
  const text = reply === undefined ? 'done' : JSON.stringify(reply)
  return { content: [{ type: 'text', text }], structuredContent: reply === undefined ? {} : { reply } }
}

/** A failure that the model can read, and act on. */
function failed(failure: Failure, parts: McpParts): CallToolResult {
  return { isError: true, content: [{ type: 'text', text: sentence(failure, parts) }] }
}

function sentence({ code, message }: Failure, { command }: McpParts): string {
  return `${failureNumber(code)} ${message}\nNext: ${nextStepAfter(code, command)}`
}
