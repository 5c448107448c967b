import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asProcessId, type ProcessId } from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { textOf } from '../fakes/test-node.ts'
import { ComputeHarness, itemEnvelope } from './compute-harness.ts'
import { COUNT, withHistory } from './sample-history.ts'

describe('dry-runs', { timeout: 180_000 }, () => {
  let harness: ComputeHarness

  beforeAll(async () => {
    harness = await ComputeHarness.open()
  })

  afterAll(() => harness[Symbol.asyncDispose]())

  const query = (process: ProcessId, data: Uint8Array, tags: readonly { name: string; value: string }[] = []) =>
    harness.unit.query(process, { from: 'me', owner: 'me', id: 'query', tags, data })

  it('see the latest state and change nothing', async () => {
    const counter = await harness.spawn(await harness.addStandard('counter'))
    for (let i = 1; i <= 5; i++) {
      await harness.ask(counter, { Action: 'Add' })
      const get = await query(counter, new Uint8Array(0), [{ name: 'Action', value: 'Get' }])
      expect([textOf(get.output), get.slot]).toEqual([String(i), i])
      await query(counter, new Uint8Array(0), [{ name: 'Action', value: 'Add' }])
    }
    expect(textOf((await harness.ask(counter, { Action: 'Get' })).output)).toBe('5')
  })

  it('that never end hold up no evaluation', async () => {
    const process = await withHistory(harness, 4)
    const endless = query(process, new Uint8Array([2]))
    const done: string[] = []
    const ended = endless.then(answer => void done.push(answer.error?.code ?? answer.status))
    for (let i = 0; i < 10; i++) await harness.ask(process, {}, COUNT)
    done.push('evaluated')
    await ended
    expect(done).toEqual(['evaluated', 'out-of-gas'])
  })

  it('refuse what no message could say, without harm to others', async () => {
    const process = await withHistory(harness, 2)
    const many = Array.from({ length: 129 }, () => ({ name: 'a', value: 'b' }))
    await expect(query(process, COUNT, many)).rejects.toMatchObject({ code: 'malformed-request' })
    await expect(query(process, COUNT, [{ name: 'a', value: '\ud800' }])).rejects.toMatchObject({
      code: 'malformed-request',
    })
    expect((await query(process, COUNT)).status).toBe('ok')
    await expect(
      harness.unit.query(asProcessId(fakeId(70)), {
        from: '',
        owner: '',
        id: '',
        tags: [],
        data: COUNT,
      }),
    ).rejects.toMatchObject({ code: 'unknown-process' })
  })

  it('of many callers at once all see whole states', async () => {
    const counter = await harness.spawn(await harness.addStandard('counter'))
    const asked = Array.from({ length: 40 }, async (_, i) => {
      if (i % 2 === 0) await harness.write(counter, [itemEnvelope(counter, { Action: 'Add' })])
      const { output, slot } = await query(counter, new Uint8Array(0), [{ name: 'Action', value: 'Get' }])
      expect(textOf(output)).toBe(String(slot))
    })
    await Promise.all(asked)
  })
})
