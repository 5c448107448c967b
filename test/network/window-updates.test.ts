import type { Stream } from '@libp2p/interface'
import { expect, it } from 'vitest'
import { sendFewerWindowUpdates } from '../../network/host/window-updates.ts'

const [OPENED_THERE, ESTABLISHED, PAUSED] = [2, 3, 5]

/** As a stream of yamux behaves: the window is whole again after each update. */
class PaperStream {
  state = ESTABLISHED
  recvWindow = 1_000
  recvWindowCapacity = 1_000
  updates = 0
  sendWindowUpdate(): void {
    this.updates += 1
    this.recvWindowCapacity = this.recvWindow
  }
  take(bytes: number): void {
    this.recvWindowCapacity -= bytes
    this.sendWindowUpdate()
  }
}

function opened(): PaperStream {
  const stream = new PaperStream()
  sendFewerWindowUpdates(stream as unknown as Stream)
  return stream
}

it('gives more window once half of it is used, so that who sends always has half', () => {
  const stream = opened()
  for (let n = 0; n < 4; n++) stream.take(100)
  expect([stream.updates, stream.recvWindowCapacity]).toEqual([0, 600])
  stream.take(100)
  expect([stream.updates, stream.recvWindowCapacity]).toEqual([1, 1_000])
  stream.take(900)
  expect(stream.updates).toBe(2)
})

it('says what must be said at the beginning of a stream, and leaves what is paused to the stream', () => {
  const stream = opened()
  for (const state of [OPENED_THERE, PAUSED]) {
    stream.state = state
    stream.sendWindowUpdate()
  }
  expect(stream.updates).toBe(2)
})

it('leaves streams of other kinds as they are', () => {
  const stream = { sendWindowUpdate: () => 7 }
  const { sendWindowUpdate } = stream
  sendFewerWindowUpdates(stream as unknown as Stream)
  expect(stream.sendWindowUpdate).toBe(sendWindowUpdate)
})
