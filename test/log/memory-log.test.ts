import { describe, expect, test } from 'vitest'
import { Failure } from '../../protocol/index.ts'
import { blockOf, logConformance, messagesOf, NODE_SEED } from '../conformance/log.ts'
import { replicaConformance } from '../conformance/log-replicas.ts'
import { MemoryLog } from '../fakes/memory-log.ts'

describe('a log in memory', () => {
  logConformance(async () => MemoryLog.open())
  replicaConformance(async () => {
    const log = MemoryLog.open()
    log.signWith(NODE_SEED)
    return log
  })

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
    await expect(log.commit([blockOf(feed, 0)])).rejects.toSatisfy(error => Failure.is(error, 'disk-full'))
    log.failCommits(undefined)
    expect(await log.length(feed)).toBe(0)
    await log.commit([blockOf(feed, 0)])
  })

  test('after a crash holds all that was committed, and of what was only written, the first part', async () => {
    const feed = messagesOf('a')
    const log = MemoryLog.open()
    const [key, value] = [Uint8Array.of(1), Uint8Array.of(2)]
    log.store.write([{ key, value }])
    // Not slot 0: that would have to be a spawn.
    const block = { ...blockOf(feed, 0), firstSlot: 1 }
    await log.commit([block])
    const [kept, lost] = [await log.copy().crash(0), await log.crash(1)]
    expect([await kept.length(feed), await lost.length(feed)]).toEqual([1, 1])
    expect(lost.recovered).toEqual([block])
    expect([await kept.store.get(key), await lost.store.get(key)]).toEqual([value, undefined])
  })

  test('that crashed answers no commit any more', async () => {
    const log = MemoryLog.open()
    const committing = log.commit([blockOf(messagesOf('a'), 0)])
    const after = await log.crash(0)
    expect(await Promise.race([committing.then(() => 'answered'), Promise.resolve('silent')])).toBe('silent')
    expect(await after.length(messagesOf('a'))).toBe(0)
  })
})
