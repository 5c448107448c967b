import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { httpFetch } from '../../messenger-unit/effects/http-fetch.ts'

const CALL = { key: 'k', signal: new AbortController().signal } as never

it('a host that stops in the middle of its answer has given none in time', async () => {
  const server = createServer((_, response) => void response.write('half'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fetched = httpFetch({ allow: [url] })({ url, timeoutMs: 200 }, CALL)
  await expect(fetched).rejects.toMatchObject({ code: 'effect-timeout', passing: false })
})

it('a name that is looked up without end is given up in time', async () => {
  const resolve = (): Promise<never> => new Promise(() => undefined)
  const fetched = httpFetch({ allow: ['*'], resolve })({ url: 'https://slow.example', timeoutMs: 200 }, CALL)
  await expect(fetched).rejects.toMatchObject({ code: 'effect-timeout', passing: false })
})
