import { createServer, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { httpFetch } from '../../messenger-unit/index.ts'
import { asProcessId, EffectFailed } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'

const CALL = { process: asProcessId(fakeId(1)), owner: fakeId(2), key: 'k', signal: new AbortController().signal }

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'reached',
    error => (error instanceof EffectFailed ? error.code : String(error)),
  )

/** Addresses that are not the public internet, in the spellings a URL takes. */
const HIDDEN = [
  '127.0.0.1',
  '127.1',
  '0x7f.1',
  '2130706433',
  '017700000001',
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '192.0.0.1',
  '192.0.2.1',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[fe80::1]',
  '[fc00::1]',
  '[fd00::1]',
  '[ff02::1]',
  '[2001:db8::1]',
  '[2002:7f00:1::]',
  '[100::1]',
]

describe('what http.fetch can reach', () => {
  let server: Server
  let port: number
  let connections = 0
  beforeAll(async () => {
    server = createServer((_, response) => response.end('inside'))
    server.on('connection', () => (connections += 1))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(() => void server.close())

  it('is nothing, unless the operator names hosts', async () => {
    const fetch = httpFetch({ allow: [] })
    expect(await codeOf(fetch({ url: 'https://example.org/' }, CALL))).toBe('effect-forbidden')
    // No list could allow them.
    expect(await codeOf(fetch({ url: 'file:///etc/passwd' }, CALL))).toBe('effect-bad-input')
  })

  it('says which entry would let a host be reached, and that entry does', async () => {
    const url = `http://127.0.0.1:${port}/`
    const refusal = await httpFetch({ allow: [] })({ url }, CALL).then(String, String)
    const entry = /--effects-http ([^ )]+)/.exec(refusal)?.[1] ?? ''
    expect(await codeOf(httpFetch({ allow: [entry] })({ url }, CALL)), entry).toBe('reached')
  })

  it('is no private address, however it is spelled, where all hosts are allowed', async () => {
    const fetch = httpFetch({ allow: ['http://*', `http://*:${port}`, '*'] })
    const before = connections
    for (const host of HIDDEN) {
      for (const url of [`http://${host}:${port}/`, `http://${host}/`]) {
        expect([url, await codeOf(fetch({ url }, CALL))]).toEqual([url, 'effect-forbidden'])
      }
    }
    expect(connections).toBe(before)
  })

  it('is no name that resolves to a private address, not even beside a public one, nor at a second look', async () => {
    const before = connections
    const answers = [
      [{ address: '127.0.0.1', family: 4 }],
      [
        { address: '93.184.215.14', family: 4 },
        { address: '127.0.0.1', family: 4 },
      ],
      [{ address: '::ffff:127.0.0.1', family: 6 }],
    ]
    for (const addresses of answers) {
      const fetch = httpFetch({ allow: [`http://*:${port}`], resolve: async () => addresses })
      expect(await codeOf(fetch({ url: `http://rebind.example:${port}/` }, CALL))).toBe('effect-forbidden')
    }
    let looks = 0
    const flip = httpFetch({
      allow: [`http://*:${port}`],
      resolve: async () => {
        looks += 1
        return [{ address: looks === 1 ? '192.0.2.1' : '127.0.0.1', family: 4 }]
      },
    })
    expect(await codeOf(flip({ url: `http://flip.example:${port}/`, timeoutMs: 300 }, CALL))).toBe('effect-forbidden')
    expect(looks).toBe(1)
    expect(connections).toBe(before)
  })

  it('is resolved once: the connection goes to the address that was looked at', async () => {
    // The name means this machine to us, and nothing to the system's resolver.
    const fetch = httpFetch({
      allow: [`http://localhost:${port}`],
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    })
    expect(await fetch({ url: `http://localhost:${port}/` }, CALL)).toMatchObject({ status: 200, body: 'inside' })
  })

  it('is what an entry says: scheme, host and port', async () => {
    const resolve = async () => [{ address: '10.0.0.1', family: 4 }]
    const reached = (allow: string, url: string) => codeOf(httpFetch({ allow: [allow], resolve })({ url }, CALL))
    // On the list: refused later, for its address. Not on the list: refused at once, without a look at the name.
    const look = async (allow: string, url: string): Promise<boolean> => {
      let looked = false
      const noting = () => {
        looked = true
        return resolve()
      }
      const fetch = httpFetch({ allow: [allow], resolve: noting })
      await codeOf(fetch({ url }, CALL))
      return looked
    }
    expect(await reached('a.example', 'https://a.example/')).toBe('effect-forbidden')
    expect(await look('a.example', 'https://a.example/')).toBe(true)
    expect(await look('a.example', 'https://A.EXAMPLE:443/')).toBe(true)
    expect(await look('a.example', 'http://a.example/')).toBe(false)
    expect(await look('a.example', 'https://a.example:8443/')).toBe(false)
    expect(await look('a.example', 'https://b.a.example/')).toBe(false)
    expect(await look('*.a.example', 'https://b.a.example/')).toBe(true)
    expect(await look('*.a.example', 'https://a.example/')).toBe(false)
    expect(await look('*.a.example', 'https://bad-a.example/')).toBe(false)
    expect(await look('a.example', 'https://a.example.evil.example/')).toBe(false)
    expect(() => httpFetch({ allow: ['https://a.example/path'] })).toThrowError(/effectsHttp/)
  })

  it('ends in time, and is cut off with the node', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>(resolve => silent.listen(0, '127.0.0.1', resolve))
    const { port: silentPort } = silent.address() as AddressInfo
    const url = `http://127.0.0.1:${silentPort}/`
    const fetch = httpFetch({ allow: [`http://127.0.0.1:${silentPort}`] })
    expect(await codeOf(fetch({ url, timeoutMs: 100 }, CALL))).toBe('effect-timeout')
    const stop = new AbortController()
    const cut = codeOf(fetch({ url }, { ...CALL, signal: stop.signal }))
    stop.abort()
    expect(await cut).toBe('effect-timeout')
    silent.closeAllConnections()
    silent.close()
  })

  it('that takes up another protocol instead of answering has given no answer', async () => {
    const upgrading = createTcpServer(socket => {
      socket.on('error', () => undefined)
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n'),
      )
    })
    await new Promise<void>(resolve => upgrading.listen(0, '127.0.0.1', resolve))
    const host = `http://127.0.0.1:${(upgrading.address() as AddressInfo).port}`
    expect(await codeOf(httpFetch({ allow: [host] })({ url: `${host}/`, timeoutMs: 60_000 }, CALL))).toBe(
      'effect-failed',
    )
    upgrading.close()
  })
})
