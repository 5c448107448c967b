import { describe, expect, it } from 'vitest'
import {
  asProcessId,
  Commitment,
  type Envelope,
  makePush,
  type ProcessId,
  type ScheduleAnswer,
  type UnderWay,
} from '../../protocol/index.ts'
import { PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { messageItem, tagsOf } from '../fakes/signed-items.ts'
import { Harness, receiptOf, refusalOf, SCHEDULER } from './scheduler-harness.ts'
import { knowing, post } from './paper-pushes.ts'

describe('pushes without a proof', () => {
  const voucher = 1
  const sender = (units: readonly number[], quorum: number): PaperProcess =>
    new PaperProcess(asProcessId(fakeId(23)), units, quorum)
  const bare = (from: PaperProcess, to: ProcessId, seq = 0): Envelope => ({
    kind: 'push',
    push: from.push(to, { seq }),
    proof: undefined,
  })

  async function answersOf(
    from: PaperProcess,
    attests: boolean,
    change: (envelope: Envelope) => Envelope = one => one,
  ): Promise<string[]> {
    await using harness = await Harness.open({
      log: knowing(MemoryLog.open(), [from.description]),
      attests: () => attests,
    })
    const to = await harness.spawn()
    const answers: string[] = []
    // The first looks its sender up; the second finds everything at hand.
    for (let seq = 0; answers.length < 2; ) {
      const [answer] = await post(harness, to, [change(bare(from, to, seq))])
      if (answer?.status === 'scheduled') seq += 1
      answers.push(answer === undefined ? '' : refusalOf(answer))
    }
    return answers
  }

  it('stand, if this scheduler is the one compute unit whose word is enough, and says so', async () => {
    expect(await answersOf(sender([voucher], 1), true)).toEqual(['scheduled', 'scheduled'])
    expect(await answersOf(sender([40, voucher], 1), true)).toEqual(['scheduled', 'scheduled'])
  })

  it('are refused, if its compute unit does not attest them', async () => {
    expect(await answersOf(sender([voucher], 1), false)).toEqual(['bad-certificate', 'bad-certificate'])
  })

  it('are refused, if the sender names other compute units, or asks for more than one', async () => {
    expect(await answersOf(sender([40, 41], 1), true)).toEqual(['bad-certificate', 'bad-certificate'])
    expect(await answersOf(sender([voucher, 40], 2), true)).toEqual(['bad-certificate', 'bad-certificate'])
  })

  it('are refused, if they are spawns: others learn from those what a process is', async () => {
    const spawning = (envelope: Envelope): Envelope => {
      if (envelope.kind !== 'push') return envelope
      const push = makePush(envelope.push.core, {
        kind: 'spawn',
        tags: tagsOf({}),
        data: new Uint8Array(0),
        anchor: undefined,
      })
      return { kind: 'push', push, proof: undefined }
    }
    expect(await answersOf(sender([voucher], 1), true, spawning)).toEqual(['bad-certificate', 'bad-certificate'])
  })

  it('are told to the compute unit with who vouches', async () => {
    const from = sender([40, voucher], 1)
    const seen: unknown[] = []
    await using harness = await Harness.open({
      log: knowing(MemoryLog.open(), [from.description]),
      attests: () => true,
      committing: (frames, { done }) => void seen.push(...frames.map(({ senders }) => senders), done),
    })
    const to = await harness.spawn()
    await post(harness, to, [bare(from, to)])
    const senders = [{ owner: SCHEDULER, module: from.description.module }]
    expect(seen).toEqual([senders, expect.any(Promise)])
    expect(await seen[1]).toBe(true)
    expect(harness.committed.at(-1)?.senders).toEqual(senders)
  })

  /** A client's message under way to a disk that stands still, and a push that comes from `cause`. */
  async function underWay() {
    const from = sender([voucher], 1)
    const began: number[] = []
    const flights: UnderWay[] = []
    let gate = Promise.resolve()
    const harness = await Harness.open({
      log: knowing(MemoryLog.open({ pause: () => gate }), [from.description]),
      attests: () => true,
      committing: (frames, flight) => {
        began.push(...frames.map(({ firstSlot }) => firstSlot))
        flights.push(flight)
      },
    })
    const to = await harness.spawn()
    const held = Promise.withResolvers<void>()
    gate = held.promise
    const cause = new Commitment()
    cause.advance('queued')
    const item = (): Promise<ScheduleAnswer> => harness.item(to, messageItem(to).bytes)
    const first = item()
    await settle()
    const push = harness.one({ process: to, envelope: bare(from, to), after: cause })
    await settle()
    return { harness, to, began, flights, cause, item, answers: [first, push], release: held.resolve }
  }

  it('follow at once behind what was evaluated, if they come from a frame that is under way; messages of clients gather', async () => {
    const { harness, to, began, flights, cause, item, answers, release } = await underWay()
    await using _ = harness
    expect(began).toEqual([1])
    flights[0]?.evaluated()
    await settle()
    expect(began).toEqual([1, 2])
    answers.push(item(), item())
    flights[1]?.evaluated()
    await settle()
    expect([began, harness.committed.length]).toEqual([[1, 2], 1])
    cause.settle('durable')
    release()
    expect((await Promise.all(answers)).map(answer => receiptOf(answer).slot)).toEqual([1, 2, 3, 4])
    expect(began).toEqual([1, 2, 3])
    expect((await harness.frames(to)).map(({ firstSlot }) => firstSlot)).toEqual([0, 1, 2, 3])
  })

  it('have no slot without it: those behind fail with them, and what comes later has theirs', async () => {
    const { harness, to, flights, cause, item, answers, release } = await underWay()
    await using _ = harness
    flights[0]?.evaluated()
    await settle()
    answers.push(item())
    cause.settle('failed')
    release()
    expect((await Promise.all(answers)).map(refusalOf)).toEqual(['scheduled', 'busy', 'busy'])
    expect(receiptOf(await item()).slot).toBe(2)
    expect((await harness.envelopes(to)).map(({ kind }) => kind)).toEqual(['item', 'item', 'item'])
  })
})
