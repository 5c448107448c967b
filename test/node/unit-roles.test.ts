import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { type AtollNode, createNode, loadConfig, standardModules, type UnitName } from '../../node/index.ts'
import { ed25519PublicKey, keyId, signDataItemSync, type Tag } from '../../protocol/index.ts'

const SEED = new Uint8Array(32).fill(21)
const ELSEWHERE = keyId(ed25519PublicKey(new Uint8Array(32).fill(22)))

function item(fields: Record<string, string>, data: Uint8Array | string = ' '): Uint8Array {
  const tags: Tag[] = Object.entries({ 'Data-Protocol': 'ao', ...fields }).map(([name, value]) => ({ name, value }))
  return signDataItemSync({ tags, data }, SEED).bytes
}

async function nodeWith(...units: UnitName[]): Promise<{ node: AtollNode; module: string }> {
  const data = await mkdtemp(join(tmpdir(), 'atoll-roles-'))
  const node = await createNode({ data, units, hosts: 1 })
  onTestFinished(async () => {
    await node[Symbol.asyncDispose]()
    await rm(data, { recursive: true })
  })
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  if (counter === undefined) throw new Error('no counter')
  const bytes = item(
    { Type: 'Module', ...Object.fromEntries(counter.tags.map(tag => [tag.name, tag.value])) },
    counter.wasm,
  )
  const added = units.includes('messenger') ? await node.operations.send({ bytes }, {}) : undefined
  return { node, module: added !== undefined && 'module' in added ? added.module : '' }
}

it('a node that does not evaluate spawns no process that names it as compute unit', async () => {
  const { node, module } = await nodeWith('messenger', 'scheduler')
  expect((await node.operations.node({}, {})).units).toEqual(['messenger', 'scheduler'])
  const spawn = (more: Record<string, string>): Promise<unknown> =>
    node.operations.send({ bytes: item({ Type: 'Process', Module: module, Scheduler: node.key, ...more }) }, {})
  await expect(spawn({})).rejects.toMatchObject({ code: 'unit-not-run', details: { unit: 'compute' } })
  expect(await spawn({ 'Compute-Unit': ELSEWHERE })).toMatchObject({ slot: 0 })
})

it('a node that gives no slots says so, and so does one that takes no messages', async () => {
  const { node, module } = await nodeWith('messenger', 'compute')
  const bytes = item({ Type: 'Process', Module: module, Scheduler: node.key })
  await expect(node.operations.send({ bytes }, {})).rejects.toMatchObject({
    code: 'unit-not-run',
    details: { unit: 'scheduler' },
  })

  const other = await nodeWith('scheduler', 'compute')
  await expect(other.node.operations.send({ bytes }, {})).rejects.toMatchObject({
    code: 'unit-not-run',
    details: { unit: 'messenger' },
  })
})

it('the units of a node are settings: a list of names, and no others', async () => {
  const { config } = await loadConfig({ env: { ATOLL_UNITS: 'messenger, compute' }, cwd: '/nowhere' })
  expect(config.units).toEqual(['messenger', 'compute'])
  expect((await loadConfig({ cwd: '/nowhere' })).config.units).toEqual(['messenger', 'scheduler', 'compute'])
  await expect(loadConfig({ flags: { units: 'miner' }, cwd: '/nowhere' })).rejects.toMatchObject({
    code: 'bad-config',
    details: { setting: 'units', origin: 'flag' },
  })
})
