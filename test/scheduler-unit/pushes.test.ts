import { describe, expect, it } from 'vitest'
import {
  asProcessId,
  childId,
  describeProcess,
  encodeEnvelope,
  type Envelope,
  Failure,
  makePush,
  type ProcessId,
} from '../../protocol/index.ts'
import { forgeries, PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { tagsOf } from '../fakes/signed-items.ts'
import { Harness, NO_MODULE, receiptOf, refusalOf, SCHEDULER } from './scheduler-harness.ts'
import { knowing, post } from './paper-pushes.ts'

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
    await expect.poll(() => commits).toBe(1)
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
