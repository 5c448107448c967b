import { expect, test } from 'vitest'
import { ProcessSearch } from '../../node/learning/process-search.ts'
import {
  ANNOUNCED_AT_ONCE_MAX,
  ANNOUNCED_TRIES_MAX,
  ANNOUNCED_WAITING_MAX,
  ANNOUNCERS_MAX,
  asKeyId,
  asProcessId,
  Failure,
  type KeyId,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'
import { keyOf, PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'

const [hostile, honest] = [keyOf(1), keyOf(2)]
const ids = (count: number, from = 0): ProcessId[] =>
  Array.from({ length: count }, (_, at) => asProcessId(fakeId(from + at)))

function searching(find: (id: ProcessId, from: KeyId) => Promise<ProcessDescription | undefined>) {
  const clock = new ManualClock()
  const [found, asked]: [ProcessId[], [ProcessId, number][]] = [[], []]
  const search = new ProcessSearch({
    clock,
    random: () => 0.5,
    find: (id, from) => {
      asked.push([id, clock.now()])
      return find(id, from)
    },
    found: ({ id }) => found.push(id),
    trouble: () => undefined,
  })
  return { search, clock, found, asked }
}

test('a node that names a thousand things which are not there keeps no other waiting, and few of its things are asked for at once', async () => {
  const never = new Promise<undefined>(() => undefined)
  const { search, found, asked } = searching(async (id, from) =>
    from === hostile ? never : new PaperProcess(id, [1], 1).description,
  )
  const answer = expect(search.want(ids(1_000), hostile)).rejects.toMatchObject({ code: 'busy' })
  void search.want(ids(20, 5_000), honest)
  await settle(60)
  expect(found).toEqual(ids(20, 5_000))
  expect(asked).toHaveLength(20 + ANNOUNCED_AT_ONCE_MAX)
  search[Symbol.dispose]()
  await answer
})

test('what finds no room is refused, and what did find room can be said again', async () => {
  const held: (() => void)[] = []
  const { search, found } = searching(
    id => new Promise(resolve => held.push(() => resolve(new PaperProcess(id, [1], 1).description))),
  )
  const all = ids(ANNOUNCED_WAITING_MAX + 500)
  const say = (): Promise<void> =>
    search.want(
      all.filter(id => !found.includes(id)),
      honest,
    )
  await expect(say()).rejects.toMatchObject({ code: 'busy' })
  expect(search.size).toBe(ANNOUNCED_WAITING_MAX)
  for (let round = 0; found.length < 500 && round < 500; round++) {
    for (const go of held.splice(0)) go()
    await settle(2)
  }
  const said = say()
  for (let isOver = false; !isOver; await settle(2)) {
    for (const go of held.splice(0)) go()
    isOver = search.size === 0
  }
  await said
  expect(found).toEqual(all)
})

test('who names processes is answered once each was looked for, and names those again to which the way failed', async () => {
  const paper = (id: ProcessId): ProcessDescription => new PaperProcess(id, [1], 1).description
  const [near, far] = [Promise.withResolvers<ProcessDescription>(), Promise.withResolvers<undefined>()]
  const [first, second, third, fourth] = ids(4)
  let isReachable = false
  const { search, found, clock } = searching(async id => {
    if (id === first) return near.promise
    if (id === second) return far.promise
    if (id === third && !isReachable) throw new Failure('unreachable')
    return id === fourth ? undefined : paper(id)
  })
  let answered = 0
  const named = (...wanted: (ProcessId | undefined)[]): Promise<void> =>
    search
      .want(
        wanted.flatMap(id => id ?? []),
        honest,
      )
      .finally(() => {
        answered += 1
      })
  const both = named(first, second)
  near.resolve(paper(first ?? asProcessId(fakeId(0))))
  await settle()
  expect([found, answered]).toEqual([[first], 0])
  far.resolve(undefined)
  await both
  await expect(named(third, fourth)).rejects.toMatchObject({ code: 'busy', details: { missed: 1 } })
  isReachable = true
  clock.advance(1_000)
  await settle()
  expect(found).toEqual([first, third])
  search[Symbol.dispose]()
})

test('who waits for an answer when all ends is told to come again', async () => {
  const { search } = searching(() => new Promise(() => undefined))
  const answer = search.want(ids(1), honest)
  search[Symbol.dispose]()
  await expect(answer).rejects.toMatchObject({ code: 'busy' })
})

test('what is not found is looked for later and later, never all at one moment, and then forgotten', async () => {
  let random = 0
  const { search, clock, asked } = searching(async () => {
    random += 1
    if (random % 2 === 0) return undefined
    throw new Failure('unreachable')
  })
  const answer = expect(search.want(ids(1), hostile)).rejects.toMatchObject({ code: 'busy' })
  for (let at = 0; at < 1_000; at++) {
    await settle(2)
    clock.advance(1_000)
  }
  await answer
  expect(asked).toHaveLength(ANNOUNCED_TRIES_MAX)
  const pauses = asked.slice(1).map(([, atMs], at) => atMs - (asked[at]?.[1] ?? 0))
  expect(pauses.slice(1).every((pause, at) => pause >= (pauses[at] ?? 0))).toBe(true)
  expect(search.size).toBe(0)
})

test('a date that was set back keeps nobody waiting', async () => {
  const { search, clock, asked } = searching(async () => undefined)
  void search.want(ids(1), honest)
  await settle()
  clock.setDate(-3_600_000)
  clock.advance(1_000)
  await settle()
  expect(asked).toHaveLength(2)
  search[Symbol.dispose]()
})

test('what was named anew is looked for at once, though older things wait for their next turn', async () => {
  const { search, found } = searching(async id =>
    id === asProcessId(fakeId(9_000)) ? new PaperProcess(id, [1], 1).description : undefined,
  )
  void search.want(ids(100), honest)
  await settle(200)
  void search.want(ids(1, 9_000), honest)
  await settle()
  expect(found).toEqual(ids(1, 9_000))
  search[Symbol.dispose]()
})

test('whoever names nothing takes no place from others', async () => {
  const { search, found } = searching(async id => new PaperProcess(id, [1], 1).description)
  for (let at = 0; at <= ANNOUNCERS_MAX; at++) void search.want([], asKeyId(fakeId(at)))
  void search.want(ids(1), honest)
  await settle(10)
  expect(found).toEqual(ids(1))
  search[Symbol.dispose]()
})
