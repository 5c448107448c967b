import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPERATION_NAMES, type OperationName, ProblemView, rowOf } from '../../protocol/index.ts'
import { ADMIN_TOKEN, openFakeGateway } from '../fakes/fake-gateway.ts'
import { type RawAnswer, rawRequest } from './raw-http.ts'

let open: Awaited<ReturnType<typeof openFakeGateway>>
let port: number

beforeAll(async () => {
  open = await openFakeGateway()
  port = open.gateway.port
})

afterAll(() => open.gateway[Symbol.asyncDispose]())

const id = 'A'.repeat(43)

/** A path of the operation with well-formed parameters. */
function pathOf(name: OperationName): string {
  return rowOf(name).path.replace('{slot}', '0').replace('{at}', '0').replace(/\{\w+\}/g, id)
}

interface Ask {
  readonly method?: string
  readonly path: string
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
  readonly end?: boolean
}

function ask({ method = 'GET', path, headers = [], body, end = false }: Ask): Promise<RawAnswer> {
  const hasHost = headers.some(header => header.toLowerCase().startsWith('host:'))
  const lines = [`${method} ${path} HTTP/1.1`, ...(hasHost ? [] : [`Host: 127.0.0.1:${port}`]), ...headers]
  return rawRequest(port, [`${lines.join('\r\n')}\r\n\r\n`, ...(body === undefined ? [] : [body])], { end })
}

/** A clear refusal: a 4xx problem document that says what to do, and shows nothing of the inside. */
function expectProblem(answer: RawAnswer, code?: string): void {
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(answer.status).toBeLessThan(500)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  const problem = ProblemView.parse(JSON.parse(answer.body))
  expect(problem.status).toBe(answer.status)
  expect(problem.request).toBeTruthy()
  expect(answer.body).not.toMatch(/\.ts:\d|node_modules|\\n\s+at /)
  expect(answer.body).not.toContain(import.meta.dirname)
  expect(answer.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'")
  expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
  expect(answer.headers.get('referrer-policy')).toBe('no-referrer')
  if (code !== undefined) expect(problem.code).toBe(code)
}

async function expectAlive(): Promise<void> {
  expect((await ask({ path: '/health' })).status).toBe(200)
}

describe.each(OPERATION_NAMES)('%s', name => {
  const row = rowOf(name)
  const auth = row.access === 'admin' ? [`Authorization: Bearer ${ADMIN_TOKEN}`] : []
  const type = row.body === undefined ? '' : row.body.kind === 'bytes' ? row.body.mediaType : 'application/json'

  it('refuses other methods and says which it takes', async () => {
    for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND']) {
      const answer = await ask({ method, path: pathOf(name), headers: auth })
      expectProblem(answer, 'method-not-allowed')
      expect(answer.headers.get('allow')).toContain(row.method)
    }
  })

  it('refuses query parameters that it does not have, and those given twice', async () => {
    const [path, headers] = [pathOf(name), [...auth, ...(row.body === undefined ? [] : ['Content-Type: ' + type, 'Content-Length: 2'])]]
    const body = row.body === undefined ? {} : { body: '{}' }
    expectProblem(await ask({ method: row.method, path: `${path}?nonsense=1`, headers, ...body }), 'malformed-request')
    expectProblem(await ask({ method: row.method, path: `${path}?a=1&a=1`, headers, ...body }), 'malformed-request')
    expectProblem(await ask({ method: row.method, path: `${path}?%zz`, headers, ...body }), 'malformed-request')
  })

  it('refuses parameters of the wrong shape', async () => {
    const { path } = row
    if (!path.includes('{')) return
    for (const bad of ['x', '%00', 'A'.repeat(42), 'A'.repeat(44), '*'.repeat(43), 'A'.repeat(42) + 'B', '%C3%28', '..%2f..%2fetc%2fpasswd', '%F0%9F%A6%84', '-1', '1e3', '99999999999999999999']) {
      if (bad === 'x' && path.includes('{key}')) continue
      expectProblem(await ask({ method: row.method, path: path.replace(/\{\w+\}/g, bad), headers: auth }))
    }
  })

  it.runIf(row.body !== undefined)('refuses bodies by their announced size before a byte of them is sent', async () => {
    const limitBytes = row.body?.limitBytes ?? 0
    const headers = [...auth, `Content-Type: ${type}`, `Content-Length: ${limitBytes + 1}`]
    expectProblem(await ask({ method: 'POST', path: pathOf(name), headers }), 'too-large')
    expectProblem(await ask({ method: 'POST', path: pathOf(name), headers: [...headers, 'Expect: 100-continue'] }), 'too-large')
  })

  it.runIf(row.body !== undefined && row.body.limitBytes < 5e6)('refuses chunked bodies as soon as they are too large', async () => {
    const limitBytes = row.body?.limitBytes ?? 0
    const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
    const pieces = [`POST ${pathOf(name)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: ${type}\r\nTransfer-Encoding: chunked\r\n\r\n`]
    for (let sent = 0; sent <= limitBytes; sent += 64 * 1024) pieces.push(chunk)
    expectProblem(await rawRequest(port, pieces), 'too-large')
  })

  it.runIf(row.body !== undefined)('refuses wrong types, encodings and bytes that are nothing', async () => {
    const post = (headers: readonly string[], body: string) =>
      ask({ method: 'POST', path: pathOf(name), headers: [...auth, ...headers, `Content-Length: ${body.length}`], body })
    expectProblem(await post([], '{}'), 'unsupported-media')
    expectProblem(await post(['Content-Type: text/plain'], '{}'), 'unsupported-media')
    expectProblem(await post(['Content-Type: application/x-www-form-urlencoded'], 'a=b'), 'unsupported-media')
    for (const encoding of ['gzip', 'br', 'deflate', 'identity']) {
      expectProblem(await post([`Content-Type: ${type}`, `Content-Encoding: ${encoding}`], '{}'), 'unsupported-media')
    }
    for (const body of ['', '\0', '{', '[]', 'null', '"x"', 'x'.repeat(5000), '{"__proto__":{"polluted":1}}', '{"tags":[{"name":1}]}']) {
      expectProblem(await post([`Content-Type: ${type}`], body))
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it.runIf(row.body !== undefined)('lives on when a body is cut short', async () => {
    const headers = [...auth, `Content-Type: ${type}`, 'Content-Length: 1000']
    const answer = await ask({ method: 'POST', path: pathOf(name), headers, body: 'too little', end: true })
    if (answer.status !== 0) expectProblem(answer)
    await expectAlive()
  })

  it.runIf(row.body === undefined)('refuses a body', async () => {
    expectProblem(await ask({ method: row.method, path: pathOf(name), headers: [...auth, 'Content-Length: 2'], body: '{}' }), 'malformed-request')
  })

  it.runIf(row.access === 'public')('says that it is not there for ids that nobody knows', async () => {
    if (!row.path.includes('{') || name === 'query') return
    expectProblem(await ask({ method: row.method, path: `${pathOf(name)}${'wait_ms' in row.query.shape ? '?wait_ms=0' : ''}` }))
  })
})

describe('paths', () => {
  it('never lead out: 500 attempts to climb', async () => {
    const dots = ['..', '%2e%2e', '.%2e', '%252e%252e', '..;', '....//', '..\\', '%2e%2e%5c', '\u002e\u002e', '%c0%ae%c0%ae']
    const starts = ['/', '/v1/', '/v1/processes/', '/v1/modules/', `/v1/processes/${id}/slots/`]
    const targets = ['etc/passwd', 'proc/self/environ', 'admin-token%00', 'data/key.pem', 'windows/win.ini', 'v1/admin/status', '%2fetc%2fshadow', 'C:%5cboot.ini', '.git/config', 'node_modules']
    let count = 0
    for (const start of starts) {
      for (const dot of dots) {
        const answers = await Promise.all(targets.map(target => ask({ path: `${start}${`${dot}/`.repeat(1 + (count % 6))}${target}` })))
        for (const answer of answers) {
          expectProblem(answer)
          count += 1
        }
      }
    }
    expect(count).toBe(500)
    await expectAlive()
  })

  it('must be paths, in one spelling', async () => {
    expectProblem(await ask({ path: `http://127.0.0.1:${port}/v1/node` }), 'malformed-request')
    expectProblem(await ask({ method: 'OPTIONS', path: '*' }), 'malformed-request')
    expectProblem(await ask({ path: '/v1/node/' }), 'not-found')
    expectProblem(await ask({ path: '//v1/node' }), 'not-found')
    expectProblem(await ask({ path: '/V1/node' }), 'not-found')
    expectProblem(await ask({ path: '/v1/%' }), 'malformed-request')
    expectProblem(await ask({ path: `/v1/${'x'.repeat(9000)}` }), 'malformed-request')
    expectProblem(await ask({ path: '/' }), 'not-found')
    expect((await ask({ path: '/v1/n%6fde' })).status).toBe(200)
  })
})

describe('requests that are no requests', () => {
  it('are answered with a refusal, or closed', async () => {
    const host = `Host: 127.0.0.1:${port}\r\n`
    const raw = [
      'NONSENSE\r\n\r\n', '\0\0\0\0', '\x16\x03\x01\x02\0\x01\0\x01\xfc', 'GET /v1/node\r\n\r\n', 'GET  /v1/node HTTP/1.1\r\n\r\n',
      `GET /v1/node HTTP/9.9\r\n${host}\r\n`, `POST /v1/messages HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
      `POST /v1/messages HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
      `POST /v1/messages HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /v1/messages HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked, x\r\n\r\n`,
      `POST /v1/messages HTTP/1.1\r\n${host}Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `GET /v1/node HTTP/1.1\r\n${host}X: ${'y'.repeat(20_000)}\r\n\r\n`, `GET /v1/node HTTP/1.1\r\n${host}Bad Header: 1\r\n\r\n`,
      `GET /v1/no\0de HTTP/1.1\r\n${host}\r\n`, `CONNECT example.org:443 HTTP/1.1\r\n${host}\r\n`,
    ]
    for (const text of raw) {
      const answer = await rawRequest(port, [Buffer.from(text, 'latin1')], { end: true })
      if (answer.status !== 0) expectProblem(answer)
    }
    await expectAlive()
  })

  it('get no upgrade', async () => {
    const answer = await ask({ path: '/v1/node', headers: ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13'] })
    expect(answer.status).toBe(200)
  })
})

describe('failures inside', () => {
  it('of this machine show their title and nothing else; the log has the rest', async () => {
    const { Failure } = await import('../../protocol/index.ts')
    const cases = [
      [new Failure('disk-full', { folder: '/secret/data' }, { cause: new Error('ENOSPC /secret/data/x') }), 507, 'disk-full'],
      [new TypeError('cannot read /secret/file.ts'), 500, 'internal'],
      [new Failure('busy', {}, { cause: new Error('/secret/queue') }), 429, 'busy'],
    ] as const
    for (const [thrown, status, code] of cases) {
      open.units.submitFailures.push(thrown)
      const answer = await ask({ method: 'POST', path: '/v1/messages', headers: ['Content-Type: application/octet-stream', 'Content-Length: 1'], body: 'x' })
      expect(answer.status).toBe(status)
      expect(answer.body).not.toContain('secret')
      expect(JSON.parse(answer.body).code).toBe(code)
      expect(answer.headers.get('x-request-id')).toBe(JSON.parse(answer.body).request)
    }
    expect(open.logger.lines.map(line => line.level)).toEqual(['warn', 'error'])
  })
})
