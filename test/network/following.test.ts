import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { asProcessId, fromUtf8, type ProcessId } from '../../protocol/index.ts'
import { type Client, connect, ed25519Signer, verifyResult } from '../../sdk/index.ts'
import { type RunningNode, startNode } from './running-node.ts'

const signer = ed25519Signer(new Uint8Array(32).fill(12))

async function spawnCounter(client: Client, scheduler: string, units: readonly string[]): Promise<ProcessId> {
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  if (counter === undefined) throw new Error('no counter')
  const module = await client.modules.add(counter.wasm, {
    format: 'actor',
    tags: counter.tags.filter(tag => tag.name !== 'Module-Format'),
  })
  const spawned = await client.spawn({ module, schedulers: [scheduler], computeUnits: units })
  return asProcessId(spawned.id)
}

it('a compute unit on another node follows the feed, evaluates it, and goes on after it was killed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-following-'))
  const a = await startNode(join(folder, 'a'), { listen: ['0'] })
  const startB = (): Promise<RunningNode> => startNode(join(folder, 'b'), { listen: ['0'], peer: [...a.addresses] })
  let b = await startB()
  onTestFinished(async () => {
    await Promise.all([a.kill(), b.kill()])
    await rm(folder, { recursive: true })
  })
  const clientA = await connect({ url: a.url, signer })
  const counter = await spawnCounter(clientA, a.scheduler, [b.scheduler])
  const add = async (): Promise<number> => {
    const sent = await clientA.send({ process: counter, action: 'Add', tags: [{ name: 'Quantity', value: '1' }] })
    return sent.slot
  }
  let last = 0
  for (let n = 0; n < 5; n++) last = await add()
  const expectResultOn = async (node: RunningNode, slot: number): Promise<void> => {
    const client = await connect({ url: node.url, signer })
    const outputOf = (): Promise<string> =>
      client.result(counter, slot).then(
        ({ output }) => fromUtf8(output),
        error => String(error),
      )
    await expect.poll(outputOf, { timeout: 60_000 }).toBe(String(slot))
    const certified = await client.certifiedResult(counter, slot)
    expect(verifyResult(certified, await client.processes.spawnEnvelope(counter)).result.slot).toBe(slot)
  }
  await expectResultOn(b, last)
  await b.kill()
  for (let n = 0; n < 5; n++) last = await add()
  b = await startB()
  await expectResultOn(b, last)

  // The scheduler is gone: whoever was told to seed the process has its feed from the compute unit.
  await a.kill()
  const c = await startNode(join(folder, 'c'), { peer: [...b.addresses] })
  onTestFinished(() => c.kill())
  const adminToken = (await readFile(join(folder, 'c', 'keys', 'admin-token'), 'utf8')).trim()
  const { transport } = await connect({ url: c.url, adminToken })
  await expect
    .poll(() => transport.request('seedFeed', { process: counter }).then(({ seeded }) => seeded, String))
    .toBe(true)
  const feedsOn = async (): Promise<unknown> => (await transport.request('listFeeds', {})).feeds
  await expect
    .poll(feedsOn, { timeout: 60_000 })
    .toMatchObject([{ process: counter, why: 'seed', blocks: last + 1, source: b.scheduler }])
  await transport.request('unseedFeed', { process: counter })
  expect(await feedsOn()).toEqual([])
})
