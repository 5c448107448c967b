import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it, onTestFinished } from 'vitest'
import { StaticPeers } from '../../network/static-peers.ts'

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
    trouble: address => told.push(address),
  })
  onTestFinished(() => peers.close())
  peers.add(multiaddr('/ip4/127.0.0.1/tcp/1'))
  await expect.poll(() => dialled, { timeout: 10_000 }).toBeGreaterThan(2)
  expect(told).toEqual(['/ip4/127.0.0.1/tcp/1'])
})
