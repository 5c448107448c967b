import { expect, test } from 'vitest'
import { FeedStates } from '../../log/feeds/feed-states.ts'
import { asKeyId, Failure } from '../../protocol/index.ts'
import { messagesOf } from '../conformance/log.ts'

const MAX = 4

function states(heldMax?: number) {
  const retired: string[] = []
  const nodeKey = asKeyId('A'.repeat(43))
  const all = new FeedStates({ nodeKey, max: MAX, heldMax, retired: ({ name }) => void retired.push(name) })
  const useOthers = (): void => {
    for (let nth = 0; nth < 20 * MAX; nth++) all.of(messagesOf(`other ${nth}`))
  }
  return { all, retired, useOthers }
}

test('states beyond the bound are forgotten, and told of', () => {
  const { all, retired, useOthers } = states()
  const state = all.of(messagesOf('a'))
  useOthers()
  expect(all.size).toBe(MAX)
  expect(retired).toContain(state.name)
  expect(all.of(messagesOf('a'))).not.toBe(state)
})

test('what is held stays, for whoever asks, until the last one lets it go', () => {
  const { all, retired, useOthers } = states()
  const feeds = Array.from({ length: 3 * MAX }, (_, nth) => messagesOf(`feed ${nth}`))
  const held = [feeds, feeds].map(some => some.map(feed => all.hold(feed)))
  const before = feeds.map(feed => all.of(feed))
  for (const one of held[0] ?? []) {
    one[Symbol.dispose]()
    one[Symbol.dispose]()
  }
  useOthers()
  expect(feeds.map(feed => all.of({ ...feed }))).toEqual(before)
  expect(all.size).toBe(MAX + feeds.length)
  for (const one of held[1] ?? []) one[Symbol.dispose]()
  useOthers()
  expect(all.size).toBe(MAX)
  for (const { name } of before) expect(retired).toContain(name)
})

test('of too many that are to be held, those beyond the bound are forgotten like others', () => {
  const { all, useOthers } = states(2)
  for (const name of ['a', 'b', 'c']) all.hold(messagesOf(name))
  using _again = all.hold(messagesOf('a'))
  useOthers()
  expect(all.size).toBe(MAX + 2)
})

test('feeds that stand still are told of, held or not', () => {
  const { all } = states()
  all.hold(messagesOf('a'))
  const failure = new Failure('feed-frozen')
  for (const name of ['a', 'b']) all.of(messagesOf(name)).frozen = failure
  expect(all.frozen().map(({ feed }) => feed.process)).toEqual([messagesOf('b').process, messagesOf('a').process])
})
