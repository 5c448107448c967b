import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAdminGate } from '../../gateway/admin-gate.ts'
import { createHostRule } from '../../gateway/host-rule.ts'
import { ADMIN_TRIES_PER_MINUTE } from '../../protocol/index.ts'
import { ADMIN_TOKEN, openFakeGateway } from '../fakes/fake-gateway.ts'
import { rawRequest } from './raw-http.ts'

describe('the Host rule', () => {
  const rule = createHostRule({
    host: '127.0.0.1',
    port: 7333,
    allowedHosts: ['atoll.example', 'Other.Example:9000', '[2001:db8::1]:7333'],
  })

  it.each([
    'localhost:7333',
    'LOCALHOST:7333',
    '127.0.0.1:7333',
    '[::1]:7333',
    'atoll.example',
    'atoll.example:443',
    'ATOLL.example:1',
    'other.example:9000',
    '[2001:db8::1]:7333',
  ])('takes %s', host => expect(rule(host)).toBe('node'))

  it.each([
    'evil.com',
    'evil.com:7333',
    'localhost',
    'localhost:80',
    'localhost:73333',
    '127.0.0.1',
    '127.0.0.1:7334',
    '127.0.0.2:7333',
    'localhost.evil.com:7333',
    'evil.localhost:7333',
    '127.0.0.1.nip.io:7333',
    '0.0.0.0:7333',
    '[::]:7333',
    '::1:7333',
    '2130706433:7333',
    '0x7f.1:7333',
    'localhost:7333.evil.com',
    'localhost:7333@evil.com',
    'evil.com#localhost:7333',
    ' localhost:7333',
    'localhost :7333',
    'other.example',
    'other.example:9001',
    'xatoll.example',
    '',
    undefined,
  ])('refuses %s', host => expect(rule(host)).toBe(undefined))

  const CANISTER = 'ryjl3-tyaaa-aaaaa-aaaba-cai'

  it.each([
    `${CANISTER}.localhost:7333`,
    `${CANISTER}.raw.localhost:7333`,
    `${CANISTER.toUpperCase()}.atoll.example`,
    `${CANISTER}.other.example:9000`,
  ])('takes %s as the host of a canister', host => expect(rule(host)).toBe('canister'))

  it.each([
    `${CANISTER}.localhost`,
    `${CANISTER}.localhost:7334`,
    `${CANISTER}.evil.com:7333`,
    `${CANISTER}.127.0.0.1:7333`,
    `${CANISTER}.sub.localhost:7333`,
    `x.${CANISTER}.localhost:7333`,
    `${CANISTER.replace('r', 's')}.localhost:7333`,
    `${CANISTER}.raw.raw.localhost:7333`,
    'raw.localhost:7333',
  ])('takes %s for no host of a canister', host => expect(rule(host)).toBe(undefined))

  it('means port 80 when no port is given, and the address listened on', () => {
    expect(createHostRule({ host: '127.0.0.1', port: 80, allowedHosts: [] })('localhost')).toBe('node')
    const lan = createHostRule({ host: '192.168.7.9', port: 7333, allowedHosts: [] })
    expect([lan('192.168.7.9:7333'), lan('192.168.7.8:7333')]).toEqual(['node', undefined])
    const everywhere = createHostRule({ host: '0.0.0.0', port: 7333, allowedHosts: [] })
    expect([everywhere('0.0.0.0:7333'), everywhere('192.168.7.9:7333'), everywhere('localhost:7333')]).toEqual([
      undefined,
      undefined,
      'node',
    ])
  })
})

describe('the admin gate', () => {
  const clock = { at: 0, elapsed: () => clock.at }
  const codeOf = (run: () => void): string => {
    try {
      run()
      return 'in'
    } catch (error) {
      return (error as { code: string }).code
    }
  }

  it('lets in who shows the token, and nobody if there is none', () => {
    const gate = createAdminGate('secret', clock)
    expect(codeOf(() => gate('Bearer secret', 'a'))).toBe('in')
    expect(codeOf(() => gate('bearer secret', 'a'))).toBe('in')
    for (const wrong of [
      'Bearer secre',
      'Bearer secret2',
      'Basic secret',
      'secret',
      'Bearer ',
      'Bearer secret extra',
      '',
    ]) {
      expect(codeOf(() => gate(wrong, wrong))).toBe('not-permitted')
    }
    const closed = createAdminGate(undefined, clock)
    expect(codeOf(() => closed('Bearer undefined', 'a'))).toBe('not-permitted')
  })

  it('makes even the right token wait after ten wrong ones from one address, for a minute', () => {
    const gate = createAdminGate('secret', clock)
    for (let i = 0; i < ADMIN_TRIES_PER_MINUTE; i++)
      expect(codeOf(() => gate(`Bearer wrong${i}`, 'a'))).toBe('not-permitted')
    expect(codeOf(() => gate('Bearer secret', 'a'))).toBe('busy')
    expect(codeOf(() => gate('Bearer secret', 'b'))).toBe('in')
    clock.at += 60_000
    expect(codeOf(() => gate('Bearer secret', 'a'))).toBe('in')
  })

  it('does not count requests without a token, which any page could send', () => {
    const gate = createAdminGate('secret', clock)
    for (let i = 0; i < 50; i++) codeOf(() => gate(undefined, 'a'))
    expect(codeOf(() => gate('Bearer secret', 'a'))).toBe('in')
  })
})

describe('a web page of another origin', () => {
  let open: Awaited<ReturnType<typeof openFakeGateway>>
  let port: number

  beforeAll(async () => {
    open = await openFakeGateway()
    port = open.gateway.port
  })

  afterAll(() => open.gateway[Symbol.asyncDispose]())

  const ask = (method: string, path: string, headers: readonly string[]) =>
    rawRequest(port, [`${method} ${path} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`])
  const own = () => `Host: localhost:${port}`
  const token = `Authorization: Bearer ${ADMIN_TOKEN}`

  it('has no effect as an admin: 30 ways to try', async () => {
    const hosts = [
      'evil.com',
      `evil.com:${port}`,
      'localhost',
      `127.0.0.1.nip.io:${port}`,
      '[::]',
      `0.0.0.0:${port}`,
      `localhost:${port + 1}`,
      `x.localhost:${port}`,
    ]
    const origins = [
      'null',
      'http://evil.com',
      `http://localhost.evil.com:${port}`,
      `https://evil.com:${port}`,
      `http://localhost:${port + 1}`,
      `http://127.0.0.1:${port}`,
      'chrome-extension://abc',
      'file://',
    ]
    const tries = [
      ...hosts.map(host => [`Host: ${host}`, token]),
      ...origins.map(origin => [own(), token, `Origin: ${origin}`]),
      ...origins.slice(0, 4).map(origin => [own(), `Origin: ${origin}`]),
      [own()],
      [own(), 'Authorization: Bearer'],
      [own(), 'Authorization: Bearer wrong'],
      [own(), `Cookie: token=${ADMIN_TOKEN}`],
      [own(), token, 'Sec-Fetch-Site: cross-site'],
      [own(), token, 'Sec-Fetch-Site: same-site'],
      [token],
      [own(), own(), token],
      [own(), 'Host: evil.com', token],
      [own(), 'Content-Type: text/plain', `Origin: http://evil.com`],
    ]
    expect(tries).toHaveLength(30)
    for (const headers of tries) {
      const answer = await ask('POST', '/v1/admin/shutdown', headers)
      expect(answer.status, headers.join(' | ')).toBe(403)
      expect(answer.headers.has('access-control-allow-origin')).toBe(false)
    }
    expect(open.admin.shutdowns).toBe(0)
  })

  it('gets no leave to ask for admin operations, and leave for the rest', async () => {
    const preflight = [
      own(),
      'Origin: http://page.example',
      'Access-Control-Request-Method: POST',
      'Access-Control-Request-Headers: authorization',
    ]
    const admin = await ask('OPTIONS', '/v1/admin/shutdown', preflight)
    expect([
      admin.status,
      admin.headers.has('access-control-allow-origin'),
      admin.headers.has('access-control-allow-headers'),
    ]).toEqual([204, false, false])
    const open = await ask('OPTIONS', '/v1/messages', preflight)
    expect([
      open.status,
      open.headers.get('access-control-allow-origin'),
      open.headers.get('access-control-allow-methods'),
    ]).toEqual([204, '*', 'POST, OPTIONS'])
    expect(open.headers.get('access-control-allow-headers')).not.toContain('authorization')
  })

  it('may read public answers and refusals, and no metrics', async () => {
    for (const path of ['/v1/node', '/openapi.json', '/health', '/v1/nothing']) {
      expect(
        (await ask('GET', path, [own(), 'Origin: http://page.example'])).headers.get('access-control-allow-origin'),
      ).toBe('*')
    }
    expect((await ask('GET', '/metrics', [own()])).headers.has('access-control-allow-origin')).toBe(false)
  })

  it('gets nothing at all by a name of its own', async () => {
    for (const path of ['/v1/node', '/health', '/metrics', '/mu', '/']) {
      expect((await ask('GET', path, [`Host: rebound.evil.com:${port}`])).status).toBe(403)
    }
  })

  it('is told apart from the node’s own page', async () => {
    const answer = await ask('GET', '/v1/admin/status', [
      own(),
      token,
      `Origin: http://localhost:${port}`,
      'Sec-Fetch-Site: same-origin',
    ])
    expect(answer.status).toBe(200)
  })
})
