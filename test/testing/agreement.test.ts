import { afterEach, describe, expect, test, vi } from 'vitest'
import { FinalStore } from '../../agreement/final-store.ts'
import { ComputeUnit, type OpenHost } from '../../compute-unit/index.ts'
import { decodeCertificate, fromUtf8, Failure, toUtf8 } from '../../protocol/index.ts'
import { nodeKeys } from '../../testing/simulation/node-keys.ts'
import { createTestNet, type PlainSpawnOptions, type TestNet } from '../../testing/index.ts'
import { Tally } from './programs/tally.contract.ts'
import tally from './programs/tally.process.ts'
import { Chaos, relaysInChaos, seeds } from './chaos.ts'

const FIVE = ['a', 'b', 'c', 'd', 'e'] as const
const ELSEWHERE = { node: 'a', computeUnits: ['b', 'c', 'd'], agree: 2, through: 'e' } as const
const add = (quantity: number) => ({
  action: 'Add',
  tags: [{ name: 'Quantity', value: String(quantity) }],
})

afterEach(() => vi.restoreAllMocks())

describe('a process with its scheduler on one node and three compute units on others, two of which must agree', () => {
  test('is spoken to through a node that has no part in it', async () => {
    await using net = await createTestNet({ nodes: FIVE })
    const counter = await net.spawn('counter', ELSEWHERE)
    const results = counter.results({ from: 0 })[Symbol.asyncIterator]()
    const sent = await counter.send(add(5))
    const result = await sent.result()
    expect(fromUtf8(result.output)).toBe('5')
    expect(result).toMatchObject({ final: true, attested: { needed: 2, of: 3 } })
    expect(fromUtf8((await counter.query({ action: 'Get' })).output)).toBe('5')
    const count = (await counter.cell('count')) ?? new Uint8Array(8)
    expect(new DataView(count.buffer, count.byteOffset).getBigInt64(0, true)).toBe(5n)
    const slots: number[] = []
    while (slots.length < 2) slots.push((await results.next()).value?.slot ?? -1)
    expect(slots).toEqual([0, 1])
    // What the scheduler's node says is the same, and it has evaluated nothing.
    const there = await net.client('a').result(counter.id, 1)
    expect(there).toMatchObject({ final: true, output: result.output })
    expect((await net.trace(sent.id)).root).toMatchObject({ status: 'ok', slot: 1 })
    await net.settled()
    await net.expectConverged()
  })

  test('goes on while one compute unit is down, and waits for a second while two are', async () => {
    await using net = await createTestNet({ nodes: FIVE })
    const counter = await net.spawn('counter', ELSEWHERE)
    net.fault.crash('d')
    expect(await (await counter.send(add(1))).result()).toMatchObject({ final: true })
    net.fault.crash('c')
    const sent = await counter.send(add(1))
    await expect(net.client('e').result(counter.id, sent.slot, { timeoutMs: 3_000 })).rejects.toSatisfy(
      error => Failure.is(error, 'no-agreement') || Failure.is(error, 'timeout'),
    )
    // Its own unit has it, and says that it stands alone.
    const early = await net
      .client('b')
      .transport.request('result', { process: counter.id, at: sent.slot, final: false })
    expect(early).toMatchObject({
      final: false,
      attested: { by: [nodeKeys('b').key], needed: 2, of: 3 },
    })
    await expect(
      net.client('b').transport.request('result', { process: counter.id, at: sent.slot, wait_ms: 2_000 }),
    ).rejects.toMatchObject({ code: 'no-agreement', details: { agree: 1, needed: 2 } })
    await net.fault.restart('c')
    expect(await sent.result()).toMatchObject({ final: true })
    await net.heal()
    await net.expectConverged()
  })

  test('says which units it lacks when none can be reached', async () => {
    await using net = await createTestNet({ nodes: FIVE })
    const counter = await net.spawn('counter', ELSEWHERE)
    net.fault.crash('b', 'c', 'd')
    const { transport } = net.client('e')
    await expect(transport.request('query', { process: counter.id, wait_ms: 5_000 })).rejects.toMatchObject({
      code: 'no-agreement',
      details: { needed: 2, units: ['b', 'c', 'd'].map(name => nodeKeys(name).key) },
    })
    await net.heal()
  })
})

describe('processes of different policies that were spawned through a node without a part in them', () => {
  test('find their modules there, and show one tree, though a compute unit is down', async () => {
    await using net = await createTestNet({ nodes: [...FIVE, 'f'] })
    const here = await net.spawn('relay', { node: 'f', through: 'e' })
    const relays = [here, await net.spawn('relay', ELSEWHERE), await net.spawn('relay', ELSEWHERE)]
    const tags = [...relays.map(({ id }) => ({ name: 'Peer', value: id })), { name: 'Count', value: '5' }]
    const sent = await Promise.all(relays.map(relay => relay.send({ action: 'Fan-Out', tags })))
    net.fault.crash('c')
    const { transport } = net.client('e')
    for (const { id } of sent) {
      const tree = await transport.request('trace', { message: id, settled: true, wait_ms: 25_000 })
      expect(tree.root.children.map(({ status }) => status)).toEqual(Array.from({ length: 15 }, () => 'ok'))
    }
    await net.heal()
    await net.expectConverged()
  })
})

describe('timers of a process that is evaluated elsewhere', () => {
  test('fire once each, though its scheduler and a compute unit are down for a while', async () => {
    await using net = await createTestNet({ nodes: FIVE })
    const agent = await net.spawn(tally, { ...ELSEWHERE, args: {} })
    await agent.send.tickEvery({ ms: 1_000, times: 5 })
    await net.advance('1500ms')
    net.fault.crash('a')
    await net.advance('2s')
    await net.fault.restart('a')
    net.fault.crash('b')
    await net.advance('10s')
    await net.heal()
    await net.settled()
    const { ticks } = await net.client('e').process(Tally, agent.id).all()
    expect(ticks).toHaveLength(5)
    await net.expectConverged()
  })
})

describe('whatever goes wrong', { timeout: 600_000 }, () => {
  test.for(seeds(8))('messages between processes of two units out of three take effect once (seed %i)', async seed => {
    await using net = await createTestNet({
      nodes: ['a', 'b', 'c', 'd'],
      latency: ['1ms', '80ms'],
      disk: [0.1, 4],
      seed,
    })
    await relaysInChaos(net, policyOf(net))
    const { processes } = await net.expectConverged()
    expect(processes).toBe(4)
  })
})

/** Processes of all kinds: evaluated where they are scheduled, elsewhere alone, and by two of three. */
function policyOf(net: TestNet): (node: string) => PlainSpawnOptions {
  const chaos = new Chaos(net)
  return node => {
    const others = net.nodes.filter(name => name !== node)
    if (chaos.number() < 0.25) return { node, computeUnits: others.slice(0, 1) }
    return {
      node,
      computeUnits: chaos.number() < 0.5 ? others : [node, ...others.slice(1)],
      agree: 2,
    }
  }
}

describe('a compute unit that lies', () => {
  test.for(seeds(4))(
    'about one bit of the state of slot 500 is never agreed with, and is shown to (seed %i)',
    async seed => {
      const kept = vi.spyOn(FinalStore.prototype, 'keepEvidence')
      lyingAt('c', 500)
      await using net = await createTestNet({ nodes: FIVE, seed })
      const counter = await net.spawn('counter', ELSEWHERE)
      for (let slot = 1; slot <= 520; slot += 40) {
        const adding = Array.from({ length: 40 }, () => ({ process: counter.id, ...add(1) }))
        await net.client('e').sendMany(adding)
      }
      await net.settled()
      for (const node of ['e', 'b', 'c']) {
        const [before, after] = [
          await net.client(node).result(counter.id, 300),
          await net.client(node).result(counter.id, 520),
        ]
        expect(before).toMatchObject({ final: true, output: toUtf8('300') })
        expect(after).toMatchObject({ final: true, output: toUtf8('520') })
        // Only those who do not lie.
        expect([...after.attested.by].sort()).toEqual([nodeKeys('b').key, nodeKeys('d').key].sort())
      }
      const [, liar, [one, other] = []] = kept.mock.calls.find(([, unit]) => unit === 1) ?? []
      expect(liar).toBe(1)
      const [first, second] = [one, other].map(word => word && decodeCertificate(word.certificateBytes))
      expect(first?.frameHash).toEqual(second?.frameHash)
      expect(first?.stateRoot).not.toEqual(second?.stateRoot)
      // Proven at the others by a certificate that two of them signed, and its word counts no more.
      for (const node of ['b', 'd']) {
        const { evidence } = await net
          .client(node)
          .transport.request('listEvidence', { process: counter.id, kind: 'fault' })
        expect(new Set(evidence.flatMap(({ accused }) => accused)), node).toEqual(new Set([nodeKeys('c').key]))
        for (const { slot, sizeBytes } of evidence) {
          expect(slot).toBeLessThanOrEqual(500)
          expect(sizeBytes).toBeLessThan(1024)
        }
      }
      expect(net.troubles).toContainEqual(
        expect.objectContaining({
          node: 'c',
          failure: expect.objectContaining({ code: 'verification-failed' }),
        }),
      )
    },
  )

  test('is no longer believed at its own node, which asks the others', async () => {
    lyingAt('b', 2)
    await using net = await createTestNet({ nodes: FIVE })
    const counter = await net.spawn('counter', ELSEWHERE)
    const sent = await counter.send(add(7))
    await counter.send(add(1))
    await net.settled()
    expect(await net.client('b').result(counter.id, sent.slot)).toMatchObject({
      final: true,
      output: toUtf8('7'),
    })
    expect(fromUtf8((await net.client('b').query({ process: counter.id, action: 'Get' })).output)).toBe('8')
  })
})

/** From now on the node of that name has a compute unit whose hosts flip a bit in the state root after that slot. */
function lyingAt(name: string, slot: number): void {
  const open = ComputeUnit.open.bind(ComputeUnit)
  vi.spyOn(ComputeUnit, 'open').mockImplementation(parts =>
    open(parts.key === nodeKeys(name).key ? { ...parts, openHost: lying(parts.openHost, slot) } : parts),
  )
}

const lying =
  (open: OpenHost, slot: number): OpenHost =>
  options => {
    const host = open(options)
    return new Proxy(host, {
      get(target, name) {
        if (name !== 'ask') {
          const value: unknown = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        }
        const ask: typeof host.ask = async request => {
          const answer = await target.ask(request)
          if (answer.kind !== 'evaluated' || answer.outcome.firstSlot + answer.outcome.count <= slot) return answer
          const stateRoot = answer.outcome.stateRoot.slice()
          stateRoot[0] = (stateRoot[0] ?? 0) ^ 1
          return { ...answer, outcome: { ...answer.outcome, stateRoot } }
        }
        return ask
      },
    })
  }
