import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { sourceFromLog, standardModules, verifyProcess } from '../../node/index.ts'
import { asProcessId, fromUtf8, type ProcessId, toHex } from '../../protocol/index.ts'
import { type Client, ed25519Signer } from '../../sdk/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { NodesHere } from './nodes-here.ts'

const SIGNER = ed25519Signer(new Uint8Array(32).fill(29))
const SOON = { timeout: 120_000 }
/** Messages that a process is sending as it moves. */
const SENT = 150

async function spawnRelay(client: Client): Promise<ProcessId> {
  const relay = (await standardModules()).find(({ name }) => name === 'relay')
  if (relay === undefined) throw new Error('no relay')
  const tags = relay.tags.filter(tag => tag.name !== 'Module-Format')
  return asProcessId(
    (await client.spawn({ module: await client.modules.add(relay.wasm, { format: 'actor', tags }) })).id,
  )
}

const fanOut = (client: Client, process: ProcessId, peer: ProcessId, count: number) =>
  client.send({
    process,
    action: 'Fan-Out',
    tags: [
      { name: 'Peer', value: peer },
      { name: 'Count', value: String(count) },
    ],
  })

it('what a process sends as it moves comes once, and in order', async () => {
  const nodes = new NodesHere(SIGNER)
  const [a, b, c] = await nodes.openThree()
  const [sender, taker] = [await spawnRelay(a.client), await spawnRelay(c.client)]
  const first = await fanOut(a.client, sender, taker, SENT)
  expect(await c.client.processes.handover(sender, { schedulers: [b.node.key] })).toMatchObject({
    epoch: 1,
    held: true,
  })
  await nodes.close('a')
  const second = await fanOut(c.client, sender, taker, 10)
  for (const [{ id }, count] of [
    [first, SENT],
    [second, 10],
  ] as const) {
    const { root } = await c.client.transport.request('trace', { message: id, settled: true, wait_ms: 60_000 })
    expect(root.children.map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 'ok'))
  }
  expect((await c.client.processes.get(taker)).scheduled).toBe(1 + SENT + 10)
  const places: number[] = []
  for await (const { envelope } of c.client.processes.slots(taker))
    if (envelope.kind === 'push') places.push(envelope.seq)
  expect(places).toEqual(Array.from({ length: SENT + 10 }, (_, seq) => seq))
})

it('timers, and what an agent sleeps over, go on where it moves, and come once', async () => {
  const nodes = new NodesHere(SIGNER)
  const [a, b, c] = await nodes.openThree()
  const program = fileURLToPath(new URL('../testing/programs/tally.process.ts', import.meta.url))
  const module = await a.client.modules.add((await buildAgent(program)).bytes, { format: 'agent' })
  const { id } = await a.client.spawn({ module, data: JSON.stringify({ start: 0 }) })
  const send = (action: string, input: unknown) => a.client.send({ process: id, action, data: JSON.stringify(input) })
  await send('tickEvery', { ms: 1_500, times: 5 })
  await send('sleepAndAdd', { ms: 4_000 })
  expect(await c.client.processes.handover(id, { schedulers: [b.node.key] })).toMatchObject({ epoch: 1, held: true })
  await nodes.close('a')

  const all = async (): Promise<{ total: number; ticks: number[] }> => {
    const { output } = await c.client.query({ process: id, action: 'all' })
    return JSON.parse(fromUtf8(output)).reply
  }
  await expect.poll(async () => (await all()).ticks.length, SOON).toBe(5)
  await expect.poll(async () => (await all()).total, SOON).toBe(1)
  // Those that came due while it moved may have one timestamp; each due time is one of its own. What the old and the new
  // scheduler both place rings once: the second is idle.
  const [due, again]: [string[], string[]] = [[], []]
  for await (const { slot, envelope } of c.client.processes.slots(id)) {
    if (envelope.kind !== 'tick') continue
    const { status } = await c.client.result(id, slot)
    const list = status === 'idle' ? again : due
    list.push(`${toHex(envelope.timer)} ${envelope.dueMs}`)
  }
  expect(due.length).toBeGreaterThanOrEqual(5)
  expect(new Set(due).size).toBe(due.length)
  expect(again.filter(one => !due.includes(one))).toEqual([])
  // Nothing was made up on the way: whoever evaluates the feed anew comes to the same.
  const report = await verifyProcess(await sourceFromLog(b.node.log, asProcessId(id)))
  expect(report).toMatchObject({ ok: true })
})
