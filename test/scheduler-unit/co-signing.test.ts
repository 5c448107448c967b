import { afterEach, describe, expect, test, vi } from 'vitest'
import { fromUtf8, type CoSignAnswer, type CoSignRequest, type KeyId, toBase64Url } from '../../protocol/index.ts'
import { Voter } from '../../scheduler-unit/co-signing/voter.ts'
import { createTestNet, type TestNet } from '../../testing/index.ts'
import { Chaos, seeds } from '../testing/chaos.ts'

const NET = { latency: ['1ms', '40ms'], disk: [0.1, 3], hosts: [0, 1] } as const

afterEach(() => vi.restoreAllMocks())

async function counted(net: TestNet, id: string, node: string): Promise<number> {
  const answer = await net.client(node).process(id).query({ action: 'Get' })
  return Number(fromUtf8(answer.output))
}

/** Sees every signature that leaves a scheduler, and complains of the second for one base or one length. */
function watchSignatures(): { readonly count: number; readonly twice: readonly string[] } {
  const given = new Map<string, string>()
  const twice: string[] = []
  const answer = Voter.prototype.answer
  vi.spyOn(Voter.prototype, 'answer').mockImplementation(async function (
    this: Voter,
    from: KeyId,
    request: CoSignRequest,
  ): Promise<CoSignAnswer> {
    const given_ = await answer.call(this, from, request)
    if (request.kind !== 'propose' || given_.kind !== 'signed') return given_
    const length = request.base + request.blocks.length
    for (const about of [`base ${request.base}`, `length ${length}`]) {
      const key = `${this.process.id} ${this.place} ${about}`
      const signature = toBase64Url(given_.signature)
      if ((given.get(key) ?? signature) !== signature) twice.push(key)
      given.set(key, signature)
    }
    return given_
  })
  return {
    get count() {
      return given.size
    },
    twice,
  }
}

/** The same message to one node after another, until one of them has a receipt for it. */
async function sendUntilTaken(
  net: TestNet,
  process: string,
  first: number,
): Promise<{ readonly slot: number; readonly id: string }> {
  const item = await net.client().prepare({ process, action: 'Add' })
  for (let at = first; at < 100; at++) {
    const client = net.client(net.nodes[at % net.nodes.length])
    const answer = await client.submit(item.bytes, { timeoutMs: 60_000 }).catch(() => undefined)
    if (answer !== undefined && 'slot' in answer) return { slot: answer.slot, id: item.id }
    await net.advance(200)
  }
  throw new Error(`nobody takes a message, ${first}`)
}

/** Messages by all nodes while everything goes wrong; gives the ids of those that have a receipt, by their slots. */
async function addsInChaos(net: TestNet, id: string, rounds: number): Promise<Map<number, string>> {
  const receipts = new Map<number, string>()
  const chaos = new Chaos(net)
  chaos.network()
  const disasters = chaos.disasters(5)
  const sends: Promise<unknown>[] = []
  for (let round = 0; round < rounds; round++) {
    for (const at of net.nodes.keys()) {
      const sent = sendUntilTaken(net, id, at).then(({ slot, id: message }) => {
        if ((receipts.get(slot) ?? message) !== message) throw new Error(`slot ${slot} was given twice`)
        receipts.set(slot, message)
      })
      sends.push(sent)
    }
    await net.advance(Math.ceil(chaos.number() * 400))
  }
  await disasters
  await net.heal()
  await Promise.all(sends)
  return receipts
}

describe('several schedulers of one process', { timeout: 600_000 }, () => {
  test('give one feed, whichever of them takes a message', async () => {
    await using net = await createTestNet({ ...NET, nodes: 3, seed: 7 })
    const counter = await net.spawn('counter', { schedulers: ['n1', 'n2', 'n3'], name: 'hits' })
    for (const node of ['n1', 'n2', 'n3', 'n2']) await net.client(node).process(counter.id).send({ action: 'Add' })
    await net.settled()
    for (const node of net.nodes) expect(await counted(net, counter.id, node)).toBe(4)
    expect(await net.expectConverged()).toEqual({ processes: 1, slots: 5 })
  })

  test('go on without the one that led, and it joins in again', async () => {
    await using net = await createTestNet({ ...NET, nodes: 3, seed: 8 })
    const counter = await net.spawn('counter', { schedulers: ['n1', 'n2', 'n3'], name: 'hits' })
    await net.client('n1').process(counter.id).send({ action: 'Add' })
    net.fault.crash('n1')
    for (const node of ['n3', 'n2'])
      await net.client(node).process(counter.id).send({ action: 'Add' }, { timeoutMs: 60_000 })
    await net.fault.restart('n1')
    await net.client('n1').process(counter.id).send({ action: 'Add' }, { timeoutMs: 60_000 })
    await net.settled()
    for (const node of net.nodes) expect(await counted(net, counter.id, node)).toBe(4)
    await net.expectConverged()
  })

  test.for([
    ...seeds(14).map(seed => [3, 2, seed] as const),
    ...seeds(14).map(seed => [4, 3, seed] as const),
    ...seeds(6).map(seed => [5, 3, seed] as const),
  ])(
    '%i nodes, %i must sign: whatever goes wrong, no receipt is lost and no head is signed twice (seed %i)',
    async ([nodes, schedulerQuorum, seed]) => {
      const signatures = watchSignatures()
      await using net = await createTestNet({ ...NET, nodes, seed })
      const schedulers = [...net.nodes]
      const counter = await net.spawn('counter', { schedulers, schedulerQuorum, name: 'hits' })
      const receipts = await addsInChaos(net, counter.id, 6)
      await net.settled()
      const { slots } = await net.expectConverged()
      expect(signatures.twice).toEqual([])
      expect(signatures.count).toBeGreaterThan(0)
      // Every message was taken in the end, since all could be reached again; each once.
      expect(receipts.size).toBe(6 * nodes)
      expect(slots).toBe(1 + 6 * nodes)
      for (const node of net.nodes) expect(await counted(net, counter.id, node)).toBe(6 * nodes)
    },
  )
})
