import { expect, it } from 'vitest'
import { describeProcess, type Envelope, encodeEnvelope, toUtf8 } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { spawnItem } from '../fakes/signed-items.ts'
import { ComputeHarness } from './compute-harness.ts'

const NOBODY = { from: '', owner: '', id: '', tags: [], data: new Uint8Array(0) }

it('whoever asks a process of whose feed nothing is here yet is told to ask again, and no host ends of it', {
  timeout: 60_000,
}, async () => {
  await using harness = await ComputeHarness.open()
  const module = await harness.addStandard('counter')
  const neighbour = await harness.spawn(module, { Name: 'neighbour' })
  await harness.ask(neighbour)
  await harness.unit.query(neighbour, NOBODY)
  const hosts = harness.unit.hostPids

  const spawn: Envelope = {
    kind: 'item',
    item: spawnItem(module, keyOf(1), { tags: { 'Compute-Unit': keyOf(2) } }).bytes,
  }
  const described = describeProcess(spawn)
  await harness.log.directory.addProcess(described, encodeEnvelope(spawn))
  await expect(harness.unit.query(described.id, NOBODY)).rejects.toMatchObject({ code: 'timeout' })
  await expect(harness.unit.cell(described.id, toUtf8('count'))).rejects.toMatchObject({ code: 'timeout' })
  expect(harness.unit.hostPids).toEqual(hosts)
  expect(await harness.unit.query(neighbour, NOBODY)).toMatchObject({ slot: 1 })
})
