import { expect, it } from 'vitest'
import { sourceFromLog, standardModules, verifyProcess } from '../../node/index.ts'
import {
  createDataItem,
  encodeEpochRecord,
  EPOCH_TAGS,
  fromUtf8,
  type ProcessId,
  readEpochItem,
} from '../../protocol/index.ts'
import { type Client, ed25519Signer, type HandedOver, verify } from '../../sdk/index.ts'
import { NodesHere } from './nodes-here.ts'

const SIGNER = ed25519Signer(new Uint8Array(32).fill(21))
const SOON = { timeout: 60_000 }

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

it('a process goes on at another node, with the same slots, state and receipts', async () => {
  const nodes = new NodesHere(SIGNER)
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

it('a process outlives its scheduler: whoever holds its feed gives it to the next', async () => {
  const nodes = new NodesHere(SIGNER)
  const [a, b, c] = await nodes.openThree()
  const process = await spawnCounter(a.client)
  for (let n = 1; n <= 5; n++) await add(a.client, process)
  // Somebody keeps a copy of the feed and the module, and evaluates nothing.
  await c.client.modules.item((await c.client.processes.get(process)).module)
  await expect.poll(async () => (await c.client.processes.get(process)).scheduled, SOON).toBe(6)
  const proof = await a.client.exportProof(process, 3)
  await nodes.close('a')

  await expect(
    c.client.processes.handover(process, { schedulers: [b.node.key] }),
    'without consent to a loss',
  ).rejects.toMatchObject({ code: 'no-quorum' })
  const handed = await c.client.processes.handover(process, { schedulers: [b.node.key], allowLoss: true })
  expect(handed).toMatchObject({ epoch: 1, slots: 6, held: false })
  for (const [n, { client }] of [b, c].entries())
    expect(await add(client, process)).toEqual({ slot: 6 + n, total: String(6 + n) })

  // Results of before and after are proven, and the whole feed is verified by whoever believes nobody.
  expect(verify(proof, { trusted: process }).slot).toBe(3)
  for (const slot of [3, 7]) {
    const bytes = await c.client.exportProof(process, slot)
    expect(verify(bytes, { trusted: process })).toMatchObject({ slot, process: { epoch: 1 } })
    expect(bytes.length).toBeLessThan(4096)
  }
  expect(await verifyProcess(await sourceFromLog(b.node.log, process))).toMatchObject({ ok: true, slots: 8 })

  // The old scheduler comes back, and knows nothing of it: it is told.
  const old = await nodes.open('a')
  await expect.poll(() => old.node.network?.peers.length, SOON).toBe(2)
  expect(await add(old.client, process)).toEqual({ slot: 8, total: '8' })
  expect(await b.client.processes.epochs(process)).toMatchObject([
    { epoch: 0, blocks: 0 },
    { epoch: 1, blocks: 6, firstSlot: 6 },
  ])
})

it('a process goes from one scheduler to three, and stands still once its owner signs two handovers', async () => {
  const nodes = new NodesHere(SIGNER)
  const [a, b, c] = await nodes.openThree()
  const process = await spawnCounter(a.client)
  expect(await add(a.client, process)).toEqual({ slot: 1, total: '1' })
  const three = [a, b, c].map(({ node }) => node.key)
  await a.client.processes.handover(process, { schedulers: three, computeUnits: [a.node.key] })
  for (const [n, { client }] of [a, b, c].entries())
    expect(await add(client, process)).toEqual({ slot: 2 + n, total: String(2 + n) })
  expect((await b.client.processes.epochs(process))[1]).toMatchObject({
    policy: { schedulerQuorum: 2 },
    blocks: 2,
    firstSlot: 2,
  })

  // The first record says otherwise all of a sudden.
  const held = readEpochItem(await b.client.transport.request('epochItem', { process, epoch: 1 }, {})).record
  const other = { ...held, policy: { ...held.policy, schedulers: [b.node.key], schedulerQuorum: 1 } as const }
  const forged = await createDataItem(
    { target: process, tags: EPOCH_TAGS, data: encodeEpochRecord(other) },
    ed25519Signer(new Uint8Array(32).fill(99)),
  )
  await expect(b.client.transport.request('handOver', { process, bytes: forged.bytes }, {})).rejects.toMatchObject({
    code: 'bad-epoch',
  })
  expect(await add(c.client, process), 'a stranger changes nothing').toMatchObject({ slot: 5 })
  const second = await createDataItem({ target: process, tags: EPOCH_TAGS, data: encodeEpochRecord(other) }, SIGNER)
  await expect(b.client.transport.request('handOver', { process, bytes: second.bytes }, {})).rejects.toMatchObject({
    code: 'owner-equivocated',
  })
  // What was given a slot since counts for nothing at any node that has seen both.
  for (const { client } of [a, b, c])
    await expect.poll(async () => (await client.processes.get(process)).scheduled, SOON).toBe(2)
})
