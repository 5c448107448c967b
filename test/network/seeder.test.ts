import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { asProcessId, fromUtf8 } from '../../protocol/index.ts'
import { connect, ed25519Signer } from '../../sdk/index.ts'
import { type RunningNode, startNode } from './running-node.ts'

it('a unit that was away catches up from a node that seeds the feed, though the scheduler is gone by then', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-seeder-'))
  const nodes: RunningNode[] = []
  const start = async (name: string, peer: readonly string[]): Promise<RunningNode> => {
    const node = await startNode(join(folder, name), { listen: ['0'], peer: [...peer] })
    nodes.push(node)
    return node
  }
  onTestFinished(async () => {
    await Promise.all(nodes.map(node => node.kill()))
    await rm(folder, { recursive: true })
  })
  const a = await start('a', [])
  const b = await start('b', a.addresses)
  const c = await start('c', a.addresses)
  const signer = ed25519Signer(new Uint8Array(32).fill(12))
  const client = connect({ url: a.url, signer })
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  const module = await client.modules.add(counter?.wasm ?? new Uint8Array(), {
    format: 'actor',
    tags: (counter?.tags ?? []).filter(tag => tag.name !== 'Module-Format'),
  })
  const spawned = await client.spawn({
    module,
    schedulers: [a.scheduler],
    computeUnits: [b.scheduler],
  })
  const process = asProcessId(spawned.id)
  const output = (node: RunningNode, slot: number) =>
    connect({ url: node.url })
      .result(process, slot)
      .then(result => fromUtf8(result.output), String)
  await client.send({ process, action: 'Add' })
  await expect.poll(() => output(b, 1), { timeout: 60_000 }).toBe('1')
  await b.kill()
  const adminToken = (await readFile(join(folder, 'c', 'keys', 'admin-token'), 'utf8')).trim()
  const { transport } = connect({ url: c.url, adminToken })
  await transport.request('seedFeed', { process })
  await client.send({ process, action: 'Add' })
  await expect
    .poll(async () => (await transport.request('listFeeds', {})).feeds, { timeout: 60_000 })
    .toMatchObject([{ blocks: 3 }])
  await a.kill()
  const again = await start('b', c.addresses)
  await expect.poll(() => output(again, 2), { timeout: 90_000, interval: 1_000 }).toBe('2')
})
