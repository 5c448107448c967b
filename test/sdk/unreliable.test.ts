import { describe, expect, it } from 'vitest'
import { ed25519Signer, encodeAnswer, Failure, type ResultView } from '../../protocol/index.ts'
import { Client, connect, httpTransport, type Transport } from '../../sdk/index.ts'
import { openFakeGateway } from '../fakes/fake-gateway.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'

const id = 'A'.repeat(43)
const signer = ed25519Signer(new Uint8Array(32).fill(4))
const anyFailure = (code: string) => expect.objectContaining({ name: 'Failure', code })
const receipt = { id, process: id, slot: 1, timestampMs: 2 }

/** A network that answers as it is told, call by call, and remembers the bodies. */
function scripted(...answers: readonly (() => Response | Promise<Response>)[]): {
  fetch: typeof fetch
  bodies: unknown[]
  urls: string[]
} {
  const [bodies, urls]: [unknown[], string[]] = [[], []]
  let at = 0
  return {
    bodies,
    urls,
    fetch: async (url, init) => {
      bodies.push(init?.body)
      urls.push(String(url))
      const answer = answers[Math.min(at, answers.length - 1)]
      at += 1
      if (answer === undefined) throw new Error('nothing was scripted')
      return answer()
    },
  }
}

const json =
  (value: unknown, status = 200) =>
  () =>
    new Response(encodeAnswer(value), { status })
const refused = () => Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') }))
const problem = (code: string, status: number) =>
  json(
    {
      type: 't',
      title: 't',
      status,
      detail: 'd',
      code,
      number: 'AT1',
      next: 'n',
      details: { max: 3 },
      causes: ['because', 'of this'],
    },
    status,
  )

describe('a client of a network that fails', () => {
  it('sends the same bytes again until there is a receipt', async () => {
    const network = scripted(refused, problem('busy', 429), problem('shutting-down', 503), json(receipt))
    const client = connect({ url: 'http://node.example', fetch: network.fetch, signer })
    expect((await client.send({ process: id, data: 'x' })).slot).toBe(1)
    expect(network.bodies).toHaveLength(4)
    for (const body of network.bodies) expect(body).toEqual(network.bodies[0])
  })

  it('gives up on a node that does not answer, and says why', async () => {
    const network = scripted(refused)
    const client = connect({ url: 'http://node.example', fetch: network.fetch, signer })
    const failure: unknown = await client.node().catch(error => error)
    expect(failure).toEqual(anyFailure('unreachable'))
    expect(failure).toMatchObject({
      details: { url: 'http://node.example' },
      cause: { message: 'fetch failed', cause: { message: 'connect ECONNREFUSED' } },
    })
    expect(network.bodies).toHaveLength(5)
  })

  it('asks a busy node until its time is up, and tells of both', async () => {
    const client = connect({
      url: 'http://node.example',
      fetch: scripted(problem('busy', 429)).fetch,
      signer,
    })
    const failure: unknown = await client.send({ process: id }, { timeoutMs: 1_000 }).catch(error => error)
    expect(failure).toMatchObject({
      code: 'timeout',
      details: { timeoutMs: 1_000 },
      cause: { code: 'busy' },
    })
  })

  it('asks the node to hold for a little less than the time that is left: its answer says more than that time is up', async () => {
    const clock = new ManualClock()
    const transport: Transport = {
      around: { clock, random: () => 0.5, randomBytes: length => new Uint8Array(length) },
      // The answer of a node that waited for the slot as long as it was asked to, and is on its way for a moment.
      async request(_name, input) {
        await clock.sleep((input as { wait_ms: number }).wait_ms + 1)
        throw new Failure('unknown-slot')
      },
      stream: () => Promise.reject(new Failure('internal')) as never,
    }
    const result = new Client({ transport, signer }).result(id, 9_999, { timeoutMs: 1_000 }).catch(error => error)
    for (let ms = 0; ms < 1_000; ms++) {
      clock.advance(1)
      await settle(2)
    }
    expect(await result).toEqual(anyFailure('unknown-slot'))
  })

  it('asks a node that has no answer yet a few times, and never without a wait', async () => {
    const clock = new ManualClock()
    let asked = 0
    const transport: Transport = {
      around: { clock, random: () => 0.5, randomBytes: length => new Uint8Array(length) },
      async request(_name, input) {
        asked += 1
        if (asked > 10) throw new Failure('internal')
        await clock.sleep((input as { wait_ms: number }).wait_ms)
        throw new Failure('timeout')
      },
      stream: () => Promise.reject(new Failure('internal')) as never,
    }
    const result = new Client({ transport, signer }).result(id, 1, { timeoutMs: 1_000 }).catch(error => error)
    for (let ms = 0; ms < 1_000; ms++) {
      clock.advance(1)
      await settle(2)
    }
    expect(await result).toEqual(anyFailure('timeout'))
  })

  it('does not repeat what the node refused, and keeps code, details and causes', async () => {
    const network = scripted(problem('too-large', 413))
    const failure: unknown = await connect({ fetch: network.fetch, signer })
      .send({ process: id })
      .catch(error => error)
    expect(failure).toMatchObject({
      code: 'too-large',
      blame: 'input',
      details: { max: 3 },
      cause: { message: 'because', cause: { message: 'of this' } },
    })
    expect(network.bodies).toHaveLength(1)
  })

  it('knows a stranger by its answers', async () => {
    const strangers = [
      json({ hello: 'world' }),
      json([receipt]),
      () => new Response('<html>'),
      () => new Response('nginx', { status: 502 }),
      json({ code: 'no-such-code', status: 400 }, 400),
      json({ ...receipt, id: 'short' }),
    ]
    for (const stranger of strangers) {
      const transport = httpTransport({
        url: 'http://node.example',
        fetch: scripted(stranger).fetch,
      })
      await expect(transport.request('send', { bytes: new Uint8Array(1) })).rejects.toEqual(anyFailure('unreachable'))
    }
  })

  it('stops at once when its caller says so, also between two tries', async () => {
    const aborter = new AbortController()
    const client = connect({ fetch: scripted(problem('busy', 429)).fetch, signer })
    const sending = client.send({ process: id }, { signal: aborter.signal })
    aborter.abort()
    await expect(sending).rejects.toEqual(anyFailure('aborted'))
    await expect(client.node({ signal: AbortSignal.abort() })).rejects.toEqual(anyFailure('aborted'))
  })
})

const event = (slot: number): string =>
  `id: ${slot}\ndata: ${encodeAnswer({
    process: id,
    slot,
    status: 'ok',
    gas: 1n,
    output: new Uint8Array(0),
    log: '',
    outbox: [],
    assigns: [],
    dropped: [],
    final: true,
    attested: { by: [], needed: 1, of: 1 },
  })}\n\n`

/** A body that comes in pieces, each its own read. */
function bodyOf(pieces: readonly Uint8Array[]): ReadableStream {
  let at = 0
  return new ReadableStream({
    pull(controller) {
      const piece = pieces[at++]
      if (piece === undefined) controller.close()
      else controller.enqueue(piece)
    },
  })
}

const stream =
  (...pieces: readonly string[]) =>
  () =>
    new Response(bodyOf(pieces.map(piece => new TextEncoder().encode(piece))))

async function slotsOf(results: AsyncIterable<ResultView>): Promise<number[]> {
  const slots: number[] = []
  for await (const result of results) slots.push(result.slot)
  return slots
}

describe('following results over streams that break', () => {
  it('goes on after the last slot it had, and gives none twice', async () => {
    const network = scripted(
      stream(': open\n\n', event(3), event(4).slice(0, -9)),
      refused,
      stream(event(3), event(4), event(5)),
      problem('shutting-down', 503),
      stream(event(6), event(7)),
    )
    const client = connect({ url: 'http://node.example/', fetch: network.fetch })
    expect(await slotsOf(client.results(id, { from: 3, to: 8 }))).toEqual([3, 4, 5, 6, 7])
    expect(network.urls.map(url => url.split('?')[1])).toEqual(['from=3', 'from=4', 'from=4', 'from=6', 'from=6'])
  })

  it('reads events however they are cut', async () => {
    const text = `: heartbeat\r\n\r\n${event(0)}event: other\n\n${event(1).replaceAll('\n', '\r\n')}`
    const bytes = new TextEncoder().encode(text)
    const cut = () => new Response(bodyOf(Array.from(bytes, byte => new Uint8Array([byte]))))
    const client = connect({ fetch: scripted(cut).fetch })
    expect(await slotsOf(client.results(id, { from: 0, to: 2 }))).toEqual([0, 1])
  })

  it('ends with what the node says when that will not pass', async () => {
    const document = await problem('feed-frozen', 503)().text()
    const client = connect({
      fetch: scripted(stream(event(0), `event: problem\ndata: ${document}\n\n`)).fetch,
    })
    await expect(slotsOf(client.results(id, { from: 0 }))).rejects.toEqual(anyFailure('feed-frozen'))
  })

  it('gives up when the node stays away', async () => {
    const client = connect({ fetch: scripted(refused).fetch })
    await expect(slotsOf(client.results(id, { from: 0, timeoutMs: 100 }))).rejects.toEqual(anyFailure('unreachable'))
  })

  /** Streams that each last `lastMs`, say something, bring no result and break: how often it is tried. */
  async function triesOf(lastMs: number, sayingTries: number): Promise<number> {
    let nowMs = 0
    let tries = 0
    const sleep = async (): Promise<void> => {
      nowMs += 25_000
    }
    const transport: Transport = {
      around: { clock: { now: () => nowMs, sleep }, random: () => 0.5, randomBytes: length => new Uint8Array(length) },
      request: () => Promise.reject(new Failure('internal')),
      stream: (_name, _input, { heard } = {}) => ({
        [Symbol.asyncIterator]: () => ({
          next() {
            tries += 1
            nowMs += lastMs
            if (tries <= sayingTries) heard?.()
            return Promise.reject(new Failure('unreachable'))
          },
        }),
      }),
    }
    const client = new Client({ transport, signer })
    await expect(slotsOf(client.results(id, { from: 0 }))).rejects.toEqual(anyFailure('unreachable'))
    return tries
  }

  it('goes on as long as it hears of the node, though nothing has come of the process for long', async () => {
    expect(await triesOf(20_000, 10)).toBe(10 + 2)
  })

  it('gives up on a node that opens every stream and then fails', async () => {
    expect(await triesOf(100, Number.POSITIVE_INFINITY)).toBe(4)
  })

  it('asks a node that knows no `settling` for all results', async () => {
    const network = scripted(problem('malformed-request', 400), stream(event(6), event(7)))
    const client = connect({ url: 'http://node.example/', fetch: network.fetch })
    expect(await slotsOf(client.results(id, { from: 6, to: 8, settling: true }))).toEqual([6, 7])
    expect(network.urls.map(url => url.split('?')[1])).toEqual(['from=6&settling=true', 'from=6'])
    const refusing = scripted(problem('malformed-request', 400))
    const other = connect({ url: 'http://node.example/', fetch: refusing.fetch })
    await expect(slotsOf(other.results(id, { from: 6, settling: true }))).rejects.toEqual(
      anyFailure('malformed-request'),
    )
    expect(refusing.urls).toHaveLength(2)
  })

  it('survives a node that closes and comes back on its port', async () => {
    const first = await openFakeGateway()
    const client = new Client({ transport: httpTransport({ url: first.gateway.url }), signer })
    const process = await client.spawn({ module: id })
    const seen: number[] = []
    const reading = (async () => {
      for await (const result of process.results({ from: 0, to: 3 })) seen.push(result.slot)
    })()
    await process.send({ data: 'one' })
    await expect.poll(() => seen).toEqual([0, 1])
    const { port } = first.gateway
    await first.gateway[Symbol.asyncDispose]()
    const { Gateway, Metrics } = await import('../../gateway/index.ts')
    const { fakeOperations, RecordingLogger } = await import('../fakes/fake-gateway.ts')
    const { realClock } = await import('../fakes/real-clock.ts')
    await using _second = await Gateway.open({
      port,
      operations: fakeOperations(first.units),
      clock: realClock,
      logger: new RecordingLogger(),
      metrics: new Metrics(),
      version: '0',
    })
    await process.send({ data: 'two' })
    await reading
    expect(seen).toEqual([0, 1, 2])
  })
})
