import { expect, test } from 'vitest'
import { type SpotCheckOutcome, SpotChecks } from '../../agreement/index.ts'
import {
  asKeyId,
  encodeFrame,
  Failure,
  type FeedGrowth,
  type Log,
  messagesFeed,
  type Result,
} from '../../protocol/index.ts'
import { agreedProcess as process } from '../fakes/agreed-process.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { realClock } from '../fakes/real-clock.ts'

const blockAt = (slot: number): Uint8Array =>
  encodeFrame(slot, [{ timestampMs: 1, envelopeBytes: new Uint8Array([0]) }])

/** Checks in which an evaluation takes `evaluationMs`, as its clock says, and no unit has anything to say. */
function checking(parts: { readonly share: number; readonly random?: () => number; readonly evaluationMs?: number }) {
  let nowMs = 0
  let grew: (growth: FeedGrowth) => void = () => undefined
  const [evaluated, rests, outcomes]: [number[], number[], SpotCheckOutcome[]] = [[], [], []]
  const checks = new SpotChecks({
    key: asKeyId(keyOf(6)),
    log: {
      directory: { process: async () => process } as never,
      watch: told => {
        grew = told
        return { [Symbol.dispose]: () => void (grew = () => undefined) }
      },
    } as Partial<Log> as Log,
    unit: {
      result: async (_, slot) => {
        evaluated.push(slot)
        nowMs += parts.evaluationMs ?? 0
        return {} as Result
      },
    },
    peers: { finalFrames: async () => [] },
    evidence: { fault: () => expect.unreachable() },
    clock: { ...realClock, elapsed: () => nowMs, sleep: async ms => void rests.push(ms) },
    random: parts.random ?? (() => 0),
    share: parts.share,
    checked: outcome => outcomes.push(outcome),
    trouble: (_, failure) => expect(Failure.is(failure, 'timeout')).toBe(true),
  })
  const grow = (...blocks: Uint8Array[]): void => grew({ feed: messagesFeed(process), length: 0, blocks })
  return { checks, evaluated, rests, outcomes, grow }
}

test('each frame is picked by chance', async () => {
  const chances = [0.3, 0.9, 0, 0.5, 0.49]
  const { evaluated, grow } = checking({ share: 0.5, random: () => chances.shift() ?? 0 })
  grow(...[0, 1, 2, 3, 4].map(blockAt))
  await expect.poll(() => evaluated).toEqual([0, 2, 4])
})

test('one frame after the other is looked at, with rests in measure of the work, and what is too much is left out', async () => {
  const { evaluated, rests, outcomes, grow } = checking({ share: 1, evaluationMs: 10 })
  grow(...Array.from({ length: 300 }, (_, slot) => blockAt(slot)))
  await expect.poll(() => outcomes.length).toBe(300)
  expect(outcomes.filter(outcome => outcome === 'skipped')).toHaveLength(300 - 256)
  expect([evaluated.length, rests.length, Math.min(...rests)]).toEqual([256, 256, 40])
})

test('a block that is no frame is no matter of units, and nothing is looked at once it is over', async () => {
  const { checks, evaluated, grow } = checking({ share: 1 })
  grow(new Uint8Array([1, 2, 3]), blockAt(7))
  await expect.poll(() => evaluated).toEqual([7])
  checks[Symbol.dispose]()
  grow(blockAt(8))
  await new Promise(resolve => setImmediate(resolve))
  expect(evaluated).toEqual([7])
})
