import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import {
  Failure,
  ITEM_MEDIA_TYPE,
  type Operations,
  type ResultView,
  signDataItemSync,
  STREAMS_MAX,
} from '../../protocol/index.ts'
import { fakeOperations, openFakeGateway } from '../fakes/fake-gateway.ts'
import { FakeUnits } from '../fakes/fake-units.ts'

type Open = Awaited<ReturnType<typeof openFakeGateway>>

const seed = new Uint8Array(32).fill(5)

async function submit({ gateway }: Open, bytes: Uint8Array): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/messages`, {
    method: 'POST',
    body: new Uint8Array(bytes),
    headers: { 'content-type': ITEM_MEDIA_TYPE },
  })
  return ((await response.json()) as { id: string }).id
}

async function spawnWith(open: Open, messages: number): Promise<string> {
  const tags = (entries: Record<string, string>) => Object.entries(entries).map(([name, value]) => ({ name, value }))
  const process = await submit(
    open,
    signDataItemSync(
      {
        data: '',
        tags: tags({ Type: 'Process', Module: 'A'.repeat(43), Scheduler: open.units.key }),
      },
      seed,
    ).bytes,
  )
  for (let i = 1; i <= messages; i++)
    await submit(
      open,
      signDataItemSync({ target: process, data: `m${i}`, tags: tags({ Type: 'Message' }) }, seed).bytes,
    )
  return process
}

/** Reads events until `count` have come, then leaves. */
async function readIds(
  url: string,
  count: number,
  headers: Record<string, string> = {},
): Promise<{ status: number; ids: string[]; text: string }> {
  const aborter = new AbortController()
  const response = await fetch(url, { headers, signal: aborter.signal })
  let text = ''
  const decoder = new TextDecoder()
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece, { stream: true })
    if ([...text.matchAll(/^id: /gm)].length >= count) break
  }
  aborter.abort()
  return {
    status: response.status,
    ids: [...text.matchAll(/^id: (.*)$/gm)].map(match => match[1] ?? ''),
    text,
  }
}

async function withOpen(run: (open: Open) => Promise<void>, operations?: Partial<Operations>): Promise<void> {
  const open = await openFakeGateway(
    operations && { operations: { ...fakeOperations(new FakeUnits()), ...operations } },
  )
  try {
    await run(open)
  } finally {
    await open.gateway[Symbol.asyncDispose]()
  }
}

const result = (slot: number, sizeBytes = 0): ResultView => ({
  final: true,
  attested: { by: [], needed: 1, of: 1 },
  process: 'A'.repeat(43) as ResultView['process'],
  slot,
  status: 'ok',
  gas: 0n,
  output: new Uint8Array(sizeBytes),
  log: '',
  outbox: [],
  assigns: [],
  dropped: [],
})

describe('a stream of results', () => {
  it('has the slot as the id of each event, and resumes after the last one a reader had', () =>
    withOpen(async open => {
      const url = `${open.gateway.url}/v1/processes/${await spawnWith(open, 5)}/results/stream`
      expect(await readIds(`${url}?from=0`, 6)).toMatchObject({
        status: 200,
        ids: ['0', '1', '2', '3', '4', '5'],
      })
      expect((await readIds(`${url}?from=0`, 2, { 'last-event-id': '3' })).ids.slice(0, 2)).toEqual(['4', '5'])
      expect((await readIds(`${url}?from=4`, 2)).ids.slice(0, 2)).toEqual(['4', '5'])
    }))

  it('starts with what comes when no slot is named', () =>
    withOpen(async open => {
      const process = await spawnWith(open, 2)
      const reading = readIds(`${open.gateway.url}/v1/processes/${process}/results/stream`, 1)
      const next = (async () => {
        await expect
          .poll(async () =>
            (await (await fetch(`${open.gateway.url}/metrics`)).text()).includes('atoll_http_streams_open 1'),
          )
          .toBe(true)
        await submit(
          open,
          signDataItemSync({ target: process, data: 'late', tags: [{ name: 'Type', value: 'Message' }] }, seed).bytes,
        )
      })()
      expect((await reading).ids).toEqual(['3'])
      await next
    }))

  it('refuses as every request does, before it begins', () =>
    withOpen(async open => {
      const nobody = await fetch(`${open.gateway.url}/v1/processes/${'A'.repeat(43)}/results/stream`)
      expect([nobody.status, nobody.headers.get('content-type')]).toEqual([404, 'application/problem+json'])
      const wrong = await fetch(`${open.gateway.url}/v1/processes/${'A'.repeat(43)}/results/stream`, {
        headers: { 'last-event-id': 'x; drop' },
      })
      expect(wrong.status).toBe(400)
    }))

  it('tells of a failure on its way as its last event', () =>
    withOpen(
      async open => {
        const { text } = await readIds(`${open.gateway.url}/v1/processes/${'A'.repeat(43)}/results/stream`, 99)
        expect(text).toMatch(/id: 0\n[\s\S]*event: problem\ndata: \{.*"code":"feed-frozen".*\n\n$/)
        expect(text).not.toContain('/secret')
      },
      {
        async *followResults() {
          yield result(0)
          throw new Failure('feed-frozen', { file: '/secret/x' })
        },
      },
    ))

  it('leaves out, if asked to, what ends no message of an earlier slot', () =>
    withOpen(async open => {
      const process = await spawnWith(open, 2)
      const ended = `{"settled":[{"message":"${'A'.repeat(43)}","reply":1}]}`
      for (const data of [ended, '{"pending":true}', 'fail', ended])
        await submit(open, signDataItemSync({ target: process, data, tags: [{ name: 'N', value: data }] }, seed).bytes)
      await submit(
        open,
        signDataItemSync({ target: process, data: ended, tags: [{ name: 'N', value: 'again' }] }, seed).bytes,
      )
      const url = `${open.gateway.url}/v1/processes/${process}/results/stream?from=1&settling=true`
      expect((await readIds(url, 2)).ids).toEqual(['3', '6'])
    }))

  it('lets one that it would leave out through now and then, so that its reader need not begin at the beginning again', () =>
    withOpen(async open => {
      const process = await spawnWith(open, 140)
      const url = `${open.gateway.url}/v1/processes/${process}/results/stream?from=1&settling=true`
      expect((await readIds(url, 2)).ids).toEqual(['65', '130'])
    }))

  it('is not produced faster than its reader takes it, and ends when the reader goes', async () => {
    let produced = 0
    let ended = false
    await withOpen(
      async open => {
        const socket = connect(open.gateway.port, '127.0.0.1')
        socket.pause()
        socket.write(
          `GET /v1/processes/${'A'.repeat(43)}/results/stream HTTP/1.1\r\nHost: localhost:${open.gateway.port}\r\n\r\n`,
        )
        await expect.poll(() => produced, { timeout: 60_000 }).toBeGreaterThan(5)
        let before = -1
        await expect
          .poll(
            () => {
              const still = produced === before
              before = produced
              return still
            },
            { timeout: 60_000, interval: 200 },
          )
          .toBe(true)
        expect(produced).toBeLessThan(400)
        socket.destroy()
        await expect.poll(() => ended).toBe(true)
      },
      {
        async *followResults() {
          try {
            for (; produced < 1000; produced++) yield result(produced, 64 * 1024)
          } finally {
            ended = true
          }
        },
      },
    )
  })

  it(
    'is refused when too many are open, while other requests are answered',
    () =>
      withOpen(
        async open => {
          const aborter = new AbortController()
          const url = `${open.gateway.url}/v1/processes/${'A'.repeat(43)}/results/stream`
          const streams = await Promise.all(
            Array.from({ length: STREAMS_MAX }, () => fetch(url, { signal: aborter.signal })),
          )
          expect(streams.every(stream => stream.status === 200)).toBe(true)
          const refused = await fetch(url)
          expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
          expect((await fetch(`${open.gateway.url}/health`)).status).toBe(200)
          aborter.abort()
          await expect
            .poll(async () => (await fetch(`${open.gateway.url}/metrics`)).text())
            .toContain('atoll_http_streams_open 0')
        },
        {
          async *followResults(_, { signal }) {
            yield result(0)
            await new Promise(resolve => signal?.addEventListener('abort', resolve))
          },
        },
      ),
    20_000,
  )
})

describe('a stream of a trace', () => {
  it('shows the tree again each time it has grown, and ends when it is settled', () =>
    withOpen(async open => {
      const process = await spawnWith(open, 0)
      open.units.held = true
      const id = await submit(
        open,
        signDataItemSync({ target: process, data: 'held', tags: [{ name: 'Type', value: 'Message' }] }, seed).bytes,
      )
      const response = await fetch(`${open.gateway.url}/v1/messages/${id}/trace/stream`)
      const reading = response.text()
      await open.units.release()
      const text = await reading
      const trees = [...text.matchAll(/^data: (\{"root".*)$/gm)].map(match => JSON.parse(match[1] ?? '').root.status)
      expect(trees.at(-1)).toBe('ok')
      expect(new Set(trees).size).toBe(trees.length)
      expect(text.endsWith('event: end\ndata: {}\n\n')).toBe(true)
    }))
})
