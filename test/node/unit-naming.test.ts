import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { createNode } from '../../node/index.ts'
import { unitNaming } from '../../node/operating/unit-naming.ts'
import { keyOf } from '../fakes/certified-pushes.ts'

const [here, there] = [keyOf(1), keyOf(2)]

it('two who spawn at once name the same units, and others are asked once', async () => {
  const answers: ((units: string[]) => void)[] = []
  const unitsToName = unitNaming({
    key: here,
    units: ['messenger'],
    peers: () => [there],
    ask: () => new Promise(resolve => answers.push(units => resolve({ units }))),
  })
  const both = [unitsToName(), unitsToName()]
  for (const answer of answers) answer(['scheduler', 'compute'])
  expect(await Promise.all(both)).toEqual([0, 1].map(() => ({ scheduler: there, computeUnit: there })))
  expect(answers).toHaveLength(1)
  void unitsToName()
  expect(answers, 'later they are asked again').toHaveLength(2)
})

it('two nodes, each with one unit, ask each other at the same time, and both name both', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-naming-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await using a = await createNode({ data: join(folder, 'a'), listen: ['0'], units: ['messenger', 'scheduler'] })
  const peer = a.network?.addresses ?? []
  await using b = await createNode({ data: join(folder, 'b'), peer, units: ['messenger', 'compute'] })
  await expect.poll(() => [a.network?.peers.length, b.network?.peers.length], { timeout: 60_000 }).toEqual([1, 1])
  const told = await Promise.all([a, b, a, b].map(async ({ operations }) => operations.node({}, {})))
  expect(told.map(({ scheduler, computeUnit }) => [scheduler, computeUnit])).toEqual(told.map(() => [a.key, b.key]))
})
