import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { standardModules } from '../../node/index.ts'
import {
  type AssignmentView,
  asProcessId,
  fromUtf8,
  type DataItem,
  type ProcessId,
  signDataItemSync,
  type Tag,
} from '../../protocol/index.ts'
import { type Client, connect, ed25519Signer, type ResultView } from '../../sdk/index.ts'
import { startNode } from './running-node.ts'

/** How often the node is killed; `npm run test:kill` kills it 200 times. */
const KILLS = Number(process.env['ATOLL_TEST_KILLS'] ?? 50)
const COUNTERS = 8
const PAIRS = 4
const ROUNDS = 6
const SEED = new Uint8Array(32).fill(11)

const tags = (fields: Record<string, string>): Tag[] => Object.entries(fields).map(([name, value]) => ({ name, value }))

function item(fields: Record<string, string>, target?: string, data: Uint8Array | string = ' '): DataItem {
  const all = tags({ 'Data-Protocol': 'ao', Variant: 'ao.TN.1', ...fields })
  return signDataItemSync(target === undefined ? { tags: all, data } : { target, tags: all, data }, SEED)
}

/** A generator that gives the same numbers for the same seed. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

interface Acknowledged {
  readonly process: ProcessId
  readonly slot: number
}

/** Posts until the node dies; whatever was acknowledged is in `acknowledged`. */
async function load(client: Client, next: () => DataItem, acknowledged: Map<string, Acknowledged>): Promise<void> {
  for (;;) {
    const sent = next()
    try {
      // Without the client's own retries: the address is gone when the node is.
      const receipt = await client.transport.request('send', { bytes: sent.bytes }, { timeoutMs: 20_000 })
      if (!('slot' in receipt)) throw new Error('no receipt')
      acknowledged.set(sent.id, { process: asProcessId(receipt.process), slot: receipt.slot })
    } catch {
      return
    }
  }
}

it(`after ${KILLS} kills under load, no acknowledged message is lost or doubled, feeds keep their prefix and cascades finish`, {
  timeout: 180_000 + KILLS * 20_000,
}, async () => {
  const data = await mkdtemp(join(tmpdir(), 'atoll-kill-'))
  const random = numbers(20_261)
  const acknowledged = new Map<string, Acknowledged>()
  const prefixes = new Map<ProcessId, readonly string[]>()
  let count = 0
  let node = await startNode(data)
  // A failed check must not leave a node behind.
  onTestFinished(() => node.kill())
  let client = await connect({ url: node.url, signer: ed25519Signer(SEED) })
  const modules = new Map<string, string>()
  for (const { name, wasm, tags: moduleTags } of await standardModules()) {
    const plain = moduleTags.filter(tag => tag.name !== 'Module-Format')
    modules.set(name, await client.modules.add(wasm, { format: 'actor', tags: plain }))
  }
  const spawn = async (name: string, n: number): Promise<ProcessId> => {
    const spawned = item({
      Type: 'Process',
      Module: modules.get(name) ?? '',
      Scheduler: node.scheduler,
      Name: `${name} ${n}`,
    })
    await client.submit(spawned.bytes)
    return asProcessId(spawned.id)
  }
  const counters = await Promise.all(Array.from({ length: COUNTERS }, (_, n) => spawn('counter', n)))
  const relays = await Promise.all(Array.from({ length: PAIRS * 2 }, (_, n) => spawn('relay', n)))
  const next = (): DataItem => {
    count += 1
    const pair = count % PAIRS
    if (count % 5 > 0)
      return item({ Type: 'Message', Action: 'Add', Quantity: '1', Nth: String(count) }, counters[count % COUNTERS])
    return item(
      {
        Type: 'Message',
        Action: 'Start',
        Peer: relays[2 * pair + 1] ?? '',
        Rounds: String(ROUNDS),
        Nth: String(count),
      },
      relays[2 * pair],
    )
  }

  for (let kill = 0; kill < KILLS; kill++) {
    const loads = Array.from({ length: 8 }, () => load(client, next, acknowledged))
    await new Promise(resolve => setTimeout(resolve, 50 + random() * 400))
    await node.kill()
    await Promise.all(loads)
    node = await startNode(data)
    client = await connect({ url: node.url, signer: ed25519Signer(SEED) })
    for (const process of [...counters, ...relays]) await checkPrefix(client, process, prefixes)
  }

  expect(acknowledged.size).toBeGreaterThan(KILLS)
  await checkPlaces(client, acknowledged)
  for (const process of counters) await checkCounter(client, process)
  await checkCascades(client, relays, acknowledged)
  await node[Symbol.asyncDispose]()
  await rm(data, { recursive: true })
})

/** Ids of the messages in a feed, in order of slots. */
async function idsOf(client: Client, process: ProcessId): Promise<string[]> {
  const ids: string[] = []
  for await (const slot of client.processes.slots(process)) ids.push(slot.id)
  return ids
}

async function checkPrefix(
  client: Client,
  process: ProcessId,
  prefixes: Map<ProcessId, readonly string[]>,
): Promise<void> {
  const ids = await idsOf(client, process)
  const before = prefixes.get(process) ?? []
  expect(ids.slice(0, before.length)).toEqual(before)
  expect(new Set(ids).size).toBe(ids.length)
  prefixes.set(process, ids)
}

async function checkPlaces(client: Client, acknowledged: Map<string, Acknowledged>): Promise<void> {
  const feeds = new Map<ProcessId, string[]>()
  for (const [id, { process, slot }] of acknowledged) {
    const ids = feeds.get(process) ?? (await idsOf(client, process))
    feeds.set(process, ids)
    expect(ids[slot], `${id} in slot ${slot}`).toBe(id)
  }
}

/** The counter shows as many as stand in its feed: each once. */
async function checkCounter(client: Client, process: ProcessId): Promise<void> {
  const ids = await idsOf(client, process)
  const last = await client.result(process, ids.length - 1, { timeoutMs: 60_000 })
  expect(outputOf(last)).toBe(String(ids.length - 1))
}

/** Every chain has gone to its end: each pair's slots are what the starts ask for, no more and no less. */
async function checkCascades(
  client: Client,
  relays: readonly ProcessId[],
  acknowledged: Map<string, Acknowledged>,
): Promise<void> {
  const starts = [...acknowledged].filter(([, { process }]) => relays.includes(process))
  for (const [id, { process }] of starts) await client.settled(id, { process, timeoutMs: 60_000 })
  for (let pair = 0; pair < relays.length; pair += 2) {
    const [first, second] = [relays[pair], relays[pair + 1]]
    if (first === undefined || second === undefined) throw new Error('odd number of relays')
    const pings = await pingsOf(client, second)
    const started = (await slotsOf(client, first)).filter(slot => slot.envelope.kind === 'item').length - 1
    // A start sends a ping with some rounds left; each ping answers while rounds are left.
    expect(pings + (await pingsOf(client, first))).toBe(started * ROUNDS)
  }
}

async function slotsOf(client: Client, process: ProcessId): Promise<AssignmentView[]> {
  const slots: AssignmentView[] = []
  for await (const slot of client.processes.slots(process)) slots.push(slot)
  return slots
}

async function pingsOf(client: Client, process: ProcessId): Promise<number> {
  return (await slotsOf(client, process)).filter(slot => slot.envelope.kind === 'push').length
}

const outputOf = (result: ResultView): string => fromUtf8(result.output)
