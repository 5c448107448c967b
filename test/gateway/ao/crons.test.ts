import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AoWorld } from './ao-world.ts'
import { call, pick } from './http-call.ts'

const TEST_MS = 180_000
let world: AoWorld

beforeAll(async () => {
  world = await AoWorld.open()
}, TEST_MS)
afterAll(() => world[Symbol.asyncDispose]())

describe('crons', () => {
  test('tick while they are monitored, and are listed as crons', { timeout: TEST_MS }, async () => {
    const { ao, signer, url } = world
    const process = await world.spawn({
      pairs: ['Cron-Interval', '1-second', 'Cron-Tag-Action', 'Tick'],
    })
    await world.lua(
      process,
      'Ticks = 0; Handlers.add("tick", "Tick", function (m) Ticks = Ticks + 1; Last = tostring(m.Cron) .. " " .. tostring(m.From == Owner) end)',
    )
    const crons = async () => (await call(`${url}/cu/cron/${process}`)).at('edges')
    const count = (edges: unknown): number => (Array.isArray(edges) ? edges.length : 0)
    await new Promise(resolve => setTimeout(resolve, 2500))
    expect(await crons()).toEqual([])
    await ao.monitor({ process, signer })
    await world.eventually('two ticks', async () => (count(await crons()) >= 2 ? true : undefined))
    await ao.unmonitor({ process, signer })
    const edges = await world.eventually('the end of ticks', async () => {
      const before = await crons()
      await new Promise(resolve => setTimeout(resolve, 2500))
      const ticks = Number(await world.lua(process, 'return Ticks'))
      const after = await crons()
      return count(before) === count(after) && ticks === count(after) ? after : undefined
    })
    const cursor: unknown = JSON.parse(atob(String(pick(edges, [0, 'cursor']))))
    expect(pick(cursor, ['cron'])).toBe('0-1-second')
    expect(await world.lua(process, 'return Last')).toBe('true true')
  })
})
