import { describe, expect, it } from 'vitest'
import { Patience } from '../../compute-unit/patience.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'

const LIMIT_MS = 1_000

describe('waits that share one sleep of the clock', () => {
  it('end with their work, be it well or not', async () => {
    using patience = new Patience(new ManualClock(), LIMIT_MS)
    await expect(patience.within(Promise.resolve('done'))).resolves.toBe('done')
    await expect(patience.within(Promise.reject(new Error('no')))).rejects.toThrow('no')
  })

  it('are given up one after the other, each after its own time', async () => {
    const clock = new ManualClock()
    using patience = new Patience(clock, LIMIT_MS)
    const ended: string[] = []
    const begin = (name: string, work: Promise<unknown>): void =>
      void patience.within(work).then(
        () => ended.push(`${name} done`),
        error => ended.push(`${name} ${error.code}`),
      )
    const never = new Promise(() => undefined)
    const { promise, resolve } = Promise.withResolvers<void>()
    begin('first', never)
    clock.advance(400)
    begin('second', promise)
    clock.advance(100)
    begin('third', never)
    clock.advance(499)
    await settle()
    expect(ended).toEqual([])
    clock.advance(1)
    await settle()
    expect(ended).toEqual(['first timeout'])
    resolve()
    await settle()
    clock.advance(500)
    await settle()
    expect(ended).toEqual(['first timeout', 'second done', 'third timeout'])
    begin('later', never)
    clock.advance(LIMIT_MS)
    await settle()
    expect(ended.at(-1)).toBe('later timeout')
  })

  it('leave no sleep behind once nobody will wait any more', async () => {
    const clock = new ManualClock()
    const patience = new Patience(clock, LIMIT_MS)
    await Promise.all(Array.from({ length: 10 }, () => patience.within(Promise.resolve())))
    expect(clock.sleeping).toBe(1)
    patience[Symbol.dispose]()
    await settle()
    expect(clock.sleeping).toBe(0)
  })
})
