import { expect, onTestFinished, test, vi } from 'vitest'
import type { FollowedFeed } from '../../node/following/feed-following.ts'
import { ProcessFollowing, type ProcessFollowingParts } from '../../node/following/process-following.ts'
import { Failure } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'

test('a module that a full disk refuses is asked for until it is here, and its process goes on', async () => {
  const { description, spawn } = await ProvenProcess.open([11], 1, [])
  const log = MemoryLog.open()
  await log.directory.addProcess(description, spawn)
  const [asked, caughtUp, troubles]: [string[], string[], string[]] = [[], [], []]
  const clock = new ManualClock()
  const following = new ProcessFollowing({
    key: keyOf(11),
    log,
    clock,
    processes: { process: async () => description, processOf: async () => description },
    modules: {
      learn: async module => {
        if (asked.push(module) < 3) throw new Failure('disk-full')
        return true
      },
    },
    units: {
      computer: { catchUp: (id: string) => caughtUp.push(id) },
    } as unknown as ProcessFollowingParts['units'],
    feeds: { follow: () => ({ source: undefined, [Symbol.dispose]: () => undefined }) },
    trouble: (_, { code }) => void troubles.push(code),
  })
  onTestFinished(() => following[Symbol.dispose]())
  await following.resume()
  for (let turn = 0; turn < 4; turn++) {
    await settle()
    clock.advance(30_000)
  }
  expect([asked.length, troubles, caughtUp]).toEqual([3, ['disk-full', 'disk-full'], [description.id]])
})

test('who names a process is answered once it survives the end of this node: it would not be named again', async () => {
  const { description, spawn } = await ProvenProcess.open([11], 1, [])
  const log = MemoryLog.open()
  const written = Promise.withResolvers<void>()
  vi.spyOn(log.directory, 'written').mockImplementation(() => written.promise)
  const [followed, answered]: [FollowedFeed[], string[]] = [[], []]
  const following = new ProcessFollowing({
    key: keyOf(11),
    log,
    clock: new ManualClock(),
    processes: {
      process: async () => description,
      processOf: async () => {
        await log.directory.addProcess(description, spawn)
        return description
      },
    },
    modules: { learn: async () => true },
    units: { computer: { catchUp: () => undefined } } as unknown as ProcessFollowingParts['units'],
    feeds: {
      follow: feed => {
        followed.push(feed)
        return { source: undefined, [Symbol.dispose]: () => undefined }
      },
    },
    trouble: () => undefined,
  })
  onTestFinished(() => following[Symbol.dispose]())
  const say = (time: string): Promise<unknown> =>
    following.announced([description.id], keyOf(1)).then(() => answered.push(time))
  const first = say('first')
  await settle()
  // It is followed already when it is named again.
  const second = say('second')
  await settle()
  expect([followed.length, answered]).toEqual([1, []])
  written.resolve()
  await Promise.all([first, second])
  expect(answered).toEqual(['first', 'second'])
})
