import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFakeGateway } from '../fakes/fake-gateway.ts'
import { type Ask, askRaw, expectProblem } from './ask-raw.ts'
import { rawRequest } from './raw-http.ts'

let open: Awaited<ReturnType<typeof openFakeGateway>>
let port: number

beforeAll(async () => {
  open = await openFakeGateway()
  port = open.gateway.port
})

afterAll(() => open.gateway[Symbol.asyncDispose]())

const id = 'A'.repeat(43)

const ask = (request: Ask) => askRaw(port, request)

async function expectAlive(): Promise<void> {
  expect((await ask({ path: '/health' })).status).toBe(200)
}

describe('paths', () => {
  it('never lead out: 500 attempts to climb', async () => {
    const dots = [
      '..',
      '%2e%2e',
      '.%2e',
      '%252e%252e',
      '..;',
      '....//',
      '..\\',
      '%2e%2e%5c',
      '\u002e\u002e',
      '%c0%ae%c0%ae',
    ]
    const starts = ['/', '/v1/', '/v1/processes/', '/v1/modules/', `/v1/processes/${id}/slots/`]
    const targets = [
      'etc/passwd',
      'proc/self/environ',
      'admin-token%00',
      'data/key.pem',
      'windows/win.ini',
      'v1/admin/status',
      '%2fetc%2fshadow',
      'C:%5cboot.ini',
      '.git/config',
      'node_modules',
    ]
    let count = 0
    for (const start of starts) {
      for (const dot of dots) {
        const answers = await Promise.all(
          targets.map(target => ask({ path: `${start}${`${dot}/`.repeat(1 + (count % 6))}${target}` })),
        )
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
    expect((await ask({ path: '/' })).status).toBe(200)
    expectProblem(await ask({ path: '/?any=thing' }), 'not-found')
    expect((await ask({ path: '/v1/n%6fde' })).status).toBe(200)
  })
})

describe('requests that are no requests', () => {
  it('are answered with a refusal, or closed', async () => {
    const host = `Host: 127.0.0.1:${port}\r\n`
    const raw = [
      'NONSENSE\r\n\r\n',
      '\0\0\0\0',
      '\x16\x03\x01\x02\0\x01\0\x01\xfc',
      'GET /v1/node\r\n\r\n',
      'GET  /v1/node HTTP/1.1\r\n\r\n',
      `GET /v1/node HTTP/9.9\r\n${host}\r\n`,
      `POST /v1/messages HTTP/1.1\r\n${host}Content-Length: -1\r\n\r\n`,
      `POST /v1/messages HTTP/1.1\r\n${host}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
      `POST /v1/messages HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST /v1/messages HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked, x\r\n\r\n`,
      `POST /v1/messages HTTP/1.1\r\n${host}Content-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `GET /v1/node HTTP/1.1\r\n${host}X: ${'y'.repeat(20_000)}\r\n\r\n`,
      `GET /v1/node HTTP/1.1\r\n${host}Bad Header: 1\r\n\r\n`,
      `GET /v1/no\0de HTTP/1.1\r\n${host}\r\n`,
      `CONNECT example.org:443 HTTP/1.1\r\n${host}\r\n`,
    ]
    for (const text of raw) {
      const answer = await rawRequest(port, [Buffer.from(text, 'latin1')], { end: true })
      if (answer.status !== 0) expectProblem(answer)
    }
    await expectAlive()
  })

  it('get no upgrade', async () => {
    const answer = await ask({
      path: '/v1/node',
      headers: ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13'],
    })
    expect(answer.status).toBe(200)
  })
})
