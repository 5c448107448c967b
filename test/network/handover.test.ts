import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type AtollNode, createNode, standardModules } from '../../node/index.ts'
import { fromUtf8, type ProcessId } from '../../protocol/index.ts'
import { type Client, connect, ed25519Signer, type HandedOver } from '../../sdk/index.ts'

const SIGNER = ed25519Signer(new Uint8Array(32).fill(21))
const SOON = { timeout: 60_000 }

/** Nodes in this program, each connected to those that were opened before. */
class Nodes {
  readonly #folder: Promise<string> = mkdtemp(join(tmpdir(), 'atoll-handover-'))
  readonly #open = new Map<string, AtollNode>()

  constructor() {
    onTestFinished(async () => {
      await Promise.all([...this.#open.values()].map(node => node[Symbol.asyncDispose]()))
      await rm(await this.#folder, { recursive: true })
    })
  }

  async open(name: string): Promise<{ node: AtollNode; client: Client }> {
    const peer = [...this.#open.values()].flatMap(({ network }) => network?.addresses[0] ?? [])
    const node = await createNode({ data: join(await this.#folder, name), port: 0, listen: ['0'], peer, hosts: 1 })
    this.#open.set(name, node)
    return { node, client: connect({ url: node.url, signer: SIGNER }) }
  }

  async close(name: string): Promise<void> {
    const node = this.#open.get(name)
    this.#open.delete(name)
    await node?.[Symbol.asyncDispose]()
  }
}

async function spawnCounter(client: Client): Promise<ProcessId> {
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  if (counter === undefined) throw new Error('no counter')
  const tags = counter.tags.filter(tag => tag.name !== 'Module-Format')
  const module = await client.modules.add(counter.wasm, { format: 'actor', tags })
  return (await client.spawn({ module })).id
}

async function add(client: Client, process: ProcessId): Promise<{ slot: number; total: string }> {
  const sent = await client.send({ process, action: 'Add', tags: [{ name: 'Quantity', value: '1' }] })
  const { output, slot } = await sent.result()
  return { slot, total: fromUtf8(output) }
}

it('a process goes on at another node, with the same slots, state and receipts', { timeout: 120_000 }, async () => {
  const nodes = new Nodes()
  const a = await nodes.open('a')
  const b = await nodes.open('b')
  await expect.poll(() => b.node.network?.peers.length, SOON).toBe(1)
  const process = await spawnCounter(a.client)
  for (let n = 1; n <= 5; n++) expect(await add(a.client, process)).toEqual({ slot: n, total: String(n) })
  const repeated = await a.client.prepare({ process, action: 'Add', tags: [{ name: 'Quantity', value: '1' }] })
  const [first] = await a.client.submitMany([repeated.bytes])

  const handed: HandedOver = await a.client.processes.handover(process, { schedulers: [b.node.key] })
  expect(handed).toMatchObject({ epoch: 1, slots: 7, held: true })
  // Through the new node, and through the old one, which leads there.
  expect(await add(b.client, process)).toEqual({ slot: 7, total: '7' })
  expect(await add(a.client, process)).toEqual({ slot: 8, total: '8' })
  for (const { client } of [a, b]) expect(await client.submitMany([repeated.bytes])).toEqual([first])
  const state = await a.client.processes.get(process)
  expect(state).toMatchObject({ epoch: 1, policy: { schedulers: [b.node.key], computeUnits: [b.node.key] } })
})
