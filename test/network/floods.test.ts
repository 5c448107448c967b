import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { FLOODS, flood, HonestPeer } from './flooding.ts'
import { startNode } from './running-node.ts'

/** How long each flood lasts; `bench/floods.ts` has them last for a minute, and measures. */
const SECONDS = 1.5
const MEMORY_MAX_BYTES = 1024 ** 3

it('a node stays within its memory and answers whoever is honest while it is flooded, and newcomers soon after', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-floods-'))
  const node = await startNode(join(folder, 'node'), { listen: ['0'] })
  onTestFinished(async () => {
    await node.kill()
    await rm(folder, { recursive: true })
  })
  await using honest = await HonestPeer.open(node, 200)
  while (
    !(await honest.ask().then(
      () => true,
      () => false,
    ))
  )
    await new Promise(resolve => setTimeout(resolve, 50))
  for (const [n, kind] of FLOODS.entries()) {
    const figures = await flood(node, honest, kind, SECONDS, 201 + n)
    expect(figures.done, `${kind} did nothing`).toBeGreaterThan(0)
    expect(figures.failedCalls, `calls that failed under ${kind}`).toBe(0)
    expect(figures.calls).toBeGreaterThan(0)
    expect(figures.residentMaxBytes, `memory under ${kind}`).toBeLessThan(MEMORY_MAX_BYTES)
    expect(figures.recoveredMs, `a newcomer after ${kind}`).toBeDefined()
  }
})
