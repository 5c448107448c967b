import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { childProcessHosts } from '../../compute-unit/index.ts'
import { hostProgram } from '../../node/index.ts'
import { fromUtf8 } from '../../protocol/index.ts'
import { realClock } from '../fakes/real-clock.ts'
import { ComputeHarness, itemEnvelope } from './compute-harness.ts'

const PROGRAM = { ...hostProgram(), path: join(import.meta.dirname, 'paper-host.ts') }
const open = (): Promise<ComputeHarness> =>
  ComputeHarness.open({ openHost: childProcessHosts(PROGRAM), clock: realClock })
const FORMAT = [{ name: 'Module-Format', value: 'breaking' }]

describe.each(['bug', 'fault', 'exit'])('a guest that breaks its host by a %s', word => {
  it('stands still by itself, says why, and takes no other process along', async () => {
    await using harness = await open()
    const module = await harness.addModule(Uint8Array.of(1), FORMAT)
    const [culprit, neighbour] = [
      await harness.spawn(module, { Name: 'a' }),
      await harness.spawn(module, { Name: 'b' }),
    ]
    await harness.ask(neighbour, {}, 'first')
    await harness.ask(culprit, {}, 'first')
    const [before] = harness.unit.hostPids
    const slot = await harness.write(culprit, [itemEnvelope(culprit, {}, word)])
    const failure = { code: 'stands-still', details: { process: culprit, slot } }
    await expect(harness.unit.result(culprit, slot, { timeoutMs: 60_000 })).rejects.toMatchObject(failure)
    // Who asks later is told at once.
    await expect(harness.unit.result(culprit, slot, { timeoutMs: 60_000 })).rejects.toMatchObject(failure)
    expect(harness.troubles.some(text => text.includes('stands still'))).toBe(true)
    expect(fromUtf8((await harness.unit.result(culprit, slot - 1)).output)).toBe('first')

    expect(fromUtf8((await harness.ask(neighbour, {}, 'second')).output)).toBe('second')
    const [home] = harness.unit.hostPids
    if (word === 'bug') expect(home).toBe(before)
    // It is tried again, elsewhere, after up to a minute.
    const tried = harness.troubles.length
    await expect.poll(() => harness.troubles.length, { timeout: 180_000 }).toBeGreaterThan(tried)
    expect(fromUtf8((await harness.ask(neighbour, {}, 'third')).output)).toBe('third')
    expect(harness.unit.hostPids[0]).toBe(home)
  })

  it('by a query, is told so, and answers the next', async () => {
    await using harness = await open()
    const process = await harness.spawn(await harness.addModule(Uint8Array.of(1), FORMAT))
    const message = (data: string) => ({
      from: '',
      owner: '',
      id: '',
      tags: [],
      data: new TextEncoder().encode(data),
    })
    // A busy machine may not have started a host in the time of one query.
    const codeOf = (): Promise<unknown> => harness.unit.query(process, message(word)).catch(error => error.code)
    await expect.poll(codeOf, { timeout: 90_000 }).toBe('host-fault')
    expect(fromUtf8((await harness.unit.query(process, message('well'))).output)).toBe('well')
    expect(fromUtf8((await harness.ask(process, {}, 'well')).output)).toBe('well')
  })
})
