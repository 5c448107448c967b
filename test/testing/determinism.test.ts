import { expect, test } from 'vitest'
import { createTestNet } from '../../testing/index.ts'
import { relaysInChaos, seeds } from './chaos.ts'

const CHAOS = { nodes: 3, latency: ['1ms', '80ms'], disk: [0.1, 4], hosts: [0, 2] } as const

async function run(seed: number): Promise<{ fingerprint: string; now: number; report: string }> {
  await using net = await createTestNet({ ...CHAOS, seed })
  await relaysInChaos(net)
  await net.expectConverged()
  // Events, with the state root of every frame, in order; and the trees of the last messages.
  return { fingerprint: net.fingerprint, now: net.now, report: await net.report() }
}

test('the same seed gives the same events, trees and state roots; another seed gives others', {
  timeout: 600_000,
}, async () => {
  const seen = new Set<string>()
  for (const seed of seeds(50)) {
    const first = await run(seed)
    expect(await run(seed)).toEqual(first)
    seen.add(first.fingerprint)
  }
  expect(seen.size).toBe(seeds(50).length)
})
