import { beforeAll, expect, it } from 'vitest'
import type { GuestFactory } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, spawnMessage } from './agent-driver.ts'

let factory: GuestFactory

beforeAll(async () => {
  factory = await loadAgent('hoarder')
}, 180_000)

// What is free where memory ends depends on what filled it: pieces of these lengths leave little or much.
it.each([100, 500, 1000, 1018, 4000, 30_000])(
  'who asked is told that pieces of %i letters used all memory, and nothing else of the slot fails',
  { timeout: 120_000 },
  length => {
    const agent = new AgentDriver(factory)
    expect(agent.run(spawnMessage()).ending.status).toBe('ok')
    const { ending, output } = agent.push(fakeId(77), ['Action', 'fill', 'Reference', '5'], JSON.stringify({ length }))
    expect(ending).toMatchObject({ status: 'ok' })
    expect(output).toMatchObject({ settled: [{ error: { code: 'memory-limit' } }] })
  },
)
