import { describe, expect, it, vi } from 'vitest'
import {
  asProcessId,
  childId,
  Commitment,
  describeProcess,
  encodeEnvelope,
  type Envelope,
  Failure,
  makePush,
  type ProcessDescription,
  type ProcessId,
  type ScheduleAnswer,
  type UnderWay,
} from '../../protocol/index.ts'
import { AHEAD_MAX_BYTES } from '../../scheduler-unit/ahead.ts'
import { Senders } from '../../scheduler-unit/senders.ts'
import { forgeries, PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { messageItem, tagsOf } from '../fakes/signed-items.ts'
import { Harness, NO_MODULE, receiptOf, refusalOf, SCHEDULER } from './scheduler-harness.ts'

/** A log whose directory also knows processes that have no spawn message. */
function knowing(log: MemoryLog, processes: readonly ProcessDescription[]): MemoryLog {
  const { directory } = log
  const process = directory.process.bind(directory)
  const atHand = directory.processAtHand.bind(directory)
  directory.process = async id => processes.find(one => one.id === id) ?? process(id)
  directory.processAtHand = id => processes.find(one => one.id === id) ?? atHand(id)
  return log
}

async function open(
  log?: MemoryLog,
): Promise<{ harness: Harness; sender: PaperProcess; stranger: PaperProcess; to: ProcessId }> {
  const sender = new PaperProcess(asProcessId(fakeId(21)), [31, 32, 33], 2)
  const stranger = new PaperProcess(asProcessId(fakeId(22)), [34, 35, 36], 2)
  const harness = await Harness.open({
    log: knowing(log ?? MemoryLog.open(), [sender.description, stranger.description]),
  })
  const to = log === undefined ? await harness.spawn() : asProcessId('')
  return { harness, sender, stranger, to }
}

const post = (harness: Harness, to: ProcessId, envelopes: readonly Envelope[]): Promise<readonly ScheduleAnswer[]> =>
  harness.unit.schedule(envelopes.map(envelope => ({ process: to, envelope })))

describe('pushes', () => {
  it('are seated in order of seq, as a window too, and each once', async () => {
    const { harness, sender, to } = await open()
    await using _ = harness
    const pushes = sender.envelopes(to, 8)
    const window = await post(harness, to, pushes.slice(0, 5))
    expect(window.map(answer => receiptOf(answer).slot)).toEqual([1, 2, 3, 4, 5])
    const again = await post(harness, to, pushes.slice(2, 7))
    expect(again.map(({ status }) => status)).toEqual(['duplicate', 'duplicate', 'duplicate', 'scheduled', 'scheduled'])
    expect(await harness.envelopes(to)).toHaveLength(8)
  })

  it('that come before their turn are told what comes first', async () => {
    const { harness, sender, to } = await open()
    await using _ = harness
    const pushes = sender.envelopes(to, 4)
    expect(await post(harness, to, pushes.slice(2, 3))).toEqual([{ status: 'gap', expectedSeq: 0 }])
    await post(harness, to, pushes.slice(0, 1))
    expect(await post(harness, to, pushes.slice(2, 4))).toEqual([
      { status: 'gap', expectedSeq: 1 },
      { status: 'gap', expectedSeq: 1 },
    ])
    expect(await harness.envelopes(to)).toHaveLength(2)
  })

  it('of many couriers at once get one slot each', async () => {
    const { harness, sender, to } = await open()
    await using _ = harness
    const pushes = sender.envelopes(to, 6)
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(harness, to, pushes)))
    expect(answers.flat().filter(({ status }) => status === 'scheduled')).toHaveLength(6)
    expect(answers.flat().filter(({ status }) => status === 'failed')).toEqual([])
    expect(await harness.envelopes(to)).toHaveLength(7)
  })

  it('keep their seq over a restart, with and without the caches', async () => {
    const { harness, sender, to } = await open()
    const pushes = sender.envelopes(to, 6)
    await post(harness, to, pushes.slice(0, 3))
    await harness[Symbol.asyncDispose]()
    await using later = await Harness.open({ log: harness.log })
    expect((await post(later, to, pushes.slice(1, 4))).map(({ status }) => status)).toEqual([
      'duplicate',
      'duplicate',
      'scheduled',
    ])
    const bare = MemoryLog.open({ from: harness.log })
    const { directory } = harness.log
    await bare.directory.addProcess(await later.describe(to), (await directory.spawnEnvelope(to)) ?? new Uint8Array())
    await using crashed = await Harness.open({ log: knowing(bare, [sender.description]) })
    expect((await post(crashed, to, pushes.slice(3, 6))).map(({ status }) => status)).toEqual([
      'duplicate',
      'scheduled',
      'scheduled',
    ])
  })

  it('that waited behind a commit which failed are not taken for delivered', async () => {
    const { harness, sender, to } = await open()
    await using _ = harness
    const gate = Promise.withResolvers<void>()
    const commit = harness.log.commit.bind(harness.log)
    let commits = 0
    harness.log.commit = async blocks => {
      commits += 1
      if (commits === 1) await gate.promise
      if (commits === 2) throw new Failure('disk-full')
      return commit(blocks)
    }
    const pushes = sender.envelopes(to, 4)
    const first = post(harness, to, pushes.slice(0, 1))
    for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve))
    const second = post(harness, to, pushes.slice(1))
    for (let i = 0; i < 10; i++) await new Promise(resolve => setImmediate(resolve))
    gate.resolve()
    expect((await first).map(({ status }) => status)).toEqual(['scheduled'])
    expect((await second).map(refusalOf)).toEqual(['disk-full', 'disk-full', 'disk-full'])
    expect((await post(harness, to, pushes)).map(({ status }) => status)).toEqual([
      'duplicate',
      'scheduled',
      'scheduled',
      'scheduled',
    ])
    expect(await harness.envelopes(to)).toHaveLength(5)
  })

  it('without a valid certificate are refused, whatever is wrong with it', async () => {
    const { harness, sender, stranger, to } = await open()
    await using _ = harness
    const forged = forgeries(sender, stranger, to)
    expect(forged.size).toBeGreaterThanOrEqual(18)
    for (const [what, envelope] of forged) {
      const [answer] = await post(harness, to, [envelope])
      expect(answer && refusalOf(answer), what).toMatch(/^(bad-certificate|wrong-target)$/)
    }
    expect(await harness.envelopes(to)).toHaveLength(1)
    const [genuine] = sender.certify([[sender.push(to, { seq: 0, slot: sender.slot })]])
    expect(genuine && (await post(harness, to, [genuine]))[0]?.status).toBe('scheduled')
  })

  it('of a sender that nobody knows wait', async () => {
    const { harness, to } = await open()
    await using _ = harness
    const nobody = new PaperProcess(asProcessId(fakeId(50)), [40], 1)
    const [answer] = await post(harness, to, nobody.envelopes(to, 1))
    expect(answer && refusalOf(answer)).toBe('unknown-process')
  })
})

describe('a spawn by a process', () => {
  function spawnPush(
    sender: PaperProcess,
    tags: Readonly<Record<string, string>> = {},
  ): { child: ProcessId; envelope: Extract<Envelope, { kind: 'push' }> } {
    const { slot } = sender
    const child = childId(sender.id, slot, 0)
    const core = { ...sender.push(child, { slot, seq: 0 }).core }
    const push = makePush(core, {
      kind: 'spawn',
      tags: tagsOf({ Module: NO_MODULE, Scheduler: SCHEDULER, ...tags }),
      data: new Uint8Array(0),
      anchor: undefined,
    })
    const [envelope] = sender.certify([[push]])
    if (envelope === undefined) throw new TypeError('expected an envelope')
    return { child, envelope }
  }

  it('makes the child, once, and what the parent says next reaches it in the same window', async () => {
    const { harness, sender } = await open()
    await using _ = harness
    const { child, envelope } = spawnPush(sender)
    const [note] = sender.certify([[sender.push(child, { slot: sender.slot, seq: 1 })]])
    if (note === undefined) throw new TypeError('expected an envelope')
    const answers = await post(harness, child, [envelope, note, envelope])
    expect(answers.map(({ status }) => status)).toEqual(['scheduled', 'scheduled', 'duplicate'])
    expect(await harness.describe(child)).toMatchObject({ id: child, parent: sender.id })
  })

  it('that is forged says nothing about the child', async () => {
    const { harness, sender } = await open()
    await using _ = harness
    const { child, envelope } = spawnPush(sender)
    const evil = makePush(
      { ...envelope.push.core },
      {
        kind: 'spawn',
        tags: tagsOf({ Module: fakeId(66), Scheduler: SCHEDULER }),
        data: new Uint8Array(0),
        anchor: undefined,
      },
    )
    const [forged] = await post(harness, child, [{ ...envelope, push: evil }])
    expect(forged && refusalOf(forged)).toBe('bad-certificate')
    const ahead = makePush(
      { ...envelope.push.core, seq: 3 },
      {
        kind: 'spawn',
        tags: tagsOf({ Module: fakeId(66), Scheduler: SCHEDULER }),
        data: new Uint8Array(0),
        anchor: undefined,
      },
    )
    await post(harness, child, [{ ...envelope, push: ahead }])
    await post(harness, child, [envelope])
    expect(await harness.describe(child)).toMatchObject({ module: NO_MODULE })
    expect(harness.committed.at(-1)?.process.module).toBe(NO_MODULE)
  })

  it('comes before anything else in the feed of the child', async () => {
    const { harness, sender } = await open()
    await using _ = harness
    const slot = sender.slot + 1
    const child = childId(sender.id, slot, 0)
    const [early] = sender.certify([[sender.push(child, { seq: 0 })]])
    const push = makePush(
      { ...sender.push(child, { slot, seq: 1 }).core },
      {
        kind: 'spawn',
        tags: tagsOf({ Module: NO_MODULE, Scheduler: SCHEDULER }),
        data: new Uint8Array(0),
        anchor: undefined,
      },
    )
    const [spawn] = sender.certify([[push]])
    if (early === undefined || spawn === undefined) throw new TypeError('expected envelopes')
    const codes = [
      ...(await post(harness, child, [early])),
      ...(await post(harness, child, [spawn])),
      ...(await post(harness, child, [early])),
    ].map(refusalOf)
    expect(codes).toEqual(['unknown-process', 'gap', 'unknown-process'])
  })

  it('that failed to reach the disk is taken the next time', async () => {
    const { harness, sender } = await open()
    await using _ = harness
    const { child, envelope } = spawnPush(sender)
    harness.log.failCommits(new Failure('disk-full'))
    expect((await post(harness, child, [envelope])).map(refusalOf)).toEqual(['disk-full'])
    harness.log.failCommits(undefined)
    expect((await post(harness, child, [envelope])).map(({ status }) => status)).toEqual(['scheduled'])
    const spawn = await harness.log.directory.spawnEnvelope(child)
    expect(spawn).toEqual(encodeEnvelope(envelope))
    expect(describeProcess(envelope).id).toBe(child)
  })
})

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
    // The disk may take its time with those that were pushes alone.
    expect(flights.map(({ commitment }) => commitment.isPatient)).toEqual([false, true, false])
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
