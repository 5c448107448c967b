import { expect, it } from 'vitest'
import { AgentDriver, request } from './agent-driver.ts'

/** What it takes to find out how an object is laid out, for each field after the first. */
const LAYOUT_GAS_MIN = 1000

it('objects with the fields of a contract, in their order, are laid out as the one before', {
  timeout: 60_000,
}, async () => {
  const driver = await AgentDriver.open('echo')
  const gasOf = (input: object): number => Number(driver.run(request('keep', input)).ending.gas)
  // The host reads what is plain.
  const ordered = { text: 'é', texts: [], note: 'b' }
  const other = { note: 'b', texts: [], text: 'é' }
  gasOf(ordered)
  gasOf(other)
  expect(gasOf(other) - gasOf(ordered)).toBeGreaterThan(2 * LAYOUT_GAS_MIN)
})
