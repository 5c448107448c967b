import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { asProcessId, type ProcessId } from '../../protocol/index.ts'
import { type Client, connect, ed25519Signer } from '../../sdk/index.ts'
import { type RunningNode, startNode } from './running-node.ts'

const signer = ed25519Signer(new Uint8Array(32).fill(13))

async function spawnCounter(client: Client, scheduler: string, units: readonly string[]): Promise<ProcessId> {
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  if (counter === undefined) throw new Error('no counter')
  const tags = counter.tags.filter(tag => tag.name !== 'Module-Format')
  const module = await client.modules.add(counter.wasm, { format: 'actor', tags })
  const spawned = await client.spawn({ module, schedulers: [scheduler], computeUnits: units })
  return asProcessId(spawned.id)
}

const add = (client: Client, process: ProcessId) =>
  client.send({ process, action: 'Add', tags: [{ name: 'Quantity', value: '1' }] })
const clientOf = (node: RunningNode): Client => connect({ url: node.url, signer })
const scheduledOn = async (node: RunningNode, process: ProcessId): Promise<number | string> =>
  clientOf(node)
    .processes.get(process)
    .then(
      ({ scheduled }) => scheduled,
      error => `${error} on ${node.url}`,
    )

it('a scheduler whose data folder was copied, and started twice, leaves a proof everywhere once followers of both meet', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-twins-'))
  const running = new Set<RunningNode>()
  const start = async (name: string, options: Parameters<typeof startNode>[1]): Promise<RunningNode> => {
    const node = await startNode(join(folder, name), options)
    running.add(node)
    return node
  }
  const stop = async (node: RunningNode): Promise<void> => {
    running.delete(node)
    await node[Symbol.asyncDispose]()
  }
  onTestFinished(async () => {
    await Promise.all([...running].map(node => node.kill()))
    await rm(folder, { recursive: true })
  })

  // Both followers know the process before its scheduler is copied.
  const before = await start('a', { listen: ['0'] })
  const [first, second] = [
    await start('f1', { listen: ['0'], peer: before.addresses }),
    await start('f2', { listen: ['0'], peer: before.addresses }),
  ]
  const process = await spawnCounter(clientOf(before), before.scheduler, [first.scheduler, second.scheduler])
  for (let n = 0; n < 3; n++) await add(clientOf(before), process)
  for (const node of [first, second]) await expect.poll(() => scheduledOn(node, process), { timeout: 60_000 }).toBe(4)
  for (const node of [first, second, before]) await stop(node)

  // Copied, and both started: one for each follower, which do not know each other.
  await cp(join(folder, 'a'), join(folder, 'b'), { recursive: true })
  const one = await start('a', { listen: ['0'], acceptRestored: true })
  const other = await start('b', { listen: ['0'], acceptRestored: true })
  const ofOne = await start('f1', { listen: ['0'], peer: one.addresses })
  const ofOther = await start('f2', { listen: ['0'], peer: other.addresses })
  // Heads may cover several blocks: those that are followed tell nothing of the block at which the two part.
  const addMore = async (to: RunningNode, follower: RunningNode, slots: number): Promise<void> => {
    for (let n = 4; n < slots; n++) await add(clientOf(to), process)
    await expect.poll(() => scheduledOn(follower, process), { timeout: 60_000 }).toBe(slots)
  }
  await addMore(one, ofOne, 6)
  await addMore(other, ofOther, 9)
  expect((await clientOf(ofOne).transport.request('listEvidence', {}, {})).evidence).toEqual([])

  // The partition heals.
  await stop(ofOther)
  const healed = await start('f2', { listen: ['0'], peer: [...other.addresses, ...ofOne.addresses] })
  const shortest = async (node: RunningNode): Promise<number | undefined> => {
    const { evidence } = await clientOf(node).transport.request('listEvidence', { process, kind: 'equivocation' }, {})
    for (const { sizeBytes, accused } of evidence) expect([sizeBytes <= 1024, accused]).toEqual([true, [one.scheduler]])
    return evidence.map(({ length }) => length ?? 0).sort((a, b) => a - b)[0]
  }
  const standsStill = async (node: RunningNode): Promise<void> => {
    await expect.poll(() => scheduledOn(node, process)).toBe(4)
    await expect(
      clientOf(node).transport.request('result', { process, at: 4, wait_ms: 0 }, {}),
      `slot 4 on ${node.url}`,
    ).rejects.toMatchObject({ code: 'equivocated' })
  }
  for (const node of [ofOne, healed]) {
    await expect.poll(() => shortest(node)).toBe(5)
    expect((await clientOf(node).result(process, 3)).status).toBe('ok')
    await standsStill(node)
  }
  // Two nodes of one name cannot both be linked to the same peers: one of them is told, and takes nothing more.
  const told = async (): Promise<RunningNode | undefined> => {
    for (const node of [one, other]) if ((await shortest(node)) === 5) return node
    return undefined
  }
  await expect.poll(told).toBeDefined()
  const twin = await told()
  if (twin === undefined) throw new Error('no twin was told')
  await standsStill(twin)
  await expect(add(clientOf(twin), process)).rejects.toMatchObject({ code: 'equivocated' })
})
