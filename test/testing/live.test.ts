import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { createNode } from '../../node/index.ts'
import { createTestNet, type TestNet, withNet } from '../../testing/index.ts'
import tally from './programs/tally.process.ts'

afterEach(() => vi.unstubAllEnvs())

/** What a test says that runs in both. */
async function calls(net: TestNet): Promise<void> {
  const [a, b] = [await net.spawn(tally, { args: { start: 1 } }), await net.spawn(tally, { args: {} })]
  expect(await a.add({ by: 2 })).toBe(3)
  expect(await a.askAll({ others: [b.id], by: 5 })).toEqual([5])
  const sent = await a.send.add({ by: 1 })
  expect((await sent.settled()).settled).toBe(true)
}

test('the same calls run against a live node; what only a simulation can do says so', {
  timeout: 180_000,
}, async () => {
  await using simulated = await createTestNet()
  await calls(simulated)
  const data = await mkdtemp(join(tmpdir(), 'atoll-live-'))
  {
    await using node = await createNode({ data, port: 0, hosts: 1 })
    vi.stubEnv('ATOLL_TEST_URL', node.url)
    await using live = await createTestNet()
    expect(live.simulated).toBe(false)
    await calls(live)
    await expect(live.advance('2h')).rejects.toMatchObject({
      code: 'bad-config',
      details: { call: 'advance' },
    })
    expect(() => live.fault.crash('n1')).toThrow(/only a simulated network/)
    const failing = withNet({}, net => net.advance('2h'))
    const error = await failing({ name: 'waits', filePath: 'a.test.ts' }).then(
      () => expect.unreachable(),
      (thrown: Error) => thrown,
    )
    expect(error.message).toContain(
      `again: ATOLL_TEST_URL=${node.url} node --test --test-name-pattern "waits" a.test.ts`,
    )
  }
  await rm(data, { recursive: true, force: true })
})
