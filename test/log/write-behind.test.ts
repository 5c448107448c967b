import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { asKeyId, Failure } from '../../protocol/index.ts'
import { type FeedState, makeFeedState } from '../../log/feeds/feed-state.ts'
import type { OpenFeeds } from '../../log/feeds/open-feeds.ts'
import { WriteBehind } from '../../log/feeds/write-behind.ts'
import { messagesOf } from '../conformance/log.ts'

/** Feeds that note what they are given, and take as long as the test wants. */
class SlowFeeds {
  readonly appends: { feed: string; blocks: number }[] = []
  #waiting: (() => void)[] = []

  append(state: FeedState, _from: number, blocks: readonly Uint8Array[]): Promise<void> {
    this.appends.push({ feed: state.feed.process, blocks: blocks.length })
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  async finish(): Promise<void> {
    for (const resolve of this.#waiting.splice(0)) resolve()
    await vi.advanceTimersByTimeAsync(0)
  }
}

function open(
  stored = async (): Promise<void> => undefined,
  names = ['a', 'b', 'c'],
): {
  feeds: SlowFeeds
  behind: WriteBehind
  states: FeedState[]
  add: (at: number) => void
} {
  const feeds = new SlowFeeds()
  const behind = new WriteBehind({
    feeds: feeds as unknown as OpenFeeds,
    maxBytes: 1_000_000,
    stored,
    onAppended: () => undefined,
    onLeft: () => undefined,
    onReopened: async () => undefined,
  })
  const states = names.map(name => {
    const feed = messagesOf(name)
    return makeFeedState(feed, feed.signers[0] ?? asKeyId(''))
  })
  const add = (at: number): void => {
    const state = states[at]
    if (state !== undefined) behind.add(state, { bytes: new Uint8Array(10), generation: 1 })
  }
  return { feeds, behind, states, add }
}

describe('blocks on their way to their feeds', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('go a few feeds at a time: who waits for a message does not wait for the heads of a hundred', async () => {
    const names = Array.from({ length: 100 }, (_, at) => `feed ${at}`)
    const { feeds, add } = open(undefined, names)
    for (const at of names.keys()) add(at)
    await vi.advanceTimersByTimeAsync(1_000)
    const together = feeds.appends.length
    expect(together).toBeGreaterThan(1)
    expect(together).toBeLessThan(32)
    while (feeds.appends.length < names.length) {
      const before = feeds.appends.length
      await feeds.finish()
      expect(feeds.appends.length - before).toBeLessThanOrEqual(together)
    }
  })

  test('gather: what comes during a round waits for the next, and goes in one append', async () => {
    const { feeds, add } = open()
    add(0)
    add(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(feeds.appends.map(({ blocks }) => blocks)).toEqual([1, 1])
    for (let i = 0; i < 50; i++) add(i % 3)
    await feeds.finish()
    for (let i = 0; i < 50; i++) add(i % 3)
    await vi.advanceTimersByTimeAsync(500)
    expect(feeds.appends).toHaveLength(2)
    await vi.advanceTimersByTimeAsync(500)
    expect(feeds.appends.slice(2).map(({ blocks }) => blocks)).toEqual([31, 31, 32])
    await feeds.finish()
    // what did not fill a pack goes with the next ones
    await vi.advanceTimersByTimeAsync(1_000)
    expect(feeds.appends.slice(5).map(({ blocks }) => blocks)).toEqual([3, 3])
  })

  test('of results wait until the store has what it was given before, and what comes meanwhile waits for the next', async () => {
    const store = Promise.withResolvers<void>()
    const { feeds, behind } = open(() => store.promise)
    const feed = { ...messagesOf('a'), kind: 'results' as const }
    const results = makeFeedState(feed, feed.signers[0] ?? asKeyId(''))
    const add = (): void => behind.add(results, { bytes: new Uint8Array(10), generation: 0 })
    add()
    await vi.advanceTimersByTimeAsync(1_000)
    add()
    expect(feeds.appends).toEqual([])
    store.resolve()
    await vi.advanceTimersByTimeAsync(0)
    expect(feeds.appends).toEqual([{ feed: feed.process, blocks: 1 }])
  })

  test('of results do not wait for a store that fails', async () => {
    const { feeds, behind } = open(() => Promise.reject(new Failure('disk-full')))
    const feed = { ...messagesOf('a'), kind: 'results' as const }
    behind.add(makeFeedState(feed, feed.signers[0] ?? asKeyId('')), { bytes: new Uint8Array(10), generation: 0 })
    await vi.advanceTimersByTimeAsync(1_000)
    expect(feeds.appends).toHaveLength(1)
  })

  test('are brought at once, of one feed, to whoever needs it', async () => {
    const { feeds, behind, states, add } = open()
    for (let i = 0; i < 9; i++) add(i % 3)
    const [, state] = states
    if (state === undefined) throw new TypeError('expected a feed')
    let isBrought = false
    const brought = behind.bring(state).then(() => {
      isBrought = true
    })
    await vi.advanceTimersByTimeAsync(0)
    expect(feeds.appends).toEqual([{ feed: state.feed.process, blocks: 3 }])
    add(1)
    await feeds.finish()
    expect(isBrought).toBe(false)
    await feeds.finish()
    await brought
    expect(state.tail).toHaveLength(0)
  })

  test('all go when it ends', async () => {
    const { feeds, behind, add } = open()
    for (let i = 0; i < 9; i++) add(i % 3)
    const closing = behind[Symbol.asyncDispose]()
    await vi.advanceTimersByTimeAsync(0)
    expect(feeds.appends.map(({ blocks }) => blocks)).toEqual([3, 3, 3])
    await feeds.finish()
    await closing
  })

  test('are given up only once feeds that were being opened anew are open, or not', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const feeds = {
      append: async () => Promise.reject(new Failure('disk-full')),
      reopen: () => promise,
    }
    const behind = new WriteBehind({
      feeds: feeds as unknown as OpenFeeds,
      maxBytes: 1_000_000,
      onAppended: () => undefined,
      stored: async () => undefined,
      onLeft: () => undefined,
      onReopened: async () => undefined,
    })
    const feed = messagesOf('a')
    behind.add(makeFeedState(feed, feed.signers[0] ?? asKeyId('')), {
      bytes: new Uint8Array(10),
      generation: 1,
    })
    // One that fails, and the pause before it is tried again.
    await vi.advanceTimersByTimeAsync(2_000)
    let isClosed = false
    const closed = behind[Symbol.asyncDispose]().catch(error => {
      isClosed = true
      return error
    })
    await vi.advanceTimersByTimeAsync(10)
    expect(isClosed).toBe(false)
    resolve()
    expect(await closed).toMatchObject({ code: 'disk-full' })
  })
})
