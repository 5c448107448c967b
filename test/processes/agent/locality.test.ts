import { expect, it } from 'vitest'
import { AgentDriver } from './agent-driver.ts'

/** What one message changes lies together: else each of forty sizes of slab is a chunk of its own to hash. */
const CHANGED_MAX = 35
/** It stores to about a hundred chunks of 4 KiB: five times as much, if they were kept whole. */
const HELD_MAX_BYTES = 70_000

it('a message of an agent changes few chunks', { timeout: 60_000 }, async () => {
  const agent = await AgentDriver.open('gate')
  for (let who = 1; who <= 3; who++) agent.send('enter', { who })
  agent.guest.takeChanged()
  agent.send('enter', { who: 4 })
  expect(agent.guest.takeChanged().length).toBeLessThanOrEqual(CHANGED_MAX)
})

it('an agent holds what it changed of its chunks, not all of them', { timeout: 60_000 }, async () => {
  const agent = await AgentDriver.open('gate')
  for (let who = 1; who <= 3; who++) agent.send('enter', { who })
  agent.guest.takeChanged()
  expect(agent.guest.sizeBytes).toBeLessThanOrEqual(HELD_MAX_BYTES)
})
