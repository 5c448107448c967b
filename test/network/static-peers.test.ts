import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it, onTestFinished, vi } from 'vitest'
import { peerIdOf } from '../../network/peers/peer-name.ts'
import { StaticPeers } from '../../network/peers/static-peers.ts'
import { keyOf } from '../fakes/certified-pushes.ts'

it('tells once that a peer is away, and goes on dialling it', async () => {
  let dialled = 0
  const told: string[] = []
  const dial = async (): Promise<never> => {
    dialled += 1
    throw new Error('nobody is there')
  }
  const peers = new StaticPeers({
    host: { dial } as unknown as Libp2p,
    link: async () => undefined,
    isRefused: () => false,
    trouble: address => told.push(address),
  })
  onTestFinished(() => peers.close())
  peers.add(multiaddr('/ip4/127.0.0.1/tcp/1'))
  await expect.poll(() => dialled).toBeGreaterThan(2)
  expect(told).toEqual(['/ip4/127.0.0.1/tcp/1'])
})

it.each(['answered once', 'is refused when it answers'])(
  'does not dial a peer that %s and is refused, until it is not',
  async how => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const [key, address] = [keyOf(7), multiaddr('/ip4/127.0.0.1/tcp/1')]
    const refusedKeys = new Set(how === 'answered once' ? [] : [key])
    const host = Object.assign(new EventTarget(), { dial: vi.fn(), peerStore: { merge: async () => undefined } })
    const peers = new StaticPeers({
      host: host as unknown as Libp2p,
      link: async () => undefined,
      isRefused: peer => refusedKeys.has(peer),
      trouble: () => undefined,
    })
    onTestFinished(() => peers.close())
    host.dial.mockImplementation(async () => {
      if (!refusedKeys.has(key)) return { remotePeer: peerIdOf(key) }
      peers.refused(key, address)
      throw new Error('not to be spoken to')
    })
    peers.add(address)
    await vi.advanceTimersByTimeAsync(100)
    expect(peers.all).toEqual([{ address: address.toString(), key }])
    refusedKeys.add(key)
    host.dispatchEvent(new CustomEvent('peer:disconnect', { detail: peerIdOf(key) }))
    await vi.advanceTimersByTimeAsync(10 * 60_000)
    expect(host.dial).toHaveBeenCalledTimes(1)
    refusedKeys.delete(key)
    peers.pardoned(key)
    await vi.advanceTimersByTimeAsync(100)
    expect(host.dial).toHaveBeenCalledTimes(2)
  },
)
