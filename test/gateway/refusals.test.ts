import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Failure, OPERATION_NAMES, type OperationName, rowOf } from '../../protocol/index.ts'
import { ADMIN_TOKEN, openFakeGateway } from '../fakes/fake-gateway.ts'
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

/** A path of the operation with well-formed parameters. */
function pathOf(name: OperationName): string {
  return rowOf(name)
    .path.replace('{slot}', '0')
    .replace('{at}', '0')
    .replace(/\{\w+\}/g, id)
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
    const [path, headers] = [
      pathOf(name),
      [...auth, ...(row.body === undefined ? [] : [`Content-Type: ${type}`, 'Content-Length: 2'])],
    ]
    const body = row.body === undefined ? {} : { body: '{}' }
    expectProblem(await ask({ method: row.method, path: `${path}?nonsense=1`, headers, ...body }), 'malformed-request')
    expectProblem(await ask({ method: row.method, path: `${path}?a=1&a=1`, headers, ...body }), 'malformed-request')
    expectProblem(await ask({ method: row.method, path: `${path}?%zz`, headers, ...body }), 'malformed-request')
  })

  it('refuses parameters of the wrong shape', async () => {
    const { path } = row
    if (!path.includes('{')) return
    for (const bad of [
      'x',
      '%00',
      'A'.repeat(42),
      'A'.repeat(44),
      '*'.repeat(43),
      `${'A'.repeat(42)}B`,
      '%C3%28',
      '..%2f..%2fetc%2fpasswd',
      '%F0%9F%A6%84',
      '-1',
      '1e3',
      '99999999999999999999',
    ]) {
      if (bad === 'x' && path.includes('{key}')) continue
      expectProblem(await ask({ method: row.method, path: path.replace(/\{\w+\}/g, bad), headers: auth }))
    }
  })

  if (row.body !== undefined)
    it('refuses bodies by their announced size before a byte of them is sent', async () => {
      const limitBytes = row.body?.limitBytes ?? 0
      const headers = [...auth, `Content-Type: ${type}`, `Content-Length: ${limitBytes + 1}`]
      expectProblem(await ask({ method: 'POST', path: pathOf(name), headers }), 'too-large')
      expectProblem(
        await ask({
          method: 'POST',
          path: pathOf(name),
          headers: [...headers, 'Expect: 100-continue'],
        }),
        'too-large',
      )
    })

  if (row.body !== undefined && row.body.limitBytes < 5e6)
    it('refuses chunked bodies as soon as they are too large', async () => {
      const limitBytes = row.body?.limitBytes ?? 0
      const chunk = `${(64 * 1024).toString(16)}\r\n${'x'.repeat(64 * 1024)}\r\n`
      const pieces = [
        `POST ${pathOf(name)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${[...auth, `Content-Type: ${type}`, 'Transfer-Encoding: chunked'].join('\r\n')}\r\n\r\n`,
      ]
      for (let sent = 0; sent <= limitBytes; sent += 64 * 1024) pieces.push(chunk)
      expectProblem(await rawRequest(port, pieces), 'too-large')
    })

  if (row.body !== undefined)
    it('refuses wrong types, encodings and bytes that are nothing', async () => {
      const post = (headers: readonly string[], body: string) =>
        ask({
          method: 'POST',
          path: pathOf(name),
          headers: [...auth, ...headers, `Content-Length: ${body.length}`],
          body,
        })
      expectProblem(await post([], '{}'), 'unsupported-media')
      expectProblem(await post(['Content-Type: text/plain'], '{}'), 'unsupported-media')
      expectProblem(await post(['Content-Type: application/x-www-form-urlencoded'], 'a=b'), 'unsupported-media')
      for (const encoding of ['gzip', 'br', 'deflate', 'identity']) {
        expectProblem(await post([`Content-Type: ${type}`, `Content-Encoding: ${encoding}`], '{}'), 'unsupported-media')
      }
      for (const body of [
        '',
        '\0',
        '{',
        '[]',
        'null',
        '"x"',
        'x'.repeat(5000),
        '{"__proto__":{"polluted":1}}',
        '{"tags":[{"name":1}]}',
      ]) {
        expectProblem(await post([`Content-Type: ${type}`], body))
      }
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    })

  if (row.body !== undefined)
    it('lives on when a body is cut short', async () => {
      const headers = [...auth, `Content-Type: ${type}`, 'Content-Length: 1000']
      const answer = await ask({
        method: 'POST',
        path: pathOf(name),
        headers,
        body: 'too little',
        end: true,
      })
      if (answer.status !== 0) expectProblem(answer)
      await expectAlive()
    })

  if (row.body === undefined)
    it('refuses a body', async () => {
      expectProblem(
        await ask({
          method: row.method,
          path: pathOf(name),
          headers: [...auth, 'Content-Length: 2'],
          body: '{}',
        }),
        'malformed-request',
      )
    })

  if (row.access === 'public')
    it('says that it is not there for ids that nobody knows', async () => {
      if (!row.path.includes('{') || name === 'query') return
      expectProblem(
        await ask({
          method: row.method,
          path: `${pathOf(name)}${'wait_ms' in row.query.shape ? '?wait_ms=0' : ''}`,
        }),
      )
    })
})

describe('failures inside', () => {
  it('of this machine show their title and nothing else; the log has the rest', async () => {
    const cases = [
      [
        new Failure('disk-full', { folder: '/secret/data' }, { cause: new Error('ENOSPC /secret/data/x') }),
        507,
        'disk-full',
      ],
      [new TypeError('cannot read /secret/file.ts'), 500, 'internal'],
      [new Failure('busy', {}, { cause: new Error('/secret/queue') }), 429, 'busy'],
    ] as const
    for (const [thrown, status, code] of cases) {
      open.units.submitFailures.push(thrown)
      const answer = await ask({
        method: 'POST',
        path: '/v1/messages',
        headers: ['Content-Type: application/octet-stream', 'Content-Length: 1'],
        body: 'x',
      })
      expect(answer.status).toBe(status)
      expect(answer.body).not.toContain('secret')
      expect(JSON.parse(answer.body).code).toBe(code)
      expect(answer.headers.get('x-request-id')).toBe(JSON.parse(answer.body).request)
    }
    expect(open.logger.lines.map(line => line.level)).toEqual(['warn', 'error'])
  })
})
