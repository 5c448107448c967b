import { describe, expect, it } from 'vitest'
import { fromUtf8, parseDataItem, type ResultView, toUtf8 } from '../../protocol/index.ts'
import { verifyResult } from '../../sdk/index.ts'
import { anyFailure, type ClientUnderTest, MODULE, withClient } from './client-under-test.ts'

/** What a client reads, over any transport. */
export function clientReadConformance(name: string, open: () => Promise<ClientUnderTest>): void {
  describe(`a client over ${name}, reading`, () => {
    it('follows results from a slot on, past and future, each once', () =>
      withClient(open, async client => {
        const process = await client.spawn({ module: MODULE })
        for (const data of ['one', 'two']) await process.send({ data })
        const seen: ResultView[] = []
        const reading = (async () => {
          for await (const result of process.results({ from: 1, to: 5 })) seen.push(result)
        })()
        for (const data of ['three', 'four']) await process.send({ data })
        await reading
        expect(seen.map(result => [result.slot, fromUtf8(result.output)])).toEqual([
          [1, 'one'],
          [2, 'two'],
          [3, 'three'],
          [4, 'four'],
        ])
      }))

    it('ends a following when the caller says so', () =>
      withClient(open, async client => {
        const process = await client.spawn({ module: MODULE })
        const aborter = new AbortController()
        const reading = (async () => {
          for await (const _ of process.results({ from: 0, signal: aborter.signal })) aborter.abort()
        })()
        await expect(reading).rejects.toEqual(anyFailure('aborted'))
        await expect(client.results(MODULE, { from: 0 })[Symbol.asyncIterator]().next()).rejects.toEqual(
          anyFailure('unknown-process'),
        )
      }))

    it('shows what a result sends on', () =>
      withClient(open, async client => {
        const process = await client.spawn({ module: MODULE })
        const result = await (await process.send({ data: 'on', tags: [{ name: 'Send-To', value: MODULE }] })).result()
        expect(result.outbox).toMatchObject([
          {
            kind: 'message',
            to: MODULE,
            seq: 0,
            depth: 1,
            fuel: 5_000_000_000_000_000_000n,
            data: toUtf8('on'),
          },
        ])
      }))

    it('asks queries and reads cells', () =>
      withClient(open, async (client, units) => {
        const process = await client.spawn({ module: MODULE })
        const answer = await process.query({ action: 'Get', data: 'q' })
        expect(answer).toMatchObject({
          slot: 0,
          status: 'ok',
          output: toUtf8('q'),
          log: `from ${client.address}`,
        })
        units.cells.set('k', toUtf8('v'))
        expect(await process.cell('k')).toEqual(toUtf8('v'))
        expect(await process.cell('none')).toBeUndefined()
      }))

    it('reads states, modules and timers, and has a process changed', () =>
      withClient(open, async client => {
        const { id } = await client.spawn({ module: MODULE })
        const { processes } = client
        expect(await processes.stateAt(id)).toMatchObject({ slot: 0, document: { state: { slots: 1 } } })
        expect(await processes.lifecycle(id)).toMatchObject({ module: MODULE, since: 0, changes: [] })
        expect(await processes.timers(id)).toEqual([])
        const { sent, result } = await processes.snapshot(id, 'here')
        expect([sent.slot, result.status]).toEqual([1, 'ok'])
        await expect(processes.checkUpgrade(id, { module: MODULE })).rejects.toEqual(anyFailure('unknown-module'))
        await expect(processes.snapshot(id, 'not a name')).rejects.toEqual(anyFailure('bad-control'))
        await expect(processes.rollback(id)).rejects.toEqual(anyFailure('nothing-kept'))
        await expect(processes.stateAt(MODULE)).rejects.toEqual(anyFailure('unknown-process'))
      }))

    it('adds a module once, however often', () =>
      withClient(open, async client => {
        const first = await client.modules.add(new Uint8Array([0, 97, 115, 109]), {
          format: 'actor',
        })
        expect(await client.modules.add(new Uint8Array([0, 97, 115, 109]), { format: 'actor' })).toBe(first)
        expect(await client.modules.get(first)).toMatchObject({
          id: first,
          format: 'actor',
          sizeBytes: 4,
        })
        expect(parseDataItem(await client.modules.item(first)).id).toBe(first)
        const listed: string[] = []
        for await (const module of client.modules.list()) listed.push(module.id)
        expect(listed).toEqual([first])
      }))

    it('reads processes and their slots', () =>
      withClient(open, async client => {
        const process = await client.spawn({ module: MODULE })
        const sent = await process.send({ data: 'x' })
        expect(await process.state()).toMatchObject({ id: process.id, scheduled: 2, evaluated: 2 })
        expect(await client.processes.slot(process.id, 1)).toMatchObject({
          id: sent.id,
          envelope: { kind: 'item', data: toUtf8('x') },
        })
        const slots: number[] = []
        for await (const assignment of client.processes.slots(process.id)) slots.push(assignment.slot)
        expect(slots).toEqual([0, 1])
        const listed: string[] = []
        for await (const entry of client.processes.list()) listed.push(entry.id)
        expect(listed).toEqual([process.id])
        await expect(client.processes.slot(process.id, 9)).rejects.toEqual(anyFailure('unknown-slot'))
      }))

    it('proves a result offline', () =>
      withClient(open, async client => {
        const process = await client.spawn({ module: MODULE })
        const sent = await process.send({ data: 'prove me' })
        const certified = await client.certifiedResult(process.id, sent.id)
        const verified = verifyResult(certified, await client.processes.spawnEnvelope(process.id))
        expect([verified.process.id, fromUtf8(verified.result.output)]).toEqual([process.id, 'prove me'])
      }))
  })
}
