import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { contract, message } from '../../contract/index.ts'
import { Failure, NEXT_STEPS } from '../../protocol/index.ts'
import {
  Client,
  ed25519Signer,
  generateEd25519Seed,
  httpTransport,
  inProcessTransport,
  type SpawnedProcess,
} from '../../sdk/index.ts'
import { Counter } from '../contract/counter.contract.ts'
import { anyFailure, MODULE } from '../conformance/client-under-test.ts'
import { ANSWERED_BADLY, counterProgram, LATER, LATER_REFUSED, REFUSED } from '../fakes/counter-program.ts'
import { fakeOperations, openFakeGateway } from '../fakes/fake-gateway.ts'
import { FakeUnits } from '../fakes/fake-units.ts'

interface Tested {
  readonly client: Client
  readonly units: FakeUnits
  readonly hits: SpawnedProcess<typeof Counter>
}

async function overHttp(): Promise<{ client: Client; units: FakeUnits }> {
  const { gateway, units } = await openFakeGateway()
  onTestFinished(() => gateway[Symbol.asyncDispose]())
  const signer = ed25519Signer(generateEd25519Seed())
  return { client: new Client({ transport: httpTransport({ url: gateway.url }), signer }), units }
}

async function inProcess(): Promise<{ client: Client; units: FakeUnits }> {
  const units = new FakeUnits()
  const signer = ed25519Signer(generateEd25519Seed())
  return { client: new Client({ transport: inProcessTransport(fakeOperations(units)), signer }), units }
}

const started = async (open: typeof inProcess): Promise<Tested> => {
  const { client, units } = await open()
  units.program = counterProgram()
  const hits = await client.spawn(Counter, { module: MODULE, name: 'hits', args: { start: 10 } })
  return { client, units, hits }
}

async function failureOf(call: Promise<unknown>): Promise<Failure> {
  try {
    await call
  } catch (error) {
    if (Failure.is(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe.each([
  ['HTTP', overHttp],
  ['a call in the same program', inProcess],
] as const)('a typed client over %s', (_, open) => {
  test('spawns, sends, awaits, asks', async () => {
    const { client, hits } = await started(open)
    expect(await hits.spawned.reply()).toBeUndefined()
    expect(await hits.add({ by: 2 })).toBe(12)
    expect(await hits.total()).toBe(12)
    expect(await hits.above({ limit: 11 })).toBe(true)
    expect(await hits.state()).toEqual({ total: 12 })
    expect(await hits.reset()).toBeUndefined()
    expect(await client.process(Counter, 'hits').total()).toBe(0)
    expect(await client.process(Counter, hits.id).locate()).toBe(hits.id)
    expect(await client.process(Counter, 'hits').locate()).toBe(hits.id)
  })

  test('shows a message sent, its reply, its result and its tree', async () => {
    const { hits } = await started(open)
    const sent = await hits.send.add({ by: 5 })
    expect([sent.slot, sent.process]).toEqual([1, hits.id])
    expect(await sent.reply()).toBe(15)
    expect(await sent.result()).toMatchObject({ slot: 1, status: 'ok' })
    expect((await sent.settled()).settled).toBe(true)
  })

  test('awaits replies that come in a later slot, each its own', async () => {
    const { hits } = await started(open)
    const [first, refused] = [await hits.send.add({ by: LATER }), await hits.send.add({ by: LATER_REFUSED })]
    const waits = [first.reply({ timeoutMs: 60_000 }), first.reply({ timeoutMs: 60_000 })]
    const isRefused = failureOf(refused.reply({ timeoutMs: 60_000 }))
    await hits.reset()
    expect(await Promise.all(waits)).toEqual([LATER, LATER])
    const { code, details, cause } = await isRefused
    expect(code).toBe('process-error')
    expect(details).toMatchObject({ code: 'too-late', slot: 3, message: refused.id })
    expect(cause).toMatchObject({ code: 'too-late', message: 'gone' })
    // Asked for after it was settled, it is found too; while another wait is far beyond it.
    const second = await hits.send.add({ by: LATER })
    const waiting = second.reply()
    expect(await first.reply()).toBe(LATER)
    await hits.reset()
    expect(await waiting).toBe(LATER)
    expect(await first.reply()).toBe(LATER)
  })

  test('gives up a reply that does not come, by time or by signal', async () => {
    const { hits } = await started(open)
    expect(await failureOf(hits.add({ by: LATER }, { timeout: '200ms' }))).toMatchObject({ code: 'timeout' })
    const aborter = new AbortController()
    const call = failureOf(hits.add({ by: LATER }, { signal: aborter.signal }))
    setTimeout(() => aborter.abort(), 50)
    expect(await call).toMatchObject({ code: 'aborted' })
  })

  test('sends nothing that does not fit', async () => {
    const { client, hits, units } = await started(open)
    const before = units.submits
    const failure = await failureOf(hits.add({ by: 0 }))
    expect(failure).toMatchObject({ code: 'bad-input', blame: 'input' })
    expect(failure.message).toContain('(counter.add: by: Too small: expected number to be >=1)')
    expect((await failureOf(hits.send.add({ by: 'x' } as never))).message).toContain('counter.add: by: Invalid input')
    expect((await failureOf(hits.above(undefined as never))).message).toContain('counter.above')
    const spawn = client.spawn(Counter, { module: MODULE, args: { start: 0.5 } })
    expect((await failureOf(spawn)).message).toContain('counter args: start')
    expect(units.submits).toBe(before)
  })

  test('tells what a process itself refuses, and where', async () => {
    const { hits } = await started(open)
    const failure = await failureOf(hits.add({ by: REFUSED }))
    expect(failure.message).toContain('counter.add: that is too much counter.process.ts:3:7')
    expect(failure.details).toMatchObject({ code: 'too-much', process: hits.id, slot: 1 })
    expect(NEXT_STEPS[failure.code]).toContain('atoll trace')
  })

  test('does not believe a process that does not keep its contract', async () => {
    const { client, units, hits } = await started(open)
    expect((await failureOf(hits.add({ by: ANSWERED_BADLY }))).message).toMatch(/counter\.add: .*expected number/)
    units.program = () => new TextEncoder().encode('5')
    expect(await failureOf(hits.add({ by: 1 }))).toMatchObject({ code: 'bad-reply' })
    expect(await failureOf(hits.total())).toMatchObject({ code: 'bad-reply' })
    units.program = () => new TextEncoder().encode('{"reply":{"totals":1}}')
    expect((await failureOf(hits.state())).message).toContain('counter.@state: total')
    expect(await failureOf(client.process(Counter, 'misses').total())).toMatchObject({ code: 'unknown-process' })
  })

  test('is spawned from the module that can keep a contract, whatever else has its name', async () => {
    const { client, units } = await started(open)
    const named = { tags: [{ name: 'Name', value: 'sums' }] }
    await client.modules.add(new Uint8Array([1]), { format: 'actor', ...named })
    const agent = await client.modules.add(new Uint8Array([2]), { format: 'agent', ...named })
    const { id } = await client.spawn(Counter, { module: 'sums' })
    expect((await client.processes.get(id)).module).toBe(agent)
    expect(units.submits).toBeGreaterThan(2)
  })

  test('says so when a name fits several', async () => {
    const { client, hits } = await started(open)
    const twin = await client.spawn(Counter, { module: MODULE, name: 'hits' })
    const failure = await failureOf(client.process(Counter, 'hits').total())
    expect(failure).toMatchObject({ code: 'ambiguous-name' })
    expect([...(failure.details['candidates'] as string[])].sort()).toEqual([hits.id, twin.id].sort())
    await expect(client.spawn(Counter, { module: 'nowhere' })).rejects.toEqual(anyFailure('unknown-module'))
  })

  test('follows events and results, from a slot or from now on', async () => {
    const { hits } = await started(open)
    await hits.add({ by: 1 })
    const totals: number[] = []
    const aborter = new AbortController()
    const following = (async () => {
      for await (const { total } of hits.events('changed', { from: 0, signal: aborter.signal })) {
        totals.push(total)
        if (totals.length === 3) break
      }
    })()
    await hits.add({ by: 2 })
    const pending = await hits.send.add({ by: LATER })
    await hits.reset()
    await failureOf(hits.add({ by: REFUSED }))
    await following
    expect(totals).toEqual([11, 13, LATER])
    const seen = []
    for await (const result of hits.results({ from: 0, to: 6 })) {
      if (result.action === 'add')
        seen.push([result.action, result.reply?.toFixed(0), result.pending, result.error?.code])
      else seen.push([result.action, result.ok, result.settled.map(one => one.message)])
    }
    expect(seen).toEqual([
      [undefined, true, []],
      ['add', '11', false, undefined],
      ['add', '13', false, undefined],
      ['add', undefined, true, undefined],
      ['reset', true, [pending.id]],
      ['add', undefined, false, 'too-much'],
    ])
  })
})

test('a reply is awaited by any client, without a contract', async () => {
  const { client, hits } = await started(inProcess)
  const sent = await client.process(hits.id).send({ action: 'add', data: '{"by":4}' })
  expect(await sent.reply()).toBe(14)
})

test('input that JSON cannot say is refused before it is sent', async () => {
  const { client } = await inProcess()
  const Big = contract({ name: 'big', version: '1', messages: { add: message({ input: z.bigint() }) } })
  const call = client.process(Big, `${'x'.repeat(42)}A`).add(1n)
  expect((await failureOf(call)).message).toContain('big.add: JSON cannot say it')
})

/** For the compiler alone: each line below `@ts-expect-error` must not compile. */
async function doesNotCompile({ client, hits }: Tested): Promise<void> {
  const total: number = await hits.add({ by: 1 }, { timeout: '10s', signal: AbortSignal.timeout(1) })
  const reply: number = await (await hits.send.add({ by: 1 })).reply()
  // @ts-expect-error there is no such message
  await hits.ad({ by: 1 })
  // @ts-expect-error an argument of the wrong type
  await hits.add({ by: 'x' })
  // @ts-expect-error the reply is a number
  const text: string = await hits.add({ by: 1 })
  // @ts-expect-error the reply of what was sent is a number
  const later: string = await (await hits.send.add({ by: 1 })).reply()
  // @ts-expect-error a query is not sent
  await hits.send.total()
  // @ts-expect-error the wrong input of a query
  await hits.above({ limit: '1' })
  // @ts-expect-error there is no such event
  hits.events('changes')
  // @ts-expect-error the event has no such field
  for await (const { sum } of hits.events('changed')) void sum
  // @ts-expect-error the state has no such field
  void (await hits.state()).sum
  const Sum = contract({ name: 'sum', version: '1', args: z.object({ shards: z.array(z.string()) }) })
  // @ts-expect-error its args are missing
  await client.spawn(Sum, { module: MODULE })
  // @ts-expect-error its args are of the wrong type
  await client.spawn(Sum, { module: MODULE, args: { shards: 1 } })
  // @ts-expect-error a module is missing
  await client.spawn(Counter, { args: { start: 1 } })
  for await (const result of hits.results()) {
    if (result.action !== 'add') continue
    // @ts-expect-error the reply of this message is a number
    const wrong: string | undefined = result.reply
    void wrong
  }
  void [total, reply, text, later]
}
void doesNotCompile
