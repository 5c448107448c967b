import type { Multiaddr } from '@multiformats/multiaddr'
import { expect, it, onTestFinished, vi } from 'vitest'
import { StreamWatch } from '../../network/host/stream-watch.ts'
import { PEER_SERVICE_RATE_MAX_BYTES } from '../../protocol/index.ts'
import { loneHost } from './lone-host.ts'

const PING = '/ipfs/ping/1.0.0'

it('counts what a peer sends to a service from its first byte on, over however many streams', async () => {
  // Its seconds do not pass.
  vi.useFakeTimers({ toFake: ['setInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const watch = new StreamWatch()
  const [asked, asking] = [await loneHost(1, { watch, listens: true }), await loneHost(2)]
  const offences: string[] = []
  watch.begin({ host: asked, offence: (_, what) => offences.push(what) })
  onTestFinished(() => watch.end())
  let echoed = 0
  const send = async (bytes: number): Promise<void> => {
    const stream = await asking.dialProtocol(asked.getMultiaddrs()[0] as Multiaddr, PING)
    stream.addEventListener('message', ({ data }) => {
      echoed += data.byteLength
    })
    const before = echoed
    stream.send(new Uint8Array(bytes))
    await expect.poll(() => echoed).toBe(before + bytes)
    await stream.close()
  }
  const max = 5 * PEER_SERVICE_RATE_MAX_BYTES
  const part = 100_000
  for (let sent = 0; sent + part < max; sent += part) await send(part)
  expect(offences).toEqual([])
  await send(part)
  expect(offences).toEqual([`${max} bytes to /ipfs/ping/ in less than 5000 ms`])
})

it('counts what a piece takes to be held, though it has but a byte', async () => {
  vi.useFakeTimers({ toFake: ['setInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const watch = new StreamWatch()
  const [asked, asking] = [await loneHost(1, { watch, listens: true }), await loneHost(2)]
  const offences: string[] = []
  watch.begin({ host: asked, offence: (_, what) => offences.push(what) })
  onTestFinished(() => watch.end())
  const stream = await asking.dialProtocol(asked.getMultiaddrs()[0] as Multiaddr, PING)
  const pieces = (5 * PEER_SERVICE_RATE_MAX_BYTES) / 128
  for (let n = 0; n < pieces; n++) {
    stream.send(Uint8Array.of(1))
    if (n % 500 === 499) await new Promise(resolve => setImmediate(resolve))
  }
  await expect.poll(() => offences).toHaveLength(1)
})
