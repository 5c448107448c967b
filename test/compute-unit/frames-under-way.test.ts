import { describe, expect, it } from 'vitest'
import { Commitment, encodeEnvelope, encodeFrame, messagesFeed, type ProcessId } from '../../protocol/index.ts'
import { ComputeHarness, itemEnvelope } from './compute-harness.ts'
import { TRUSTED, COUNT, GROW, withHistory, hexOf } from './sample-history.ts'

describe('a frame that is evaluated on its way to the disk', { timeout: 180_000 }, () => {
  const underWay = (done: Promise<boolean>) => ({ done, commitment: new Commitment(), evaluated: () => undefined })
  const framed = (process: ProcessId, slot: number, data: Uint8Array) => {
    const envelopeBytes = encodeEnvelope(itemEnvelope(process, {}, data))
    return encodeFrame(slot, [{ timestampMs: 1_900_000_000_000, envelopeBytes }])
  }

  it('shows nothing before it is there, and everything then', async () => {
    await using harness = await ComputeHarness.open({ unit: TRUSTED })
    const process = await withHistory(harness, 3)
    const description = await harness.describe(process)
    const bytes = framed(process, 3, COUNT)
    const { promise: done, resolve } = Promise.withResolvers<boolean>()
    harness.unit.expect(description, { index: 3, bytes, senders: [undefined] }, underWay(done))
    let isRead = false
    const read = harness.unit.memory(process).then(answer => {
      isRead = true
      return answer
    })
    for (let turn = 0; turn < 50; turn++) await new Promise(next => setTimeout(next, 2))
    expect([await harness.unit.evaluated(process), isRead]).toEqual([3, false])
    await expect(harness.unit.result(process, 3)).rejects.toMatchObject({ code: 'unknown-slot' })
    const frame = { feed: messagesFeed(description), index: 3, bytes, ids: [], firstSlot: 3 }
    await harness.log.commit([frame])
    harness.unit.accept(description, { index: 3, bytes, senders: [undefined] })
    resolve(true)
    expect((await harness.unit.result(process, 3)).status).toBe('ok')
    expect((await read).slot).toBe(3)
  })

  it('leaves no trace, if it does not get there: another may stand in its place', async () => {
    await using harness = await ComputeHarness.open({ unit: TRUSTED })
    const process = await withHistory(harness, 3)
    const description = await harness.describe(process)
    const { promise: done, resolve } = Promise.withResolvers<boolean>()
    harness.unit.expect(
      description,
      { index: 3, bytes: framed(process, 3, GROW), senders: [undefined] },
      underWay(done),
    )
    for (let turn = 0; turn < 20; turn++) await new Promise(next => setTimeout(next, 2))
    resolve(false)
    for (let i = 0; i < 3; i++) await harness.write(process, [itemEnvelope(process, {}, COUNT)])
    expect((await harness.unit.result(process, 5)).status).toBe('ok')
    expect((await harness.unit.memory(process)).slot).toBe(5)
    expect(harness.troubles).toEqual([])
    await using witness = await ComputeHarness.open({ unit: TRUSTED })
    await witness.mirror(harness, process)
    expect(hexOf(await harness.certificates(process, TRUSTED))).toEqual(
      hexOf(await witness.certificates(process, TRUSTED)),
    )
  })
})
