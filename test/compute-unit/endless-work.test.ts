import { expect, it } from 'vitest'
import type { Envelope } from '../../protocol/index.ts'
import { ComputeHarness } from './compute-harness.ts'

/** So many frames stand there before the first is evaluated, and each that is brings one more. */
const AHEAD = 16
/** Far more than are evaluated while a query host starts. */
const FRAMES_MAX = 1_500
/** Evaluated in more time than it takes to write them. */
const FRAME: readonly Envelope[] = Array.from({ length: 1_000 }, (_, dueMs) => ({
  kind: 'tick',
  timer: new Uint8Array(0),
  dueMs,
}))

it('a query of a process that has always more to evaluate is answered while it goes on', {
  timeout: 120_000,
}, async () => {
  let evaluated = 0
  let isAnswered = false
  let next: () => void = () => undefined
  await using harness = await ComputeHarness.open({ evaluated: () => next() })
  const counter = await harness.spawn(await harness.addStandard('counter'))
  await harness.ask(counter)
  next = () => {
    evaluated += 1
    if (!isAnswered && evaluated < FRAMES_MAX) void harness.write(counter, FRAME)
  }
  await Promise.all(Array.from({ length: AHEAD }, () => harness.write(counter, FRAME)))
  await harness.unit.query(counter, { from: '', owner: '', id: '', tags: [], data: new Uint8Array(0) })
  isAnswered = true
  expect(evaluated).toBeLessThan(FRAMES_MAX)
})
