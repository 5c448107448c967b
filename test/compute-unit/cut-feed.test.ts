import { expect, it } from 'vitest'
import { encodeEnvelope, encodeFrame, messagesFeed, slotCount } from '../../protocol/index.ts'
import { ComputeHarness, itemEnvelope } from './compute-harness.ts'

it('a feed that is frozen before blocks that were told already is evaluated to its end, and nobody waits for more', {
  timeout: 60_000,
}, async () => {
  await using harness = await ComputeHarness.open()
  const module = await harness.addStandard('counter')
  const [cut, neighbour] = [await harness.spawn(module, { Name: 'cut' }), await harness.spawn(module)]
  await harness.ask(cut)

  // The block between is in no log, and this one is told all the same.
  const description = await harness.describe(cut)
  const feed = messagesFeed(description)
  const [blocks, slots] = [await harness.log.length(feed), await slotCount(harness.log, feed)]
  const envelopeBytes = encodeEnvelope(itemEnvelope(cut))
  const bytes = encodeFrame(slots + 1, [{ timestampMs: harness.nowMs + 2_000, envelopeBytes }])
  harness.unit.accept(description, { index: blocks + 1, bytes })
  await expect(harness.unit.result(cut, slots + 1)).rejects.toMatchObject({ code: 'unknown-slot' })

  // The unit lives, and so does the process, up to where its feed ends.
  expect(await harness.ask(neighbour)).toMatchObject({ slot: 1 })
  expect(await harness.unit.result(cut, slots - 1)).toMatchObject({ slot: slots - 1 })
  await expect(harness.unit.result(cut, slots)).rejects.toMatchObject({ code: 'unknown-slot' })
  expect(await harness.ask(cut)).toMatchObject({ slot: slots })
})
