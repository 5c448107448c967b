import { describe, expect, it, vi } from 'vitest'
import {
  asProcessId,
  Commitment,
  Failure,
  makePush,
  type ProcessId,
  type ScheduleAnswer,
} from '../../protocol/index.ts'
import { AHEAD_MAX_BYTES } from '../../scheduler-unit/lanes/ahead.ts'
import { Senders } from '../../scheduler-unit/lanes/senders.ts'
import { PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { messageItem } from '../fakes/signed-items.ts'
import { Harness, receiptOf, refusalOf } from './scheduler-harness.ts'
import { knowing } from './paper-pushes.ts'

describe('chains of messages that run ahead of a disk that stands still', () => {
  it('hold only so much memory, of all processes together', { timeout: 60_000 }, async () => {
    const from = new PaperProcess(asProcessId(fakeId(23)), [1], 1)
    let gate = Promise.resolve()
    const log = knowing(MemoryLog.open({ pause: () => gate }), [from.description])
    await using harness = await Harness.open({ log, attests: () => true })
    const held = Promise.withResolvers<void>()
    const cause = new Commitment()
    const big = { data: new Uint8Array(1024 * 1024) }
    const hand = (to: ProcessId, seq: number, after?: Commitment): Promise<ScheduleAnswer> => {
      const push = makePush(from.push(to, { seq }).core, { kind: 'message', tags: [], anchor: undefined, ...big })
      return harness.one({ process: to, envelope: { kind: 'push', push, proof: undefined }, after })
    }
    const processes: ProcessId[] = []
    for (let i = 0; i < 3; i++) processes.push(await harness.spawn())
    gate = held.promise
    cause.advance('queued')
    const each = AHEAD_MAX_BYTES / big.data.length / 2
    const answers = []
    for (const to of processes) for (let seq = 0; seq < each; seq++) answers.push(hand(to, seq, cause))
    await settle()
    cause.settle('durable')
    held.resolve()
    const codes = (await Promise.all(answers)).map(refusalOf)
    const taken = codes.filter(code => code === 'scheduled').length
    expect(taken).toBeGreaterThan(each)
    expect(taken).toBeLessThanOrEqual(2 * each)
    expect(new Set(codes.slice(taken))).toEqual(new Set(['busy', 'gap']))
    // Once that is durable they are like all others; and there is room again.
    const [to = expect.fail()] = processes.slice(-1)
    const later = new Commitment()
    later.advance('queued')
    expect(refusalOf(await hand(to, 0))).toBe('scheduled')
    const early = hand(to, 1, later)
    later.settle('durable')
    expect(refusalOf(await early)).toBe('scheduled')
  })
})

describe('a frame on its way to the disk', () => {
  it('has its end told, whatever goes wrong when it is there: whoever waits does not wait for ever', async () => {
    const ends: Promise<boolean>[] = []
    await using harness = await Harness.open({ committing: (_, { done }) => void ends.push(done) })
    const to = await harness.spawn()
    vi.spyOn(Senders.prototype, 'durable').mockImplementationOnce(() => {
      throw new Failure('disk-fault')
    })
    const item = messageItem(to).bytes
    expect(refusalOf(await harness.item(to, item))).toBe('disk-fault')
    expect(await Promise.all(ends)).toEqual([true])
    expect(receiptOf(await harness.item(to, item)).slot).toBe(1)
    expect(receiptOf(await harness.item(to, messageItem(to).bytes)).slot).toBe(2)
  })

  it('is told before it is there, and whether it got there', async () => {
    const told: string[] = []
    const log = MemoryLog.open()
    await using harness = await Harness.open({
      log,
      committing: (frames, { done }) => {
        const slots = frames.map(({ firstSlot }) => firstSlot).join()
        told.push(`${slots} begins`)
        void done.then(isDone => told.push(`${slots} ${isDone}`))
      },
      committed: frames => void told.push(`${frames.map(({ firstSlot }) => firstSlot).join()} committed`),
    })
    const to = await harness.spawn()
    expect(receiptOf(await harness.item(to, messageItem(to).bytes)).slot).toBe(1)
    log.failCommits(new Failure('disk-full'))
    expect(refusalOf(await harness.item(to, messageItem(to).bytes))).toBe('disk-full')
    log.failCommits(undefined)
    expect(receiptOf(await harness.item(to, messageItem(to).bytes)).slot).toBe(2)
    expect(told).toEqual([
      '0 committed',
      '1 begins',
      '1 committed',
      '1 true',
      '2 begins',
      '2 false',
      '2 begins',
      '2 committed',
      '2 true',
    ])
  })
})
