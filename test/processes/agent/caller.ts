import { beforeAll, expect } from 'vitest'
import type { GuestFactory } from '../../../protocol/index.ts'
import { fakeId } from '../../fakes/guest-context.ts'
import { AgentDriver, loadAgent, spawnMessage, type Step } from './agent-driver.ts'

/** Whom the program calls. */
export const PEER = fakeId(77)

let factory: GuestFactory

/** Has the program for the file of tests that calls this. */
export function loadsCaller(): void {
  beforeAll(async () => {
    factory = await loadAgent('caller')
  }, 180_000)
}

/** A process of the program, in slot 1. */
export function start(): AgentDriver {
  const driver = new AgentDriver(factory)
  expect(driver.run(spawnMessage()).ending.status).toBe('ok')
  return driver
}

export const sentBy = ({ context }: Step) =>
  context.sent.map(({ to, tags, data }) => ({
    to,
    ...Object.fromEntries(tags.map(({ name, value }) => [name, value])),
    data: data.length === 0 ? undefined : JSON.parse(Buffer.from(data).toString('utf8')),
  }))

export const referenceOf = (step: Step): string => String(Reflect.get(sentBy(step)[0] ?? {}, 'Reference'))

export const reply = (driver: AgentDriver, reference: string, value: unknown, from = PEER): Step =>
  driver.push(from, ['Action', 'Reply', 'X-Reference', reference], JSON.stringify(value))

export const idOf = (slot: number): string => fakeId(10_000 + slot)
