import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { type Client, connect, ed25519Signer, type ProcessHandle } from '../../sdk/index.ts'
import { buildAgent } from '../../toolchain/index.ts'
import { startNode } from './running-node.ts'

const AWAITS = 1000
/** Replies one slot may send; the gate lets so many in at a time. */
const AT_ONCE = 200
const SEED = new Uint8Array(32).fill(12)

async function addAgent(client: Client, name: string): Promise<string> {
  const path = new URL(`../processes/agent/programs/${name}.process.ts`, import.meta.url)
  return client.modules.add((await buildAgent(fileURLToPath(path))).bytes, { format: 'agent' })
}

async function ask(process: ProcessHandle, action: string): Promise<unknown> {
  const { output } = await process.query({ action })
  return (JSON.parse(Buffer.from(output).toString('utf8')) as { reply?: unknown }).reply
}

it(`an agent with ${AWAITS} awaits survives kill -9 of its node: each is resolved once`, async () => {
  const data = await mkdtemp(join(tmpdir(), 'atoll-awaits-'))
  let node = await startNode(data)
  onTestFinished(async () => {
    await node.kill()
    await rm(data, { recursive: true, force: true })
  })
  let client = await connect({ url: node.url, signer: ed25519Signer(SEED) })
  const spawn = async (name: string): Promise<string> =>
    (
      await client.spawn({
        module: await addAgent(client, name),
        tags: [{ name: 'Name', value: name }],
      })
    ).id
  const [gate, crowd] = [await spawn('gate'), await spawn('crowd')]
  const knocks = Array.from({ length: AWAITS }, (_, who) => ({
    process: crowd,
    action: 'knock',
    data: JSON.stringify({ gate, who }),
  }))
  await client.sendMany(knocks)
  const until = (process: string, action: string, wanted: unknown): Promise<void> =>
    expect.poll(() => ask(client.process(process), action), { timeout: 120_000, interval: 200 }).toEqual(wanted)
  await until(crowd, 'waiting', AWAITS)
  await until(gate, 'knocks', AWAITS)

  await node.kill()
  node = await startNode(data)
  client = await connect({ url: node.url, signer: ed25519Signer(SEED) })
  expect(await ask(client.process(crowd), 'waiting')).toBe(AWAITS)
  expect(await ask(client.process(crowd), 'inside')).toEqual([])

  for (let opened = 0; opened < AWAITS; opened += AT_ONCE) {
    const sent = await client.process(gate).send({ action: 'open', data: JSON.stringify({ count: AT_ONCE }) })
    expect((await sent.result()).status).toBe('ok')
  }
  await until(crowd, 'waiting', 0)
  const inside = (await ask(client.process(crowd), 'inside')) as number[]
  expect(inside.toSorted((a, b) => a - b)).toEqual(Array.from({ length: AWAITS }, (_, who) => who))
})
