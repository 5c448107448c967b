import { expect, it } from 'vitest'
import { agentRuntime } from '../../../processes/agent/index.ts'
import { AgentDriver, agentModule, spawnMessage } from './agent-driver.ts'

it('agents of more modules than there are instances for go on where each of them was', {
  timeout: 180_000,
}, async () => {
  const module = await agentModule('gate')
  const drivers: AgentDriver[] = []
  for (let n = 0; n < 70; n++) {
    const factory = agentRuntime.load(agentRuntime.prepare(module), module)
    const driver = new AgentDriver(factory, 100 + n)
    expect(driver.run(spawnMessage()).ending.status).toBe('ok')
    drivers.push(driver)
  }
  for (let round = 1; round <= 2; round++) {
    for (const driver of drivers) {
      expect(driver.send('enter', { who: round }).output).toEqual({ pending: true })
      expect(driver.query('knocks')).toBe(round)
    }
  }
  for (const driver of drivers) expect(driver.send('open', { count: 2 }).output).toMatchObject({ reply: 0 })
})

it('agents of one module that run in turn go on where each of them was, more than there are instances for and after a rest', {
  timeout: 120_000,
}, async () => {
  const module = await agentModule('gate')
  const factory = agentRuntime.load(agentRuntime.prepare(module), module)
  const drivers = Array.from({ length: 70 }, (_, n) => new AgentDriver(factory, 100 + n))
  for (const driver of drivers) expect(driver.run(spawnMessage()).ending.status).toBe('ok')
  for (let round = 1; round <= 7; round++) {
    for (const driver of drivers) {
      expect(driver.send('enter', { who: round }).output).toEqual({ pending: true })
      expect(driver.query('knocks')).toBe(round)
    }
    if (round === 6) factory.rest?.()
  }
  for (const driver of drivers) expect(driver.send('open', { count: 7 }).output).toMatchObject({ reply: 0 })
})
