import { describe, expect, onTestFinished, test } from 'vitest'
import { FeedFollowing, type FollowedFeed } from '../../node/following/feed-following.ts'
import { Meetings } from '../../node/following/meetings.ts'
import { FairShare } from '../../network/links/fair-share.ts'
import { PeerFeeds } from '../../network/feeds/feed-link.ts'
import { FeedSource } from '../../network/feeds/feed-source.ts'
import { decodeFollowerFrame } from '../../network/feeds/heads-frame.ts'
import {
  Failure,
  type FeedConflict,
  type FeedLinks,
  feedName,
  type KeyId,
  signedPrefixHash,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { blockOf, collect, messagesOf, NODE_SEED } from '../conformance/log.ts'
import { type ChannelPair, channelPair } from '../fakes/channel-pair.ts'
import { settle } from '../fakes/manual-clock.ts'
import { realClock } from '../fakes/real-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'

const [FIRST, SECOND] = [keyOf(1), keyOf(2)]

/** Nodes that can be followed, and what happened. */
class World implements FeedLinks {
  readonly here = MemoryLog.open()
  readonly nodes = new Map<KeyId, MemoryLog>()
  readonly pairs: ChannelPair[] = []
  readonly opened: KeyId[] = []
  readonly conflicts: FeedConflict[] = []
  readonly offenders: KeyId[] = []
  /** Asks to be shown a tree that were seen; each cuts its channel. */
  shows: number | undefined
  /** What passes over new channels. */
  onFrame: ChannelPair['onFrame'] = frame => frame
  clock = realClock
  meetings: Meetings | undefined

  add(key: KeyId): MemoryLog {
    const log = MemoryLog.open()
    log.signWith(NODE_SEED)
    this.nodes.set(key, log)
    return log
  }

  async open(peer: KeyId): Promise<PeerFeeds> {
    const log = this.nodes.get(peer)
    if (log === undefined) throw new Failure('unreachable', { peer })
    this.opened.push(peer)
    const pair = channelPair()
    pair.onFrame = (frame, from) => {
      if (this.shows !== undefined && from === 'right' && decodeFollowerFrame(frame).kind === 'show') {
        this.shows += 1
        pair.cut()
        return undefined
      }
      return this.onFrame(frame, from)
    }
    this.pairs.push(pair)
    const source = new FeedSource(pair.left, {
      room: new FairShare(1_000_000).open(),
      log,
      offence: () => undefined,
      ended: () => undefined,
    })
    log.watch(growth => source.grew(feedName(growth.feed), growth))
    return new PeerFeeds(pair.right, { peer, offence: () => undefined })
  }

  follow(followed: FollowedFeed): Disposable {
    const following = new FeedFollowing({
      log: this.here,
      links: this,
      clock: this.clock,
      meetings: this.meetings,
      watch: { conflict: conflict => void this.conflicts.push(conflict) },
      offence: peer => void this.offenders.push(peer),
      trouble: () => undefined,
    }).follow(followed)
    onTestFinished(() => following[Symbol.dispose]())
    return following
  }
}

const feed = messagesOf('a')
const fill = async (log: MemoryLog, from: number, to: number, text = ''): Promise<void> => {
  for (let index = from; index < to; index++) await log.commit([blockOf(feed, index, text)])
}

describe('who follows a feed', () => {
  test('a feed is held on both sides as long as it is followed', async () => {
    const world = new World()
    const there = world.add(FIRST)
    await fill(there, 0, 1)
    const following = world.follow({ feed, sources: () => [FIRST] })
    await expect.poll(() => world.here.length(feed)).toBe(1)
    expect([world.here.held, there.held]).toEqual([1, 1])
    following[Symbol.dispose]()
    await expect.poll(() => [world.here.held, there.held]).toEqual([0, 0])
    using _other = world.follow({ feed, sources: () => [FIRST] })
    await expect.poll(() => there.held).toBe(1)
    world.nodes.delete(FIRST)
    for (const pair of world.pairs) pair.cut()
    await expect.poll(() => there.held).toBe(0)
    expect(world.here.held).toBe(1)
  })

  test('goes on where it was when the channel was cut, and tells of each block once', async () => {
    const world = new World()
    const there = world.add(FIRST)
    await fill(there, 0, 5)
    const told: number[] = []
    world.follow({
      feed,
      sources: () => [FIRST],
      taken: async (from, blocks) => void told.push(...blocks.map((_, at) => from + at)),
    })
    await expect.poll(() => world.here.length(feed)).toBe(5)
    world.pairs[0]?.cut()
    await fill(there, 5, 9)
    await expect.poll(() => world.here.length(feed)).toBe(9)
    expect(told).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
    expect(world.opened).toEqual([FIRST, FIRST])
  })

  test('does not wait for its next try where the node is linked again', async () => {
    const world = new World()
    let changed: () => void = () => undefined
    const linked: KeyId[] = [SECOND]
    const nodes = {
      peers: linked,
      watch: (told: () => void) => {
        changed = told
        return () => undefined
      },
    }
    // Nothing but a signal ends a pause.
    let pauses = 0
    world.clock = {
      ...realClock,
      sleep: (_, { signal } = {}) => {
        pauses += 1
        return new Promise((_resolve, reject) => {
          if (signal?.aborted === true) reject(signal.reason)
          signal?.addEventListener('abort', () => reject(signal.reason))
        })
      },
    }
    world.meetings = new Meetings(nodes)
    world.follow({ feed, sources: () => [FIRST] })
    await expect.poll(() => pauses).toBe(1)
    await fill(world.add(FIRST), 0, 3)
    changed()
    linked.push(FIRST)
    changed()
    await expect.poll(() => world.here.length(feed)).toBe(3)
    expect([pauses, world.opened]).toEqual([1, [FIRST]])
  })

  test('takes it from the next source where the first is not reached', async () => {
    const world = new World()
    await fill(world.add(SECOND), 0, 3)
    world.follow({ feed, sources: () => [FIRST, SECOND] })
    await expect.poll(() => world.here.length(feed)).toBe(3)
    expect(world.opened).toEqual([SECOND])
  })

  test('goes back to the first source as soon as it is there again: the second may know no more than itself', async () => {
    const world = new World()
    await fill(world.add(SECOND), 0, 3)
    world.follow({ feed, sources: () => [FIRST, SECOND] })
    await expect.poll(() => world.here.length(feed)).toBe(3)
    await fill(world.add(FIRST), 0, 7)
    await expect.poll(() => world.here.length(feed), { timeout: 60_000 }).toBe(7)
    expect(world.opened.at(-1)).toBe(FIRST)
  })

  test('goes on elsewhere when its source cannot read the feed any more, though the channel stays', async () => {
    const world = new World()
    const first = world.add(FIRST)
    await fill(first, 0, 2)
    await fill(world.add(SECOND), 0, 5)
    const { signed } = first
    world.follow({ feed, sources: () => [FIRST, SECOND] })
    await expect.poll(() => world.here.length(feed)).toBe(2)
    first.signed = async () => {
      throw new Error('the disk is gone')
    }
    await fill(first, 2, 3)
    await expect.poll(() => world.here.length(feed)).toBe(5)
    first.signed = signed
    expect(world.pairs).toHaveLength(2)
  })

  test('goes on after a failure of its own, such as a full disk', async () => {
    const world = new World()
    const first = world.add(FIRST)
    await fill(first, 0, 2)
    const take = world.here.take.bind(world.here)
    let failures = 0
    world.here.take = async (...taken) => {
      if (failures++ < 2) throw new Failure('disk-full')
      return take(...taken)
    }
    world.follow({ feed, sources: () => [FIRST] })
    await expect.poll(() => world.here.length(feed), { timeout: 60_000 }).toBe(2)
    expect(failures).toBeGreaterThan(2)
  })

  test.each(['feed-frozen', 'equivocated', 'owner-equivocated'] as const)(
    'asks nobody any more for what stands still: %s',
    async code => {
      const world = new World()
      await fill(world.add(FIRST), 0, 2)
      let tries = 0
      world.here.take = async () => {
        tries += 1
        throw new Failure(code)
      }
      // Whoever tries again does so at once.
      world.clock = { ...realClock, sleep: () => new Promise(resolve => setImmediate(resolve)) }
      world.follow({ feed, sources: () => [FIRST] })
      await expect.poll(() => tries).toBeGreaterThan(0)
      await settle(100)
      expect(tries).toBe(1)
    },
  )

  test('takes no flipped bit, wherever it is, counts it against its source, and goes to the next', async () => {
    const world = new World()
    await fill(world.add(FIRST), 0, 4)
    await fill(world.add(SECOND), 0, 4)
    let flips = 0
    world.onFrame = (frame, from) => {
      if (from === 'right' || world.opened.at(-1) !== FIRST) return frame
      // In a block, in the signature, at the end: wherever CBOR stays CBOR.
      const at = Math.floor(frame.length * ([0.2, 0.5, 0.95][flips++ % 3] ?? 0))
      return frame.map((byte, index) => (index === at ? byte ^ 1 : byte))
    }
    world.follow({ feed, sources: () => [FIRST, SECOND] })
    await expect.poll(() => world.here.length(feed)).toBe(4)
    expect(world.offenders.every(peer => peer === FIRST)).toBe(true)
    expect(flips).toBeGreaterThan(0)
    expect(await collect(world.here.blocks(feed, 0))).toEqual(
      await collect((world.nodes.get(SECOND) ?? world.here).blocks(feed, 0)),
    )
  })

  test.each([
    ['in a block that is held', 3, 5],
    ['before what is held', 2, 9],
    ['and is shorter', 1, 2],
  ])('a signer with two feeds, where the other differs %s, is found out', async (_, same, length) => {
    const world = new World()
    const [honest, twin] = [world.add(FIRST), world.add(SECOND)]
    await fill(honest, 0, 5)
    await fill(twin, 0, same)
    await fill(twin, same, length, 'x')
    let sources = [FIRST]
    world.follow({ feed, sources: () => sources })
    await expect.poll(() => world.here.length(feed)).toBe(5)
    sources = [SECOND]
    await fill(twin, length, 7, 'y')
    world.pairs[0]?.cut()
    await expect.poll(() => world.conflicts.length, { timeout: 60_000 }).toBe(1)
    const [conflict] = world.conflicts
    const hashes = [conflict?.held, conflict?.seen].map(prefix => prefix && signedPrefixHash(feed, prefix))
    expect(hashes[0]).toBeDefined()
    expect(hashes[1]).toBeDefined()
    expect(hashes[0]).not.toEqual(hashes[1])
    expect(world.offenders).toEqual([])
  })

  test('does not blame a node that passes on what others signed, and is cut off before it can show it', async () => {
    const world = new World()
    const [honest, twin] = [world.add(FIRST), world.add(SECOND)]
    await fill(honest, 0, 5)
    await fill(twin, 0, 3)
    await fill(twin, 3, 9, 'x')
    let sources = [FIRST]
    world.follow({ feed, sources: () => sources })
    await expect.poll(() => world.here.length(feed)).toBe(5)
    sources = [SECOND]
    world.shows = 0
    world.pairs[0]?.cut()
    await expect.poll(() => world.shows, { timeout: 60_000 }).toBeGreaterThan(1)
    expect(world.offenders).toEqual([])
    world.shows = undefined
    await expect.poll(() => world.conflicts.length, { timeout: 60_000 }).toBe(1)
  })
})
