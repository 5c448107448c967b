import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { asProcessId, fromUtf8 } from '../../protocol/index.ts'
import { connect, ed25519Signer } from '../../sdk/index.ts'
import { type RunningNode, startNode } from './running-node.ts'

const signer = ed25519Signer(new Uint8Array(32).fill(12))

it('nodes that were told of one in common find each other by what each signed of itself, and need it no longer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-records-'))
  const known = await startNode(join(folder, 'known'), { listen: ['0'] })
  const start = (name: string): Promise<RunningNode> =>
    startNode(join(folder, name), { listen: ['0'], peer: [...known.addresses] })
  const [scheduler, unit] = await Promise.all([start('scheduler'), start('unit')])
  onTestFinished(async () => {
    await Promise.all([known, scheduler, unit].map(node => node.kill()))
    await rm(folder, { recursive: true })
  })
  const client = connect({ url: scheduler.url, signer })
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  const tags = (counter?.tags ?? []).filter(tag => tag.name !== 'Module-Format')
  const module = await client.modules.add(counter?.wasm ?? new Uint8Array(), { format: 'actor', tags })
  const spawned = await client.spawn({ module, schedulers: [scheduler.scheduler], computeUnits: [unit.scheduler] })
  const process = asProcessId(spawned.id)
  const output = (slot: number): Promise<string> =>
    connect({ url: unit.url })
      .result(process, slot)
      .then(result => fromUtf8(result.output), String)
  await client.send({ process, action: 'Add' })
  await expect.poll(() => output(1), { timeout: 140_000, interval: 500 }).toBe('1')
  await known.kill()
  await client.send({ process, action: 'Add' })
  await expect.poll(() => output(2), { timeout: 140_000, interval: 500 }).toBe('2')
})
