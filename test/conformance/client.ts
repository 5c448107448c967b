import { describe, expect, it } from 'vitest'
import { createDataItem, findTag, fromUtf8, secp256k1Signer } from '../../protocol/index.ts'
import { Client, Failure } from '../../sdk/index.ts'
import { clientReadConformance } from './client-reads.ts'
import { anyFailure, type ClientUnderTest, MODULE, withClient } from './client-under-test.ts'

/** What every transport must do: run on each of them. */
export function clientConformance(name: string, open: () => Promise<ClientUnderTest>): void {
  describe(`a client over ${name}`, () => {
    it('spawns a process, sends to it and reads what came of it', () =>
      withClient(open, async client => {
        const process = await client.spawn({
          module: MODULE,
          tags: [{ name: 'Name', value: 'echo' }],
        })
        expect(process.spawned).toMatchObject({ id: process.id, slot: 0 })
        const sent = await process.send({ action: 'Say', data: 'hello' })
        expect(sent).toMatchObject({ process: process.id, slot: 1, timestampMs: 1001 })
        const result = await sent.result()
        expect([result.slot, result.status, fromUtf8(result.output), result.gas]).toEqual([
          1,
          'ok',
          'hello',
          12_345_678_901_234_567_890n,
        ])
        expect((await client.result(process.id, sent.id)).slot).toBe(1)
        expect((await sent.settled()).settled).toBe(true)
        expect((await sent.trace()).root.gas).toBe(12_345_678_901_234_567_890n)
        expect((await client.places(sent.id)).places).toEqual([{ process: process.id, slot: 1 }])
      }))

    it('writes tags in the order of AO and knows the id of a message before it is sent', () =>
      withClient(open, async (client, units) => {
        const process = await client.spawn({ module: MODULE })
        const item = await client.prepare({
          process: process.id,
          action: 'Say',
          tags: [
            { name: 'X', value: '1' },
            { name: 'X', value: '2' },
            { name: 'Type', value: 'Evil' },
          ],
        })
        expect(item.tags.map(tag => `${tag.name}=${tag.value}`)).toEqual([
          'Action=Say',
          'X=1',
          'X=2',
          'Data-Protocol=ao',
          'Variant=ao.TN.1',
          'Type=Message',
          'SDK=atoll',
        ])
        expect(await client.submit(item.bytes)).toMatchObject({ id: item.id, slot: 1 })
        expect(await client.submit(item.bytes)).toMatchObject({ id: item.id, slot: 1 })
        const spawned = units.processes.get(process.id)?.description
        expect(findTag(spawned?.tags ?? [], 'Scheduler')).toBe(units.key)
      }))

    it('makes two messages of the same words, and one of the same bytes', () =>
      withClient(open, async client => {
        const process = await client.spawn({ module: MODULE })
        const [first, second] = [await process.send({ data: 'same' }), await process.send({ data: 'same' })]
        expect(second.slot).toBe(first.slot + 1)
      }))

    it('sends many at once and answers each in its place', () =>
      withClient(open, async (client, units) => {
        const process = await client.spawn({ module: MODULE })
        const answers = await client.sendMany([
          ...Array.from({ length: 40 }, (_, i) => ({ process: process.id, data: `m${i}` })),
          { process: MODULE, data: 'nobody is there' },
        ])
        expect(answers.slice(0, 40).map(answer => ('slot' in answer ? answer.slot : answer.code))).toEqual(
          Array.from({ length: 40 }, (_, i) => i + 1),
        )
        expect(answers[40]).toEqual(anyFailure('unknown-process'))
        expect(units.submits).toBe(2)
      }))

    it('refuses a forged item with the code of its failure', () =>
      withClient(open, async client => {
        const process = await client.spawn({ module: MODULE })
        const { bytes } = await client.prepare({ process: process.id, data: 'x' })
        const forged = bytes.slice()
        forged[forged.length - 1] = 0
        await expect(client.submit(forged)).rejects.toEqual(anyFailure('bad-signature'))
        const failure: unknown = await client.submit(bytes.slice(0, 50)).catch(error => error)
        expect(failure).toEqual(anyFailure('malformed-item'))
        expect(failure).toMatchObject({
          details: { offset: expect.any(Number) },
          cause: { message: expect.stringContaining('cut short') },
        })
      }))

    it('refuses input of the wrong shape before a unit sees it', () =>
      withClient(open, async (client, units) => {
        const before = units.submits
        await expect(client.result('../../etc/passwd', 0)).rejects.toEqual(anyFailure('malformed-request'))
        await expect(client.result(MODULE, -1)).rejects.toEqual(anyFailure('malformed-request'))
        await expect(client.result(MODULE, 1.5)).rejects.toEqual(anyFailure('malformed-request'))
        await expect(client.transport.request('send', { bytes: new Uint8Array(3 * 2 ** 20) })).rejects.toEqual(
          anyFailure('too-large'),
        )
        await expect(client.transport.request('send', { bytes: 'text' as never })).rejects.toEqual(
          anyFailure('malformed-request'),
        )
        await expect(client.transport.request('listProcesses', { limit: 5000 })).rejects.toEqual(
          anyFailure('malformed-request'),
        )
        expect(units.submits).toBe(before)
      }))

    it('repeats a send that met a passing failure, and lets others through', () =>
      withClient(open, async (client, units) => {
        const process = await client.spawn({ module: MODULE })
        units.submitFailures.push(new Failure('busy'), new Failure('shutting-down'), new Failure('timeout'))
        expect((await process.send({ data: 'a' })).slot).toBe(1)
        expect(units.submits).toBe(5)
        units.submitFailures.push(new Failure('feed-frozen'))
        await expect(process.send({ data: 'b' })).rejects.toEqual(anyFailure('feed-frozen'))
        units.submitFailures.push(new TypeError('a bug with a secret /path'))
        await expect(process.send({ data: 'c' })).rejects.toEqual(anyFailure('internal'))
      }))

    it('waits for a result as long as it is told, and until the caller ends it', () =>
      withClient(open, async (client, units) => {
        const process = await client.spawn({ module: MODULE })
        units.held = true
        const sent = await process.send({ data: 'held' })
        await expect(sent.result({ timeoutMs: 50 })).rejects.toEqual(anyFailure('timeout'))
        const aborter = new AbortController()
        const ended = sent.result({ signal: aborter.signal })
        aborter.abort(new Error('enough'))
        const failure: unknown = await ended.catch(error => error)
        expect(failure).toMatchObject({ code: 'aborted', cause: { message: 'enough' } })
        const [result, settled] = [sent.result(), sent.settled()]
        await units.release()
        expect([(await result).status, (await settled).settled]).toEqual(['ok', true])
      }))

    it('gives the errors of a program as results and not as failures', () =>
      withClient(open, async client => {
        const process = await client.spawn({ module: MODULE })
        const result = await (await process.send({ data: 'fail' })).result()
        expect(result).toMatchObject({ status: 'error', error: { code: 'trap' } })
      }))

    it('signs with other kinds of key, one call at a time', () =>
      withClient(open, async client => {
        const process = await client.spawn({ module: MODULE })
        const signer = secp256k1Signer(new Uint8Array(32).fill(9))
        const sent = await process.send({ data: 'x', signer })
        expect((await client.processes.slot(process.id, sent.slot)).envelope).toMatchObject({
          ownerAddress: signer.address,
        })
        const unsigned = new Client({ transport: client.transport })
        await expect(unsigned.send({ process: process.id })).rejects.toEqual(anyFailure('bad-config'))
        const item = await createDataItem(
          { target: process.id, data: 'own', tags: [{ name: 'Type', value: 'Message' }] },
          signer,
        )
        expect(await unsigned.submit(item.bytes)).toMatchObject({ id: item.id })
      }))
  })

  clientReadConformance(name, open)
}
