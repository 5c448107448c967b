import { describe, expect, test, vi } from 'vitest'
import { FairShare } from '../../network/links/fair-share.ts'
import { PeerFeeds } from '../../network/feeds/feed-link.ts'
import { FeedSource } from '../../network/feeds/feed-source.ts'
import {
  decodeFollowerFrame,
  decodeSourceFrame,
  encodeFollowerFrame,
  encodeSourceFrame,
} from '../../network/feeds/heads-frame.ts'
import {
  FOLLOWER_FRAME_MAX_BYTES,
  SCHEDULERS_MAX,
  FEED_WAITING_MAX_BYTES,
  FEED_PIECE_BLOCKS_MAX,
  FEED_PIECE_BYTES,
  FEED_READS_MAX,
  feedName,
  type FeedSpec,
  type SignedBlocks,
} from '../../protocol/index.ts'
import { blockOf, collect, messagesOf, NODE_KEY, NODE_SEED } from '../conformance/log.ts'
import { type ChannelPair, channelPair } from '../fakes/channel-pair.ts'
import { MemoryLog } from '../fakes/memory-log.ts'

interface Linked {
  readonly here: MemoryLog
  readonly there: MemoryLog
  readonly link: PeerFeeds
  readonly source: FeedSource
  readonly offences: string[]
}

/** A node that signs feeds, and one that follows them over a channel. */
function linked(pair: ChannelPair = channelPair(), pendingMaxBytes?: number): Linked {
  const [there, here] = [MemoryLog.open(), MemoryLog.open()]
  there.signWith(NODE_SEED)
  const offences: string[] = []
  const offence = (what: string): void => void offences.push(what)
  const source = new FeedSource(pair.left, {
    log: there,
    room: new FairShare(1_000_000).open(),
    offence,
    ended: () => undefined,
  })
  there.watch(growth => source.grew(feedName(growth.feed), growth))
  const link = new PeerFeeds(pair.right, { peer: NODE_KEY, offence, pendingMaxBytes })
  return { here, there, link, source, offences }
}

const fill = async (log: MemoryLog, feed: FeedSpec, from: number, to: number, text = ''): Promise<void> => {
  for (let index = from; index < to; index++) await log.commit([blockOf(feed, index, text)])
}

const follow = (here: MemoryLog, link: PeerFeeds, feed: FeedSpec, from: number): Disposable =>
  link.follow(feed, from, async piece => void (await here.take(feed, piece)))

describe('the stream of heads', () => {
  test('brings what was there, and what comes later, from where one asks', async () => {
    const { here, there, link } = linked()
    const feed = messagesOf('a')
    await fill(there, feed, 0, 30)
    follow(here, link, feed, 0)
    await expect.poll(() => here.length(feed)).toBe(30)
    await fill(there, feed, 30, 40)
    await expect.poll(() => here.length(feed)).toBe(40)
    expect(await collect(here.blocks(feed, 0))).toEqual(await collect(there.blocks(feed, 0)))
    expect((await here.head(feed))?.length).toBe(40)
  })

  test('brings nothing of a feed that was left, nor of one that nobody asked for', async () => {
    const { here, there, link, source } = linked()
    const [left, other, kept] = [messagesOf('left'), messagesOf('other'), messagesOf('kept')]
    const following = follow(here, link, left, 0)
    follow(here, link, kept, 0)
    await fill(there, left, 0, 1)
    await expect.poll(() => here.length(left)).toBe(1)
    following[Symbol.dispose]()
    await expect.poll(() => source.count).toBe(1)
    await fill(there, left, 1, 5)
    await fill(there, other, 0, 5)
    await fill(there, kept, 0, 5)
    await expect.poll(() => here.length(kept)).toBe(5)
    expect([await here.length(left), await here.length(other)]).toEqual([1, 0])
  })

  test('a name of which there is nothing is not held, and neither is what was left before its length was known', async () => {
    const { here, there, link, source } = linked()
    const [empty, written, left] = [messagesOf('empty'), messagesOf('written'), messagesOf('left')]
    await fill(there, written, 0, 1)
    await fill(there, left, 0, 1)
    const known = Promise.withResolvers<void>()
    const length = there.length.bind(there)
    const asked = vi.spyOn(there, 'length').mockImplementation(async feed => {
      if (feed.process === left.process) await known.promise
      return length(feed)
    })
    for (const feed of [empty, written]) follow(here, link, feed, 0)
    const leaving = follow(here, link, left, 0)
    await expect.poll(() => asked.mock.calls.length).toBe(3)
    leaving[Symbol.dispose]()
    await expect.poll(() => source.count).toBe(2)
    known.resolve()
    await expect.poll(() => here.length(written)).toBe(1)
    expect(there.held).toBe(1)
    await fill(there, empty, 0, 1)
    await expect.poll(() => here.length(empty)).toBe(1)
    expect(there.held).toBe(2)
  })

  test('what was left before its turn is not read', async () => {
    const pair = channelPair()
    const there = MemoryLog.open()
    there.signWith(NODE_SEED)
    const gate = Promise.withResolvers<void>()
    let reads = 0
    const log = {
      length: there.length.bind(there),
      hold: there.hold.bind(there),
      prefix: there.prefix.bind(there),
      signed: async (...asked: Parameters<typeof there.signed>) => {
        reads += 1
        await gate.promise
        return there.signed(...asked)
      },
    }
    const room = new FairShare(1_000_000).open()
    const source = new FeedSource(pair.left, { log, room, offence: what => expect.fail(what), ended: () => undefined })
    const link = new PeerFeeds(pair.right, { peer: NODE_KEY, offence: what => expect.fail(what) })
    const feeds = Array.from({ length: 3 * FEED_READS_MAX }, (_, n) => messagesOf(`feed ${n}`))
    for (const feed of feeds) await fill(there, feed, 0, 1)
    const followed = feeds.map(feed => link.follow(feed, 0, async () => undefined))
    await expect.poll(() => reads).toBe(FEED_READS_MAX)
    const kept = feeds.length - 1
    for (const following of followed.slice(0, kept)) following[Symbol.dispose]()
    await expect.poll(() => source.count).toBe(1)
    gate.resolve()
    await expect.poll(() => reads).toBe(FEED_READS_MAX + 1)
    // One more turn of all that was in line.
    await new Promise(resolve => setImmediate(resolve))
    expect(reads).toBe(FEED_READS_MAX + 1)
  })

  test('a follower that takes nothing costs the source no more than its bounds, and misses nothing', async () => {
    const pair = channelPair()
    const { here, there, link } = linked(pair)
    const feeds = ['a', 'b', 'c'].map(messagesOf)
    for (const feed of feeds) follow(here, link, feed, 0)
    for (const feed of feeds) await fill(there, feed, 0, 1)
    for (const feed of feeds) await expect.poll(() => here.length(feed)).toBe(1)
    let sent = 0
    pair.onFrame = (frame, from) => {
      if (from === 'left') sent += frame.length
      return frame
    }
    pair.slow = true
    const text = 'x'.repeat(60_000)
    for (const feed of feeds) await fill(there, feed, 1, 21, text)
    await expect.poll(() => pair.waiting).toBeGreaterThan(0)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(pair.waiting).toBeLessThan(FEED_WAITING_MAX_BYTES + FEED_READS_MAX * 2 * FEED_PIECE_BYTES)
    pair.release()
    for (const feed of feeds) await expect.poll(() => here.length(feed), { timeout: 60_000 }).toBe(21)
    expect(sent).toBeGreaterThan(3 * 20 * 60_000)
  })

  test('while what came is not taken, nothing more comes', async () => {
    const pair = channelPair()
    const { there, link } = linked(pair, 1_000)
    const feed = messagesOf('a')
    const gate = Promise.withResolvers<void>()
    const pieces: SignedBlocks[] = []
    link.follow(feed, 0, async piece => {
      pieces.push(piece)
      await gate.promise
    })
    for (let index = 0; index < 30; index++) {
      await fill(there, feed, index, index + 1, 'x'.repeat(400))
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    expect(pieces).toHaveLength(1)
    expect(pair.waiting).toBeGreaterThan(0)
    gate.resolve()
    await expect.poll(() => pieces.reduce((sum, { blocks }) => sum + blocks.length, 0)).toBe(30)
  })

  test('shows a tree to whoever looks at a piece that alone is more than may wait', async () => {
    const { there, link } = linked(channelPair(), 8)
    const feed = messagesOf('a')
    await fill(there, feed, 0, 9)
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    link.follow(feed, 0, async () => {
      await link.show(feed, 5, { timeoutMs: 20_000 }).then(resolve, reject)
    })
    expect(await promise).toEqual(await there.prefix(feed, 5))
  })

  test('shows the tree of a feed at a length', async () => {
    const { here, there, link } = linked()
    const feed = messagesOf('a')
    await fill(there, feed, 0, 9)
    follow(here, link, feed, 0)
    expect(await link.show(feed, 5)).toEqual(await there.prefix(feed, 5))
    expect(await link.show(feed, 10)).toBeUndefined()
    await expect(link.show(messagesOf('b'), 1)).rejects.toThrow('cannot be reached')
  })

  test('whoever says nonsense is told of, and cut', async () => {
    const nonsense = [
      new Uint8Array([0xff, 0xff]),
      new Uint8Array([0x82, 0x09, 0x00]),
      encodeFollowerFrame({ kind: 'follow', number: 0, feed: messagesOf('a'), from: 0 }).subarray(0, 40),
    ]
    for (const bytes of nonsense) {
      const pair = channelPair()
      const { offences, link, source } = linked(pair)
      pair.right({ frame: () => undefined, written: () => undefined, ended: () => undefined }).send(bytes)
      await expect.poll(() => offences.length).toBe(1)
      expect(source.count).toBe(0)
      link.close()
    }
    const pair = channelPair()
    const { here, there, offences, link } = linked(pair)
    const feed = messagesOf('a')
    await fill(there, feed, 0, 1)
    pair.onFrame = (frame, from) => (from === 'left' ? frame.subarray(1) : frame)
    follow(here, link, feed, 0)
    await link.closed
    expect(offences).toHaveLength(1)
    expect(await here.length(feed)).toBe(0)
  })

  test('what grows while the source finds nothing to send is sent all the same', async () => {
    const pair = channelPair()
    const { here, there, link } = linked(pair)
    const feed = messagesOf('a')
    await fill(there, feed, 0, 1)
    const signed = there.signed.bind(there)
    // The first look finds nothing, and the feed grows before that is known; then it stays as it is.
    there.signed = async () => {
      there.signed = signed
      await fill(there, feed, 1, 3)
      return undefined
    }
    follow(here, link, feed, 0)
    await expect.poll(() => here.length(feed)).toBe(3)
  })

  test('the same feed twice over one link is no honest wish', async () => {
    const pair = channelPair()
    const { offences, source } = linked(pair)
    const raw = pair.right({
      frame: () => undefined,
      written: () => undefined,
      ended: () => undefined,
    })
    for (const number of [1, 2])
      raw.send(encodeFollowerFrame({ kind: 'follow', number, feed: messagesOf('a'), from: 0 }))
    await expect.poll(() => offences.length).toBe(1)
    expect(source.count).toBe(0)
  })

  test('a follower that asks faster than it is answered is not read meanwhile, and gets all its answers', async () => {
    const pair = channelPair()
    const there = MemoryLog.open()
    const answers: (() => void)[] = []
    let asked = 0
    const prefix = (): Promise<undefined> => {
      asked += 1
      return new Promise(resolve => answers.push(() => resolve(undefined)))
    }
    const log = { hold: there.hold.bind(there), length: async () => 0, signed: there.signed.bind(there), prefix }
    const source = new FeedSource(pair.left, {
      room: new FairShare(1_000_000).open(),
      log,
      offence: () => undefined,
      ended: () => undefined,
    })
    let shown = 0
    const channel = pair.right({
      frame: () => void (shown += 1),
      written: () => undefined,
      ended: () => undefined,
    })
    channel.send(encodeFollowerFrame({ kind: 'follow', number: 0, feed: messagesOf('a'), from: 0 }))
    for (let at = 0; at < 1_000; at++) channel.send(encodeFollowerFrame({ kind: 'show', number: 0, length: 1 }))
    await expect.poll(() => asked).toBeGreaterThan(10)
    await new Promise(resolve => setTimeout(resolve, 20))
    expect(asked).toBeLessThan(100)
    await expect
      .poll(() => {
        for (const answer of answers.splice(0)) answer()
        return shown
      })
      .toBe(1_000)
    expect(source.count).toBe(1)
  })

  test('a follower that names more feeds than there is room for is told of those that it does not get', async () => {
    const pair = channelPair()
    const there = MemoryLog.open()
    const feeds = Array.from({ length: 10 }, (_, at) => messagesOf(`feed ${at}`))
    const frames = feeds.map((feed, number) => encodeFollowerFrame({ kind: 'follow', number, feed, from: 0 }))
    const roomFor = 4
    const room = new FairShare(roomFor * (frames[0]?.length ?? 0))
    const source = new FeedSource(pair.left, {
      room: room.open(),
      log: there,
      offence: what => expect.unreachable(what),
      ended: () => undefined,
    })
    const told: unknown[] = []
    const channel = pair.right({
      frame: bytes => void told.push(decodeSourceFrame(bytes)),
      written: () => undefined,
      ended: () => undefined,
    })
    for (const frame of frames) channel.send(frame)
    await expect.poll(() => told).toHaveLength(feeds.length - roomFor)
    expect(told[0]).toEqual({ kind: 'left', number: roomFor })
    expect(source.count).toBe(roomFor)
    channel.send(encodeFollowerFrame({ kind: 'leave', number: 0 }))
    channel.send(frames[9] ?? new Uint8Array(0))
    await expect.poll(() => source.count).toBe(roomFor)
    source.close()
    await expect.poll(() => room.taken).toBe(0)
  })

  test('names no more signers than may schedule a process', () => {
    const signed = (count: number): Uint8Array => {
      const signers = Array.from({ length: count }, () => NODE_KEY)
      return encodeFollowerFrame({ kind: 'follow', number: 0, feed: { ...messagesOf('a'), signers }, from: 0 })
    }
    expect(decodeFollowerFrame(signed(SCHEDULERS_MAX))).toMatchObject({ kind: 'follow' })
    expect(signed(SCHEDULERS_MAX).length).toBeLessThan(FOLLOWER_FRAME_MAX_BYTES)
    expect(() => decodeFollowerFrame(signed(SCHEDULERS_MAX + 1))).toThrow()
  })

  /** A source on paper that sends pieces of blocks without a byte. */
  function empties(pair: ChannelPair): (blocks: number) => void {
    const source = pair.left({ frame: () => undefined, written: () => undefined, ended: () => undefined })
    const head = { length: 1, signature: new Uint8Array(64) }
    return blocks => {
      const piece = { from: 0, blocks: Array.from({ length: blocks }, () => new Uint8Array(0)), head, rest: [] }
      source.send(encodeSourceFrame({ kind: 'piece', number: 0, piece }))
    }
  }

  test('takes no piece of more blocks than are hashed in one turn', async () => {
    const pair = channelPair()
    const send = empties(pair)
    const offences: string[] = []
    const link = new PeerFeeds(pair.right, { peer: NODE_KEY, offence: what => void offences.push(what) })
    link.follow(messagesOf('a'), 0, async () => undefined)
    send(FEED_PIECE_BLOCKS_MAX)
    send(FEED_PIECE_BLOCKS_MAX + 1)
    await link.closed
    expect([FEED_PIECE_BLOCKS_MAX, offences]).toEqual([2_048, [expect.stringContaining('too many blocks')]])
  })

  test('counts what blocks without bytes take while they wait', async () => {
    const pair = channelPair()
    const send = empties(pair)
    const link = new PeerFeeds(pair.right, { peer: NODE_KEY, offence: () => undefined, pendingMaxBytes: 1_000_000 })
    let taken = 0
    link.follow(messagesOf('a'), 0, () => {
      taken += 1
      return new Promise(() => undefined)
    })
    for (let n = 0; n < 10; n++) send(2_000)
    await expect.poll(() => taken).toBe(1)
    // Not read any more, though the pieces together have but 20 KB.
    await expect.poll(() => pair.waiting).toBeGreaterThan(10_000)
  })
})
