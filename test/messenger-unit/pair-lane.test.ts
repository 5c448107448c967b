import { expect, test } from 'vitest'
import { Lines } from '../../messenger-unit/line.ts'
import type { PairLaneParts } from '../../messenger-unit/pair-lane-parts.ts'
import { PairLane } from '../../messenger-unit/pair-lane.ts'
import { LongLooks, SentPushes } from '../../messenger-unit/sent-pushes.ts'
import {
  asProcessId,
  Failure,
  LINE_MAX,
  LINE_MAX_BYTES,
  LINES_MAX_BYTES,
  type Push,
  type PushProof,
  type Result,
  type ScheduleAnswer,
  type ScheduleRequest,
} from '../../protocol/index.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'

const [from, to] = [fakeId(1), fakeId(2)].map(asProcessId) as [ReturnType<typeof asProcessId>, never]
const NO_BYTES = new Uint8Array(0)
const pushOf = (seq: number, bodyBytes = NO_BYTES): Push =>
  ({ core: { from, to, seq, slot: seq, index: 0 }, bodyBytes }) as unknown as Push
const upTo = (end: number): number[] => Array.from({ length: end }, (_, seq) => seq)
const receipt = { status: 'scheduled' } as ScheduleAnswer

/** A lane to a scheduler elsewhere that has the pushes below `expected`, and answers as a scheduler does. */
function laneTo(expected: number, changes: Partial<PairLaneParts> = {}) {
  const clock = new ManualClock()
  const receiver = {
    expected,
    calls: 0,
    seated: [] as number[],
    answer: (_seqs: readonly number[]) => Promise.resolve(),
  }
  const delivered: number[] = []
  const read: number[][] = []
  const woken: (() => void)[] = []
  const lines = new Lines()
  const seat = (seq: number): ScheduleAnswer => {
    if (seq < receiver.expected) return { status: 'duplicate' }
    if (seq > receiver.expected) return { status: 'gap', expectedSeq: receiver.expected }
    receiver.expected += 1
    receiver.seated.push(seq)
    return receipt
  }
  const scheduler = {
    async schedule(requests: readonly ScheduleRequest[]): Promise<readonly ScheduleAnswer[]> {
      receiver.calls += 1
      const seqs = requests.map(({ envelope }) => (envelope.kind === 'push' ? envelope.push.core.seq : -1))
      await receiver.answer(seqs)
      return seqs.map(seat)
    },
  }
  const lane = new PairLane({
    computer: {
      proveOutbox: async (_: unknown, __: unknown, at: readonly number[]) => at.map(() => ({}) as PushProof),
    } as never,
    clock,
    schedulerAtHand: () => scheduler,
    schedulerOf: async () => scheduler,
    vouches: () => false,
    reading: () => undefined,
    lines,
    sentFrom: async (_from, _to, seq, before) => {
      read.push([seq, before])
      return upTo(Math.min(before, seq + LINE_MAX))
        .slice(seq)
        .map(one => pushOf(one))
    },
    met: async (_push, wake) => {
      woken.push(wake)
      return { [Symbol.dispose]: () => void woken.splice(0) }
    },
    rank: () => 0,
    expectedSeq: async () => receiver.expected,
    random: () => 0.5,
    delivered: push => void delivered.push(push.core.seq),
    trouble: () => undefined,
    ...changes,
  })
  return { lane, clock, receiver, delivered, read, woken, lines }
}

test('who is linked again is tried at once, however often it was tried in vain', async () => {
  const { lane, clock, receiver, delivered, woken } = laneTo(0)
  let isGone = true
  receiver.answer = async () => {
    if (isGone) throw new Failure('unreachable')
  }
  for (const seq of upTo(3)) lane.enqueue(pushOf(seq))
  for (let attempt = 0; attempt < 20; attempt++) {
    await settle()
    clock.advance(60_000)
  }
  await settle()
  const calls = receiver.calls
  expect(calls).toBeGreaterThan(15)
  // It is linked, and still starting: tried at once, and soon after.
  for (const wake of woken) wake()
  await settle()
  expect(receiver.calls).toBe(calls + 1)
  isGone = false
  clock.advance(100)
  await settle()
  expect(delivered).toEqual([0, 1, 2])
  expect(woken).toEqual([])
  expect(clock.sleeping).toBe(0)
})

test('nothing is proven to a scheduler that is not reached, however often it is tried', async () => {
  const gone = { isGone: true }
  const unless = async <T>(value: T): Promise<T> => {
    if (gone.isGone) throw new Failure('unreachable')
    return value
  }
  let proofs = 0
  const { lane, clock, receiver, delivered, woken } = laneTo(0, {
    computer: {
      proveOutbox: async (_: unknown, __: unknown, at: readonly number[]) => {
        proofs += at.length
        return at.map(() => ({}) as PushProof)
      },
    } as never,
    expectedSeq: () => unless(receiver.expected),
  })
  receiver.answer = () => unless(undefined)
  for (const seq of upTo(3)) lane.enqueue(pushOf(seq))
  for (let attempt = 0; attempt < 20; attempt++) {
    await settle()
    clock.advance(60_000)
  }
  expect(proofs).toBe(3)
  gone.isGone = false
  for (const wake of woken) wake()
  await settle()
  expect([delivered, proofs]).toEqual([[0, 1, 2], 6])
})

test('after a restart nothing is proven before the receiver is reached', async () => {
  const { lane, receiver, clock } = laneTo(5, { expectedSeq: () => Promise.reject(new Failure('unreachable')) })
  lane.enqueue(pushOf(5))
  for (let attempt = 0; attempt < 5; attempt++) {
    await settle()
    clock.advance(60_000)
  }
  expect(receiver.calls).toBe(0)
})

test('who is linked again while it is tried in vain is tried again at once', async () => {
  const { lane, clock, receiver, delivered, woken } = laneTo(0)
  let fail: ((failure: Failure) => void) | undefined
  receiver.answer = () => new Promise((_, reject) => (fail = reject))
  lane.enqueue(pushOf(0))
  await settle()
  fail?.(new Failure('unreachable'))
  await settle()
  clock.advance(100)
  await settle()
  for (const wake of woken) wake()
  receiver.answer = () => Promise.resolve()
  fail?.(new Failure('timeout'))
  await settle()
  expect([receiver.calls, delivered]).toEqual([3, [0]])
})

test('what an earlier run left and is read while newer ones are under way takes its place before them', async () => {
  const { lane, receiver, delivered, read } = laneTo(3)
  const { promise, resolve } = Promise.withResolvers<void>()
  receiver.answer = () => promise
  for (const seq of [7, 8]) lane.enqueue(pushOf(seq))
  await settle()
  for (const seq of [2, 3, 4, 5, 6, 9]) lane.enqueue(pushOf(seq))
  resolve()
  await settle()
  expect(receiver.seated).toEqual([3, 4, 5, 6, 7, 8, 9])
  expect(delivered.toSorted()).toEqual([2, 3, 4, 5, 6, 7, 8, 9])
  // Nothing had to be looked for.
  expect(read).toEqual([])
})

test('after a restart nothing is handed over or looked for before all is here that was left', async () => {
  const left = Promise.withResolvers<void>()
  const { lane, receiver, delivered, read } = laneTo(900, { reading: () => left.promise })
  for (let seq = 1_000; seq < 1_100; seq++) lane.enqueue(pushOf(seq))
  await settle()
  for (let seq = 500; seq < 1_000; seq++) lane.enqueue(pushOf(seq))
  await settle()
  expect(receiver.calls).toBe(0)
  left.resolve()
  await settle(60)
  expect(receiver.seated).toEqual(upTo(1_100).slice(900))
  expect(delivered.toSorted((a, b) => a - b)).toEqual(upTo(1_100).slice(500))
  // What had arrived is told by the receiver's scheduler: no window is handed over in vain.
  expect([receiver.calls, read]).toEqual([4, []])
})

test('what proves a window is looked up together, and the window stays in its order', async () => {
  const asked: number[] = []
  const all = Promise.withResolvers<void>()
  const computer = {
    proveOutbox: async (_: unknown, slot: number, at: readonly number[]) => {
      if (asked.push(slot) === 5) all.resolve()
      await all.promise
      return at.map(() => ({}) as PushProof)
    },
  }
  const { lane, receiver } = laneTo(0, { computer: computer as never })
  for (const seq of upTo(5)) lane.enqueue(pushOf(seq))
  await settle()
  expect(asked.toSorted()).toEqual(upTo(5).map(seq => pushOf(seq).core.slot))
  expect(receiver.seated).toEqual(upTo(5))
})

test('what is missing still is looked for, counts once, and is not handed over again when it comes after all', async () => {
  const { lane, receiver, delivered, read } = laneTo(3)
  lane.enqueue(pushOf(6))
  await settle()
  expect([receiver.seated, read]).toEqual([[3, 4, 5, 6], [[3, 6]]])
  expect(delivered).toEqual([6])
  const calls = receiver.calls
  for (const seq of [3, 4, 5, 7]) lane.enqueue(pushOf(seq))
  await settle()
  expect(receiver.seated).toEqual([3, 4, 5, 6, 7])
  expect(delivered).toEqual([6, 3, 4, 5, 7])
  expect(receiver.calls).toBe(calls + 1)
})

test('of what is left, no more is handed over again than shows that it has arrived', async () => {
  const { lane, receiver, delivered } = laneTo(900)
  for (const seq of upTo(1_000)) lane.enqueue(pushOf(seq))
  await settle(60)
  expect(receiver.seated).toEqual(upTo(1_000).slice(900))
  expect(delivered).toEqual(upTo(1_000))
  // One window of 64 in vain, then the hundred that are missing.
  expect(receiver.calls).toBe(3)
})

test('a scheduler whose answers make no sense is asked later, and later', async () => {
  const { lane, clock, receiver, delivered } = laneTo(0, {
    schedulerAtHand: () => ({
      schedule: async requests => {
        receiver.calls += 1
        if (receiver.calls > 100) throw new Failure('internal')
        return requests.map(() => ({ status: 'gap', expectedSeq: 5 }))
      },
    }),
  })
  lane.enqueue(pushOf(5))
  await settle()
  expect([receiver.calls, clock.sleeping, delivered]).toEqual([1, 1, []])
  lane.stop()
})

test('results are read from where something may be left; older ones only if that is not enough', async () => {
  const read: number[] = []
  const computer = {
    evaluated: async () => 100,
    async *results(_: unknown, start: number, end: number) {
      for (let slot = start; slot < end; slot++) {
        read.push(slot)
        yield { outbox: [pushOf(slot)] } as unknown as Result
      }
    },
  }
  const sent = new SentPushes({ computer: computer as never, clock: new ManualClock() })
  const seqsOf = async (seq: number, before: number, lowest?: number): Promise<number[]> =>
    (await sent.read([from, to], lowest, [seq, before])).map(({ core }) => core.seq)
  expect(await seqsOf(50, 53, 40)).toEqual([50, 51, 52])
  expect(read).toEqual([40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52])
  read.length = 0
  expect(await seqsOf(38, 41, 40)).toEqual([38, 39, 40])
  expect(read.slice(0, 2)).toEqual([40, 0])
  expect(read).toHaveLength(42)
})

test('of very many that wait for one that is away the first are in memory, and all arrive in their order', async () => {
  const { lane, clock, receiver, delivered, read, lines } = laneTo(0)
  receiver.answer = () => Promise.reject(new Failure('unreachable'))
  const all = 3 * LINE_MAX
  // An earlier run left some, which are read while newer ones come.
  for (const seq of upTo(all - 10).slice(100)) lane.enqueue(pushOf(seq))
  await settle()
  for (const seq of upTo(100)) lane.enqueue(pushOf(seq))
  expect([lane.isFull, lines.bytes]).toEqual([true, LINE_MAX * 512])
  receiver.answer = () => Promise.resolve()
  clock.advance(60_000)
  for (const seq of upTo(all).slice(-10)) lane.enqueue(pushOf(seq))
  await settle(4_000)
  expect(receiver.seated).toEqual(upTo(all))
  expect(delivered).toEqual(upTo(all))
  expect(read.map(([seq]) => seq)).toEqual([LINE_MAX, 2 * LINE_MAX])
  expect([lane.idle, lane.isFull, lines.bytes]).toEqual([true, false, 0])
})

test('where all pairs hold too much together, one keeps its first in memory', async () => {
  const { lane, clock, receiver, delivered, lines } = laneTo(0)
  receiver.answer = () => Promise.reject(new Failure('unreachable'))
  lines.bytes = LINES_MAX_BYTES
  const body = new Uint8Array(1000)
  for (const seq of upTo(100)) lane.enqueue(pushOf(seq, body))
  expect(lines.bytes).toBe(LINES_MAX_BYTES + 1512)
  lines.bytes -= LINES_MAX_BYTES
  receiver.answer = () => Promise.resolve()
  await settle()
  clock.advance(60_000)
  await settle(100)
  expect(delivered).toEqual(upTo(100))
  expect(lines.bytes).toBe(0)
})

test('one pair whose receiver is away keeps so many bytes in memory, and all arrive', async () => {
  const { lane, clock, receiver, delivered, lines } = laneTo(0)
  receiver.answer = () => Promise.reject(new Failure('unreachable'))
  const body = new Uint8Array(LINE_MAX_BYTES / 8)
  for (const seq of upTo(20)) lane.enqueue(pushOf(seq, body))
  expect(lane.isFull).toBe(true)
  expect(lines.bytes).toBeLessThan(LINE_MAX_BYTES)
  receiver.answer = () => Promise.resolve()
  await settle()
  clock.advance(60_000)
  await settle(100)
  expect(delivered).toEqual(upTo(20))
  expect(lines.bytes).toBe(0)
})

test('what is not in its results yet is waited for, and that is told', async () => {
  let isThere = false
  const troubles: string[] = []
  const { lane, clock, delivered, lines } = laneTo(0, {
    sentFrom: async (_from, _to, seq, before) =>
      isThere
        ? upTo(before)
            .slice(seq)
            .map(one => pushOf(one))
        : [],
    trouble: ({ core }, { code }) => void troubles.push(`${core.seq} ${code}`),
  })
  lines.bytes = LINES_MAX_BYTES
  for (const seq of upTo(3)) lane.enqueue(pushOf(seq))
  await settle()
  expect([delivered, troubles]).toEqual([[0], ['1 busy']])
  isThere = true
  clock.advance(60_000)
  await settle()
  expect(delivered).toEqual([0, 1, 2])
})

test('a lane that is stopped while it looks for what is missing takes nothing back', async () => {
  const { promise, resolve } = Promise.withResolvers<readonly Push[]>()
  const { lane, lines, receiver } = laneTo(0, { sentFrom: () => promise, expectedSeq: async () => undefined })
  lane.enqueue(pushOf(5))
  await settle()
  expect(receiver.calls).toBe(1)
  lane.stop()
  resolve(upTo(5).map(seq => pushOf(seq)))
  await settle()
  expect(lines.bytes).toBe(0)
})

test('a lane that is stopped while it reads holds nothing', async () => {
  const { promise, resolve } = Promise.withResolvers<readonly Push[]>()
  const { lane, receiver, lines, delivered } = laneTo(0, { sentFrom: () => promise })
  lines.bytes = LINES_MAX_BYTES
  for (const seq of upTo(3)) lane.enqueue(pushOf(seq))
  await settle()
  expect(receiver.seated).toEqual([0])
  lane.stop()
  resolve([pushOf(1), pushOf(2)])
  await settle()
  expect([delivered, lines.bytes - LINES_MAX_BYTES]).toEqual([[0], 0])
})

test('what somebody says is missing is looked for in one history at a time, and then not for a while', async () => {
  const clock = new ManualClock()
  const looks = new LongLooks(clock)
  const isBusy = expect.objectContaining({ code: 'busy' })
  const { promise, resolve } = Promise.withResolvers<void>()
  const first = looks.look(() => promise)
  await expect(looks.look(async () => 1)).rejects.toEqual(isBusy)
  clock.advance(100)
  resolve()
  await first
  clock.advance(1_000)
  await expect(looks.look(async () => 1)).rejects.toEqual(isBusy)
  clock.advance(1_000)
  expect(await looks.look(async () => 1)).toBe(1)
  await expect(looks.look(() => Promise.reject(new Failure('host-fault')))).rejects.toThrow()
  expect(await looks.look(async () => 2)).toBe(2)
})
