import { Failure, fromUtf8, HANDOVER_HOLD_MAX_MS } from '../../protocol/index.ts'
import type { ProcessHandle } from '../../sdk/index.ts'
import type { PlainSpawnOptions, TestNet } from '../../testing/index.ts'
import { SeededRandom } from '../../testing/simulation/seeded-random.ts'
import { Tally } from './programs/tally.contract.ts'
import tally from './programs/tally.process.ts'

/** How far apart nodes are, and how slow. */
export const CHAOS = { latency: ['1ms', '80ms'], disk: [0.1, 4], hosts: [0, 2] } as const

/** Seeds of a test: `ATOLL_SEEDS` of them, or `count`. */
export function seeds(count: number): number[] {
  const wanted = Number(process.env['ATOLL_SEEDS'] ?? '') || count
  return Array.from({ length: wanted }, (_, i) => i + 1)
}

/** Things that go wrong, drawn from the seed: what, where and how badly differs from seed to seed. */
export class Chaos {
  readonly #net: TestNet
  readonly #random: SeededRandom

  constructor(net: TestNet) {
    this.#net = net
    this.#random = new SeededRandom(`chaos/${net.seed}`)
  }

  /** Faults of the network for the rest of the test, until it is healed. */
  network(): void {
    const { fault } = this.#net
    fault.drop({ p: this.#random.number() * 0.2 })
    fault.duplicate({ p: this.#random.number() * 0.2 })
    fault.delay(this.#random.integer(1, 500), { p: this.#random.number() * 0.2 })
  }

  /** Lets `rounds` disasters happen, some time apart: crashes and partitions, each ended before the next. */
  async disasters(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      await this.#net.advance(this.#random.number() * 400)
      const node = this.#anyNode()
      const others = this.#net.nodes.filter(name => name !== node)
      if (this.#random.chance(0.7)) {
        this.#net.fault.crash(node)
        if (this.#random.chance(0.3)) this.#net.fault.crash(others[0] ?? node)
        await this.#net.advance(this.#random.number() * 3_000)
        await this.#net.fault.restart(...this.#net.nodes)
      } else {
        this.#net.fault.partition([node], others)
        await this.#net.advance(this.#random.number() * 5_000)
        this.#net.fault.partition()
      }
    }
  }

  number(): number {
    return this.#random.number()
  }

  /** A whole number below `count`. */
  pick(count: number): number {
    return this.#random.integer(0, count - 1)
  }

  #anyNode(): string {
    return this.#net.nodes[this.#random.integer(0, this.#net.nodes.length - 1)] ?? ''
  }
}

/** Relays on every node which send notes to each other, while things go wrong; ends healed. */
export async function relaysInChaos(
  net: TestNet,
  policy: (node: string) => PlainSpawnOptions = node => ({ node }),
): Promise<{ notes: number }> {
  const relays = []
  for (const node of net.nodes) relays.push(await net.spawn('relay', { ...policy(node), name: `relay of ${node}` }))
  const chaos = new Chaos(net)
  chaos.network()
  const disasters = chaos.disasters(6)
  let notes = 0
  for (const relay of relays) {
    for (let turn = 0; turn < 4; turn++) {
      const peers = relays.filter(peer => chaos.number() < 0.8 || peer !== relay)
      const count = Math.ceil(chaos.number() * 6)
      const tags = [...peers.map(peer => ({ name: 'Peer', value: peer.id })), { name: 'Count', value: String(count) }]
      const sent = relay.send({ action: 'Fan-Out', tags }, { timeoutMs: 600_000 }).catch(() => undefined)
      void sent
      notes += count * peers.length
    }
  }
  await disasters
  await net.heal()
  await net.settled()
  return { notes }
}

/** What an agent has to show at the end. */
export interface AgentAccount {
  /** What its own call answered. */
  readonly answers: readonly number[]
  readonly state: {
    readonly total: number
    readonly answers: readonly number[]
    readonly ticks: readonly number[]
    readonly came: readonly string[]
  }
  /** Whether its sleep ended well. */
  readonly slept: boolean
  /** The ticks in its feed that had an effect, or failed with their slot. */
  readonly rings: readonly Ring[]
}

export interface Ring {
  readonly timer: string
  readonly dueMs: number
  readonly failed: boolean
}

/** How long slots of ticks fail, mostly. */
const STORM_MS = 2_400_000

/**
 * Agents on every node that await each other while things go wrong. In a storm slots fail too, and each has a cron, and so many schedules
 * that come once.
 */
export async function agentsInChaos(net: TestNet, storm?: { readonly once: number }): Promise<readonly AgentAccount[]> {
  const agents = []
  for (const node of net.nodes) agents.push(await net.spawn(tally, { args: {}, node, name: `tally of ${node}` }))
  const ids = agents.map(({ id }) => id)
  const chaos = new Chaos(net)
  const sleeping = []
  for (const agent of agents) {
    await agent.send.tickEvery({ ms: 1_000, times: 5 })
    if (storm === undefined) continue
    await agent.send.plan(storm)
    await agent.send.storm({ ms: STORM_MS, seed: net.seed })
    sleeping.push(await agent.send.nap({ ms: 60_000 }))
  }
  // What is sent has its receipt before anything goes wrong: whoever loses it is to blame.
  const asked = []
  for (const [i, id] of ids.entries()) {
    const others = ids.filter((_, at) => at > i)
    asked.push(await net.process(Tally, id).send.askAll({ others: [...others, ...others], by: 1 }))
  }
  chaos.network()
  await chaos.disasters(4)
  await net.heal()
  const answers: number[][] = []
  for (const sent of asked) answers.push(await sent.reply({ timeoutMs: 7_200_000 }))
  const slept = []
  for (const sent of sleeping) slept.push(await endedWell(sent.reply({ timeoutMs: 7_200_000 })))
  await net.advance('1h')
  await net.settled()
  const accounts: AgentAccount[] = []
  for (const [i, agent] of agents.entries()) {
    const rings = await ringsOf(net, agent.id, net.nodes[i])
    accounts.push({ answers: answers[i] ?? [], state: await agent.all(), slept: slept[i] ?? false, rings })
  }
  return accounts
}

/** Whether a sleep did; the only thing that may end it otherwise is that its slots failed, in the storm. */
async function endedWell(sleep: Promise<unknown>): Promise<boolean> {
  try {
    await sleep
    return true
  } catch (error) {
    if (Reflect.get(Failure.from(error).details, 'code') !== 'slot-failed') throw error
    return false
  }
}

async function ringsOf(net: TestNet, id: string, node: string | undefined): Promise<Ring[]> {
  const client = net.client(node)
  const rings: Ring[] = []
  for await (const { slot, envelope } of client.processes.slots(id)) {
    if (envelope.kind !== 'tick') continue
    const { status } = await client.process(id).result(slot)
    const { dueMs } = envelope
    if (status !== 'idle') rings.push({ timer: fromUtf8(envelope.timer), dueMs, failed: status === 'error' })
  }
  return rings
}

/**
 * Relays which send notes to each other and are handed from node to node while things go wrong; ends healed. Their owner speaks
 * of each to one node alone: two records of one epoch, signed in ignorance of each other, would end it.
 */
export async function handoversInChaos(net: TestNet, rounds: number): Promise<{ readonly epochs: readonly number[] }> {
  const chaos = new Chaos(net)
  const relays: ProcessHandle[] = []
  for (const [i, node] of net.nodes.entries()) {
    const schedulers = i === 0 ? net.nodes.slice(0, 3) : [node]
    relays.push(await net.spawn('relay', { node, schedulers, computeUnits: [node], name: `relay of ${node}` }))
  }
  chaos.network()
  const disasters = chaos.disasters(rounds)
  const sending: Promise<unknown>[] = []
  const handing = relays.map(async (relay, i) => {
    for (let round = 0; round < rounds; round++) {
      const first = chaos.pick(net.nodes.length)
      const count = chaos.number() < 0.3 ? 3 : 1
      const schedulers = net.nodes.map((_, at) => net.nodes[(first + at) % net.nodes.length] ?? '').slice(0, count)
      const tags = relays.map(({ id }) => ({ name: 'Peer', value: id }))
      const fan = { action: 'Fan-Out', tags: [...tags, { name: 'Count', value: '2' }] }
      sending.push(
        net
          .process(relay)
          .send(fan, { timeoutMs: 600_000 })
          .catch(() => undefined),
      )
      await net
        .handover(relay, { schedulers, computeUnits: [schedulers[0] ?? ''], through: net.nodes[i] })
        .catch(error => expectMayFail(error))
    }
  })
  await Promise.all([disasters, ...handing])
  await net.heal()
  for (const [i, relay] of relays.entries()) await handOverAtLast(net, relay, i)
  await Promise.all(sending)
  await net.settled()
  const epochs = []
  for (const relay of relays) epochs.push((await net.client().processes.epochs(relay.id)).length - 1)
  return { epochs }
}

/** Nothing stands in the way any more, but what was under way may not have ended. */
async function handOverAtLast(net: TestNet, relay: ProcessHandle, i: number): Promise<void> {
  const to = net.nodes[(i + 1) % net.nodes.length] ?? ''
  for (let attempt = 0; ; attempt++) {
    try {
      await net.handover(relay, { schedulers: [to], computeUnits: [to], through: net.nodes[i] })
      return
    } catch (error) {
      if (attempt >= 10) throw error
      expectMayFail(error)
      // What schedulers voted for together settles once they are held no longer.
      await net.advance(2 * HANDOVER_HOLD_MAX_MS)
    }
  }
}

/** While nodes are down or cut off an owner has to try again. */
function expectMayFail(error: unknown): void {
  const { blame, code } = Failure.from(error)
  if (blame !== 'transient' && code !== 'no-quorum' && code !== 'bad-epoch') throw error
}
