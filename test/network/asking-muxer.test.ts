import type { StreamMuxerFactory } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { askingMuxer } from '../../network/host/asking-muxer.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A connection on paper, and a muxer over it that is asked. */
function connected(answer: () => Promise<unknown>) {
  let asked = 0
  const ended: Error[] = []
  const connection = Object.assign(new EventTarget(), { abort: (error: Error) => void ended.push(error) })
  const muxer = {
    ping: () => {
      asked += 1
      return answer()
    },
  }
  const create = askingMuxer(() => ({ createStreamMuxer: () => muxer }) as unknown as StreamMuxerFactory)
  create({}).createStreamMuxer(connection as never)
  return { connection, ended, asked: () => asked }
}

it('asks the other side again and again, until the connection is closed', async () => {
  const { connection, ended, asked } = connected(async () => 1)
  await vi.advanceTimersByTimeAsync(15_000)
  expect([asked(), ended]).toEqual([3, []])
  connection.dispatchEvent(new Event('close'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(asked()).toBe(3)
})

it('ends a connection whose other side gives no sign of life', async () => {
  const { ended } = connected(() => Promise.reject(new Error('no answer')))
  await vi.advanceTimersByTimeAsync(5_000)
  expect(ended.map(({ message }) => message)).toEqual(['no answer'])
})

it('leaves muxers of other kinds as they are', () => {
  const muxer = {}
  const create = askingMuxer(() => ({ createStreamMuxer: () => muxer }) as unknown as StreamMuxerFactory)
  expect(create({}).createStreamMuxer(new EventTarget() as never)).toBe(muxer)
  expect(vi.getTimerCount()).toBe(0)
})
