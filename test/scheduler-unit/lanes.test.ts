import { expect, it } from 'vitest'
import { settle } from '../fakes/manual-clock.ts'
import { messageItem } from '../fakes/signed-items.ts'
import { Harness, receiptOf } from './scheduler-harness.ts'

/** In a burst all lanes are busy; a look comes a little later. */
async function seconds({ clock }: Harness): Promise<void> {
  for (let second = 0; second < 3; second++) {
    clock.advance(1_000)
    await settle()
  }
}

it('a scheduler holds no more lanes than its bound, and goes on in those it forgot without a gap', async () => {
  await using harness = await Harness.open({ lanesMax: 10 })
  const processes = await Promise.all(Array.from({ length: 60 }, () => harness.spawn()))
  await seconds(harness)
  expect(harness.unit.laneCount).toBeLessThanOrEqual(10)
  for (const process of processes) {
    const receipt = receiptOf(await harness.item(process, messageItem(process).bytes))
    expect(receipt.slot).toBe(1)
  }
  for (const process of processes) expect(await harness.envelopes(process)).toHaveLength(2)
  await seconds(harness)
  expect(harness.unit.laneCount).toBeLessThanOrEqual(10)
})

it('a scheduler forgets the lane that was used longest ago', async () => {
  await using harness = await Harness.open({ lanesMax: 10 })
  const first = await harness.spawn()
  let reads = 0
  const { log } = harness
  const length = log.length.bind(log)
  log.length = async feed => {
    if (feed.process === first) reads += 1
    return await length(feed)
  }
  for (let i = 0; i < 40; i++) {
    await harness.spawn()
    receiptOf(await harness.item(first, messageItem(first).bytes))
  }
  expect(reads).toBe(0)
})
