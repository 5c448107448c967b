import type { Multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { YamuxFrames } from '../../network/host/yamux-frames.ts'
import { loneHost } from './lone-host.ts'
import { yamuxFrame } from './stranger.ts'

const [DATA, WINDOW, PING] = [0, 1, 2]
const [SYN, FIN] = [1, 4]

const bytes = (length: number): Uint8Array<ArrayBuffer> => new Uint8Array(length).map((_, at) => at)

it('frames are those that were sent, in whatever pieces they come', () => {
  const sent = Buffer.concat([
    yamuxFrame(DATA, SYN, 3, 40, bytes(40)),
    yamuxFrame(WINDOW, 0, 3, 4_000_000_000),
    yamuxFrame(PING, SYN, 0, 7),
    yamuxFrame(DATA, FIN, 3, 0),
    yamuxFrame(DATA, FIN, 5, 2, bytes(2)),
  ])
  for (let size = 1; size <= sent.length; size++) {
    const frames = new YamuxFrames()
    const came = []
    for (let at = 0; at < sent.length; at += size) came.push(...frames.emitFrames([sent.subarray(at, at + size)]))
    const ofThree = came.filter(({ header: { type, streamID } }) => type === DATA && streamID === 3)
    expect(Buffer.concat(ofThree.map(({ data }) => data ?? new Uint8Array(0)))).toEqual(Buffer.from(bytes(40)))
    expect(ofThree.map(({ header: { flag } }) => flag).filter(flag => flag !== 0)).toEqual([SYN, FIN])
    expect([ofThree[0]?.header.flag, ofThree.at(-1)?.header.flag]).toEqual([SYN, FIN])
    expect(came.find(({ header: { type } }) => type === WINDOW)?.header.length).toBe(4_000_000_000)
    expect(came.find(({ header: { type } }) => type === PING)?.header).toEqual({
      type: PING,
      flag: SYN,
      streamID: 0,
      length: 7,
    })
    const ofFive = came.filter(({ header: { streamID } }) => streamID === 5)
    expect([ofFive.at(-1)?.header.flag, Buffer.concat(ofFive.map(({ data }) => data ?? bytes(0))).length]).toEqual([
      FIN,
      2,
    ])
  }
})

it('what begins more streams or asks for more signs of life than anybody may is refused, and time passes', () => {
  let nowMs = 0
  const frames = new YamuxFrames(() => nowMs)
  const asked = Array.from({ length: 250 }, (_, n) => [
    yamuxFrame(PING, SYN, 0, n),
    yamuxFrame(WINDOW, SYN, 2 * n + 1, 0),
  ]).flat()
  expect(frames.emitFrames(asked)).toHaveLength(500)
  nowMs = 5_000
  expect(frames.emitFrames(asked)).toHaveLength(500)
  expect(() => frames.emitFrames([yamuxFrame(PING, SYN, 0, 0)])).toThrow(
    'more than 500 streams and signs of life in 5000 ms',
  )
})

it('whoever sends more than was agreed is cut at once, though his frame says that it is 4 GiB long', async () => {
  const [asked, asking] = [await loneHost(1, { listens: true }), await loneHost(2)]
  await asked.handle('/takes/nothing', stream => stream.pause())
  const connection = await asking.dial(asked.getMultiaddrs()[0] as Multiaddr)
  const stream = await connection.newStream('/takes/nothing')
  // Below the muxer, which would never say so.
  const { muxer } = connection as unknown as { readonly muxer: { send(data: Uint8Array): boolean } }
  muxer.send(yamuxFrame(DATA, 0, Number(stream.id), 2 ** 32 - 1))
  for (let n = 0; n < 8; n++) muxer.send(new Uint8Array(64 * 1024))
  await expect.poll(() => connection.status).not.toBe('open')
})
