import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type Clock,
  CONNECTIONS_MAX,
  DRAIN_MAX_MS,
  Failure,
  HEADERS_MAX_BYTES,
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  type MetricsRegistry,
  type Operations,
  openApiDocument,
  REQUEST_TIMEOUT_MS,
  SOCKET_IDLE_MAX_MS,
} from '../protocol/index.ts'
import { createAdminGate } from './admin-gate.ts'
import { SECURITY_HEADERS } from './answer.ts'
import { Call } from './call.ts'
import { Connections } from './connections.ts'
import { createFaultLog } from './fault-log.ts'
import { createHostRule } from './host-rule.ts'
import type { GatewayLogger, Mount } from './parts.ts'
import { publicProblem } from './problem.ts'
import { RequestMetrics } from './request-metrics.ts'
import { createRouter } from './router.ts'
import { type OwnPage, serve, type ServeParts } from './serve.ts'
import { WaitingAnswers } from './waiting-answers.ts'

export interface GatewayParts {
  /** Address to listen on; 127.0.0.1 unless the node is meant to be reached from elsewhere. */
  readonly host?: string | undefined
  /** 0 takes any free port. */
  readonly port: number
  /** Names by which this node is reached beside loopback: `name` or `name:port`. */
  readonly allowedHosts?: readonly string[] | undefined
  /** Without it, nobody may use the admin operations over HTTP. */
  readonly adminToken?: string | undefined
  readonly operations: Operations
  readonly clock: Clock
  readonly logger: GatewayLogger
  readonly metrics: MetricsRegistry
  readonly version: string
  /** Other faces on this port, asked in order for every path that is not of the native API. */
  readonly mounts?: readonly Mount[] | undefined
  /** All there is at `<canister>.<host>`, asked in order. */
  readonly canisterMounts?: readonly Mount[] | undefined
}

const LOOPBACK = '127.0.0.1'
const CHECK_EVERY_MS = 5_000
/** Sockets that come in one turn while those that give way to them are still closing. */
const NEWCOMERS_MAX = 64

/**
 * The HTTP face of a node. DEV DOCS: `open` binds the port and owns the server; each request becomes a `Call`,
 * which `serve` answers from the table of operations. Closing: no new connections, waits are ended with
 * `shutting-down`, running requests get a moment, then every socket is destroyed.
 */
export class Gateway implements AsyncDisposable {
  readonly #server: Server
  readonly #calls = new Set<Call>()
  readonly #connections = new Connections()
  readonly #serveParts: ServeParts
  readonly #requestMetrics: RequestMetrics
  readonly #boot = randomBytes(6).toString('base64url')
  #count = 0
  #isClosing = false
  #closed: Promise<void> | undefined

  /** @throws {Failure} `port-in-use`, `bad-config` */
  static async open(parts: GatewayParts): Promise<Gateway> {
    const server = createServer({
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_EVERY_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEADERS_MAX_BYTES,
      requireHostHeader: false,
      noDelay: true,
    })
    server.maxConnections = CONNECTIONS_MAX + NEWCOMERS_MAX
    server.setTimeout(SOCKET_IDLE_MAX_MS)
    await listen(server, parts.port, parts.host ?? LOOPBACK)
    return new Gateway(parts, server)
  }

  private constructor(parts: GatewayParts, server: Server) {
    const { metrics, clock } = parts
    this.#server = server
    this.#requestMetrics = new RequestMetrics(metrics)
    const streams = { open: 0 }
    metrics.gaugeOf('atoll_http_requests_running', 'Requests under way', () => this.#calls.size)
    metrics.gaugeOf('atoll_http_connections_open', 'Sockets of clients', () => this.#connections.size)
    metrics.gaugeOf('atoll_http_streams_open', 'Event streams open', () => streams.open)
    this.#serveParts = {
      operations: parts.operations,
      router: createRouter(),
      pages: ownPages(parts),
      mounts: parts.mounts ?? [],
      canisterMounts: parts.canisterMounts ?? [],
      admitHost: createHostRule({
        host: parts.host ?? LOOPBACK,
        port: this.port,
        allowedHosts: parts.allowedHosts ?? [],
      }),
      admitAdmin: createAdminGate(parts.adminToken, clock),
      clock,
      tellFault: createFaultLog(parts.logger, clock),
      streams,
      answers: new WaitingAnswers(() => this.#responses()),
    }
    server.on('request', (request, response) => this.#onRequest(request, response, () => undefined))
    server.on('checkContinue', (request, response) =>
      this.#onRequest(request, response, () => response.writeContinue()),
    )
    server.on('checkExpectation', (request, response) => this.#onRequest(request, response, () => undefined))
    server.on('connection', socket => this.#connections.add(socket))
    server.on('clientError', (error, socket) => refuseConnection(error, socket))
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Where clients on this machine reach it, without a slash at the end. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo
    const isAny = address === '0.0.0.0' || address === '::'
    const host = isAny ? LOOPBACK : family === 'IPv6' ? `[${address}]` : address
    return `http://${host}:${port}`
  }

  /** Lets running requests end, ends waits, and closes every socket. Idempotent. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  *#responses(): Iterable<ServerResponse> {
    for (const { response } of this.#calls) yield response
  }

  async #close(): Promise<void> {
    this.#isClosing = true
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const call of this.#calls) call.abort(new Failure('shutting-down'))
    this.#connections.closeIdle()
    const force = setTimeout(() => this.#server.closeAllConnections(), DRAIN_MAX_MS)
    await closed
    clearTimeout(force)
  }

  #onRequest(request: IncomingMessage, response: ServerResponse, proceed: () => void): void {
    this.#connections.begin(request, () => this.#answer(request, response, proceed))
  }

  #answer(request: IncomingMessage, response: ServerResponse, proceed: () => void): void {
    this.#count += 1
    const call = new Call(request, response, `${this.#boot}-${this.#count.toString(36)}`)
    if (this.#isClosing) {
      response.shouldKeepAlive = false
      call.abort(new Failure('shutting-down'))
    }
    const started = performance.now()
    this.#calls.add(call)
    response.once('close', () => {
      this.#calls.delete(call)
      this.#connections.end(request)
    })
    void serve(this.#serveParts, call, proceed).then(name => {
      this.#serveParts.answers.wrote(response)
      this.#requestMetrics.record(name, response.statusCode, performance.now() - started)
      if (!this.#isClosing) return
      if (response.writableFinished) request.socket.end()
      else response.once('finish', () => request.socket.end())
    })
  }
}

/** For whoever opens the address in a browser, or one that a node names when it is ready. */
const FRONT_PAGE = `This is a node of Atoll.

/v1/node                its keys, units and limits
/v1/processes           its processes
/openapi.json           all of its operations
/mu  /su  /cu  /graphql what clients of AO ask
/api/v2/status          what clients of the Internet Computer ask first
/health  /metrics       for whoever watches over it
`

function ownPages({ metrics, version }: GatewayParts): ReadonlyMap<string, OwnPage> {
  let description: string | undefined
  const front: OwnPage = { mediaType: 'text/plain; charset=utf-8', isOpen: true, text: () => FRONT_PAGE }
  return new Map<string, OwnPage>([
    ['', front],
    ['v1', front],
    ['api', front],
    [
      'openapi.json',
      {
        mediaType: 'application/json',
        isOpen: true,
        text: () => (description ??= JSON.stringify(openApiDocument({ version }))),
      },
    ],
    ['health', { mediaType: 'application/json', isOpen: true, text: () => '{"status":"ok"}' }],
    [
      'metrics',
      {
        mediaType: 'text/plain; version=0.0.4; charset=utf-8',
        isOpen: false,
        text: () => metrics.text(),
      },
    ],
  ])
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const code = cause.code === 'EADDRINUSE' ? 'port-in-use' : 'bad-config'
      reject(new Failure(code, { host, port }, { cause }))
    })
    server.listen(port, host, resolve)
  })
}

/** Answers what is no HTTP, or came too slowly, and closes. */
function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex): void {
  const { bytesWritten } = socket as Socket
  if (error.code === 'ECONNRESET' || !socket.writable || bytesWritten > 0) {
    socket.destroy()
    return
  }
  const failure =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new Failure('too-large', { maxBytes: HEADERS_MAX_BYTES }, { note: 'headers' })
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new Failure('timeout', {}, { note: 'the request came too slowly' })
        : new Failure('malformed-request', {}, { note: 'it is no HTTP/1.1' })
  const problem = publicProblem(failure, 'none')
  const body = JSON.stringify(problem)
  const headers = {
    ...SECURITY_HEADERS,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
  }
  const lines = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  socket.end(`HTTP/1.1 ${problem.status} Refused\r\nconnection: close\r\n${lines}\r\n${body}`)
}
