import { describe, expect, test } from 'vitest'
import { Failure } from '../../protocol/index.ts'
import { blockOf, logConformance, messagesOf } from '../conformance/log.ts'
import { MemoryLog } from '../fakes/memory-log.ts'

describe('a log in memory', () => {
  logConformance(async () => MemoryLog.open())

  test('opened from another it holds what was committed there, and says so', async () => {
    const feed = messagesOf('a')
    const log = MemoryLog.open()
    await log.commit([blockOf(feed, 0)])
    const again = MemoryLog.open({ from: log })
    expect(again.recovered).toEqual([blockOf(feed, 0)])
    expect(await again.length(feed)).toBe(1)
  })

  test('fails commits while told to, and keeps nothing of them', async () => {
    const feed = messagesOf('a')
    const log = MemoryLog.open()
    log.failCommits(new Failure('disk-full'))
    await expect(log.commit([blockOf(feed, 0)])).rejects.toSatisfy(error =>
      Failure.is(error, 'disk-full'),
    )
    log.failCommits(undefined)
    expect(await log.length(feed)).toBe(0)
    await log.commit([blockOf(feed, 0)])
  })
})
