import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import {
  createMcpHandler,
  hostHeaderValidationResponse,
  localhostAllowedHostnames,
  localhostAllowedOrigins,
  type McpHttpHandler,
  originValidationResponse,
} from '@modelcontextprotocol/server'
import {
  Failure,
  HEADERS_MAX_BYTES,
  HEADERS_TIMEOUT_MS,
  MCP_CONNECTIONS_MAX,
  REQUEST_TIMEOUT_MS,
} from '../protocol/index.ts'
import { Catalog } from './catalog.ts'
import { limitsOf, type McpParts } from './mcp-parts.ts'
import { answerPlain } from './plain-http.ts'
import { mcpServers } from './server.ts'
import { Sockets } from './sockets.ts'

/** Where the server listens: nowhere but on this machine. */
const LOOPBACK = '127.0.0.1'
const PATH = '/mcp'

export interface McpHttpParts extends McpParts {
  readonly port: number
  readonly token: string
  readonly connectionsMax?: number | undefined
}

/**
 * MCP over Streamable HTTP, and the same tools over plain HTTP, on loopback. Who asks shows the token: another user of this machine, or a page in a
 * browser, could reach the port too.
 */
export class McpHttpServer implements AsyncDisposable {
  readonly url: string
  readonly #server: Server
  readonly #handler: McpHttpHandler

  private constructor(server: Server, handler: McpHttpHandler) {
    this.#server = server
    this.#handler = handler
    this.url = `http://${LOOPBACK}:${(server.address() as AddressInfo).port}${PATH}`
  }

  /** @throws {Failure} `port-in-use` */
  static async open(parts: McpHttpParts): Promise<McpHttpServer> {
    const catalog = new Catalog(parts.client, parts.processes)
    const handler = createMcpHandler(mcpServers(parts, catalog))
    const sockets = new Sockets(parts.connectionsMax ?? MCP_CONNECTIONS_MAX)
    const serve = async (request: Request, admitted: () => void): Promise<Response> => {
      const refused = refuse(request, parts.token)
      if (refused !== undefined) return refused
      admitted()
      if (new URL(request.url).pathname === PATH) return handler.fetch(request)
      const plain = await answerPlain(request, catalog, parts, limitsOf(parts, request.signal))
      return plain ?? new Response(`there is ${PATH}, and /processes/<process>/openapi.json\n`, { status: 404 })
    }
    const server = createServer(
      { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: HEADERS_MAX_BYTES },
      (request, response) => void answer(serve, request, response, sockets),
    )
    server.on('connection', socket => sockets.add(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', cause => {
        const isTaken = 'code' in cause && cause.code === 'EADDRINUSE'
        reject(isTaken ? new Failure('port-in-use', { port: parts.port }, { cause }) : cause)
      })
      server.listen(parts.port, LOOPBACK, resolve)
    })
    return new McpHttpServer(server, handler)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handler.close()
    const closed = new Promise(resolve => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }
}

async function answer(
  serve: (request: Request, admitted: () => void) => Promise<Response>,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  sockets: Sockets,
): Promise<void> {
  const { socket } = incoming
  const left = new AbortController()
  outgoing.once('close', () => left.abort())
  try {
    const request = webRequest(incoming, left.signal)
    const response = request === undefined ? malformed() : await serve(request, () => sockets.begin(socket))
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    for await (const piece of response.body ?? []) {
      if (outgoing.write(piece)) continue
      // Who does not take what was asked for has no better right to the place than who asks for nothing.
      sockets.end(socket)
      await new Promise(resolve => outgoing.once('drain', resolve).once('close', resolve))
      sockets.begin(socket)
    }
    outgoing.end()
  } catch {
    // The asker went away, or sent what is no HTTP of ours: there is nobody to tell.
    outgoing.destroy()
  } finally {
    sockets.end(socket)
  }
}

/** What is answered to who may not ask. */
function refuse(request: Request, token: string): Response | undefined {
  const wrong =
    hostHeaderValidationResponse(request, localhostAllowedHostnames()) ??
    originValidationResponse(request, localhostAllowedOrigins())
  if (wrong !== undefined) return wrong
  if (isSame(request.headers.get('authorization') ?? '', `Bearer ${token}`)) return undefined
  return new Response('the token is missing or wrong\n', { status: 401, headers: { 'www-authenticate': 'Bearer' } })
}

/** Compares without telling by its time how much was right. */
function isSame(given: string, wanted: string): boolean {
  const [a, b] = [given, wanted].map(text => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

const malformed = (): Response => new Response('this is no request of HTTP\n', { status: 400 })

/** Nothing, if no page could send it: a path or host that makes no address, a method like TRACE. */
function webRequest(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers))
    for (const one of Array.isArray(value) ? value : [value ?? '']) headers.append(name, one)
  const { method = 'GET', url = '' } = incoming
  if (!url.startsWith('/')) return undefined
  const hasBody = method !== 'GET' && method !== 'HEAD'
  const body = hasBody ? (Readable.toWeb(incoming) as unknown as ReadableStream<Uint8Array>) : null
  const init = { method, headers, signal, body, duplex: 'half' }
  try {
    return new Request(`http://${incoming.headers.host ?? LOOPBACK}${url}`, init)
  } catch {
    return undefined
  }
}
