import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { decodeHeader, readSegment } from '../../log/journal/journal-format.ts'
import { sourceFromLog, verifyProcess } from '../../node/index.ts'
import {
  decodeFrame,
  Failure,
  type NewBlock,
  type ProcessId,
  type Receipt,
  resultsFeed,
  type Slot,
} from '../../protocol/index.ts'
import { RelaysOnDisk } from '../fakes/relays-on-disk.ts'
import { filesOf } from '../log/damage.ts'

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const WAIT = { timeout: 60_000, interval: 5 }

/** Frames that the journal was given while the disk stood still: most of them cannot be there without running ahead. */
const AHEAD = 20

/** Holds the disk still, has `begin` start a chain, and waits until it has run ahead of the disk. */
async function runAhead(
  relays: RelaysOnDisk,
  begin: () => Promise<Receipt>,
  frames = AHEAD,
): Promise<{ readonly started: Promise<Receipt | Failure> }> {
  relays.files.hold()
  const before = relays.given.length
  const started = begin().catch(Failure.from)
  await vi.waitFor(() => expect(relays.given.length - before).toBeGreaterThanOrEqual(frames), WAIT)
  return { started }
}

/** Every hop took effect once and in order, in a slot of its own, and whoever evaluates the feeds again finds the same. */
async function expectHops(relays: RelaysOnDisk, hops: number): Promise<void> {
  const { a, b, node, log } = relays
  for (const [process, from, count] of [
    [a, b, Math.floor(hops / 2)],
    [b, a, Math.ceil(hops / 2)],
  ] as const) {
    const pushes = await relays.pushes(process)
    expect(pushes.map(({ push }) => [push.core.from, push.core.seq])).toEqual(upTo(count).map(seq => [from, seq]))
    const evaluated = await node.computer.evaluated(process)
    const results = await Array.fromAsync(node.computer.results(process, 0, evaluated))
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set(['ok']))
    const report = await verifyProcess(await sourceFromLog(log, process))
    expect([report.ok, report.slots]).toEqual([true, evaluated])
  }
}

/** Pushes without the frame that they came from. */
function causeless(blocks: readonly NewBlock[]): string[] {
  const ends = new Map<ProcessId, Slot>()
  for (const { feed, bytes } of blocks) {
    const { firstSlot, assignments } = decodeFrame(bytes)
    ends.set(feed.process, firstSlot + assignments.length)
  }
  return blocks.flatMap(({ feed, bytes }) =>
    decodeFrame(bytes).assignments.flatMap(({ envelope }) =>
      envelope.kind === 'push' && envelope.push.core.slot >= (ends.get(envelope.push.core.from) ?? 0)
        ? [feed.process]
        : [],
    ),
  )
}

describe('pushes between processes of one node', { timeout: 180_000 }, () => {
  it('do not wait for the disk, and nothing of them shows before they are there', async () => {
    await using relays = await RelaysOnDisk.open()
    const { a, b, node, log, files } = relays
    const ends = async () => {
      const heads = []
      for (const process of [a, b]) {
        const feed = await relays.feed(process)
        const results = resultsFeed((await log.directory.process(process)) ?? expect.fail(), node.key)
        const { slot } = await node.computer.query(process, {
          from: a,
          owner: a,
          id: '',
          tags: [{ name: 'Action', value: 'Note' }],
          data: new Uint8Array(0),
        })
        heads.push({
          length: await log.length(feed),
          certified: await log.length(results),
          head: (await log.head(feed))?.length,
          given: (await log.signed(feed, 0, { bytes: 1e6, blocks: 1_000 }))?.blocks.length,
          evaluated: await node.computer.evaluated(process),
          query: slot,
        })
      }
      return heads
    }
    const before = await ends()
    const grown: string[] = []
    using _watch = log.watch(({ feed }) => void grown.push(`${feed.kind} ${feed.process}`))
    const followed: Slot[] = []
    const abort = new AbortController()
    const following = (async () => {
      for await (const { slot } of node.computer.follow(b, before[1]?.evaluated ?? 0, { signal: abort.signal }))
        followed.push(slot)
    })()
    const { datasyncs } = files
    const { started } = await runAhead(relays, () => relays.start(40))
    let isRead = false
    const read = node.computer.cell(a, new Uint8Array([1])).finally(() => {
      isRead = true
    })
    expect(await ends()).toEqual(before)
    expect([grown, followed, isRead]).toEqual([[], [], false])
    await expect(node.computer.result(b, before[1]?.evaluated ?? 0)).rejects.toMatchObject({ code: 'unknown-slot' })
    files.release()
    const receipt = await started
    if (receipt instanceof Failure) throw receipt
    await relays.settled(receipt)
    await read
    await expectHops(relays, 44)
    await vi.waitFor(() => expect(followed).toHaveLength(20), WAIT)
    abort.abort()
    await following
    // One for the first message, one for all that had come meanwhile, and a few for the rest.
    expect(files.datasyncs - datasyncs).toBeLessThan(40)
  })

  it('go with what they came from, when the disk refuses that: nothing is left of them, and what comes later stands in their place', async () => {
    await using relays = await RelaysOnDisk.open()
    for (const code of ['EIO', 'ENOSPC']) {
      const before = [await relays.length(relays.a), await relays.length(relays.b)]
      const { started } = await runAhead(relays, () => relays.start(40))
      relays.files.failingSyncs.push(code)
      relays.files.release()
      expect(await started).toMatchObject({ code: code === 'EIO' ? 'disk-fault' : 'disk-full' })
      expect([await relays.length(relays.a), await relays.length(relays.b)]).toEqual(before)
      // What was evaluated in vain is forgotten; the relays come back to their host.
      await relays.settled(await relays.start(4))
    }
    await relays.settled(await relays.start(30))
    await expectHops(relays, 42)
  })

  it('are carried again, when the disk refuses them in the middle of a chain: each takes effect once', async () => {
    await using relays = await RelaysOnDisk.open()
    const receipt = await relays.start(200)
    for (let i = 0; i < 3; i++) {
      const length = await relays.length(relays.a)
      await vi.waitFor(async () => expect(await relays.length(relays.a)).toBeGreaterThan(length + 5), WAIT)
      await runAhead(relays, async () => receipt, 1)
      relays.files.failingSyncs.push('EIO')
      relays.files.release()
    }
    await relays.settled(receipt)
    await expectHops(relays, 204)
  })

  it('stand in the journal behind what they came from, wherever it is cut', async () => {
    await using relays = await RelaysOnDisk.open()
    for (const hops of [30, 30]) {
      const { started } = await runAhead(relays, () => relays.start(hops))
      relays.files.release()
      const receipt = await started
      if (receipt instanceof Failure) throw receipt
      await relays.settled(receipt)
    }
    const [segment] = await filesOf(join(relays.data, 'log', 'journal'), '.journal')
    const bytes = await readFile(segment ?? '')
    const marks = decodeHeader(bytes) ?? expect.fail('no header')
    const whole = readSegment(bytes, marks, 0)
    expect(whole.blocks.length).toBeGreaterThan(60)
    // Many of them by one write.
    expect(whole.groups).toBeLessThan(whole.blocks.length - AHEAD)
    let seen = -1
    for (let end = 0; end <= bytes.length; end++) {
      const { blocks } = readSegment(bytes.subarray(0, end), marks, 0)
      if (blocks.length === seen) continue
      seen = blocks.length
      expect(causeless(blocks)).toEqual([])
    }
    expect(seen).toBe(whole.blocks.length)
    // One that went missing would be missed.
    expect(causeless(whole.blocks.toSpliced(-2, 1))).not.toEqual([])
  })
})
