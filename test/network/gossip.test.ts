import type { GossipSub } from '@libp2p/gossipsub'
import type { PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { Gossip } from '../../network/gossip.ts'
import { peerIdOf } from '../../network/peers/peer-name.ts'
import { asKeyId, GOSSIP_TOPICS } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { loneHost } from './lone-host.ts'

it('what is judged is plain bytes, and not a part of all that the peer sent with it', async () => {
  const topicValidators: GossipSub['topicValidators'] = new Map()
  const service = { topicValidators, subscribe: () => undefined } as Partial<GossipSub> as GossipSub
  const heard: Uint8Array[] = []
  new Gossip({ service, offence: key => expect.fail(key) }).subscribe('/atoll/records/1', bytes => {
    heard.push(bytes)
    return 'accept'
  })
  const peer = peerIdOf(asKeyId(keyOf(1)))
  const data = Buffer.alloc(64 * 1024, 7).subarray(100, 300)
  const rest = { sequenceNumber: 1n, signature: new Uint8Array(64), key: peer.publicKey ?? expect.fail('no key') }
  const message = { type: 'signed', from: peer, topic: '/atoll/records/1', data, ...rest } as const
  expect(await topicValidators.get('/atoll/records/1')?.(peer, message)).toBe('accept')
  const [bytes] = heard
  expect([bytes?.constructor, bytes?.length, bytes?.buffer.byteLength]).toEqual([Uint8Array, 200, 200])
})

/** What libp2p's gossip keeps of peers. */
interface Kept {
  addPeer(id: PeerId, direction: 'inbound', address: Multiaddr): void
  removePeer(id: PeerId): void
  acceptFrom(id: string): boolean
  handlePrune(id: string, prune: readonly { topicID: string; backoff: number }[]): Promise<void>
  readonly score: { readonly size: number; refreshScores(): void }
  readonly backoff: ReadonlyMap<string, ReadonlyMap<string, number>>
}

describe('what is kept of peers that come and go', () => {
  const peerOf = (seed: number): PeerId => peerIdOf(asKeyId(keyOf(seed)))
  const kept = async (): Promise<Kept> => (await loneHost(1)).services.gossip as unknown as Kept

  it('takes the word from nobody who shares their address', async () => {
    const gossip = await kept()
    const address = multiaddr('/ip4/192.0.2.7/tcp/7334')
    for (let seed = 10; seed < 40; seed++) gossip.addPeer(peerOf(seed), 'inbound', address)
    expect(gossip.acceptFrom(peerOf(10).toString())).toBe(true)
  })

  it('is forgotten soon after they went', async () => {
    const gossip = await kept()
    vi.useFakeTimers({ toFake: ['Date'] })
    onTestFinished(() => void vi.useRealTimers())
    gossip.addPeer(peerOf(10), 'inbound', multiaddr('/ip4/192.0.2.7/tcp/7334'))
    gossip.removePeer(peerOf(10))
    vi.setSystemTime(Date.now() + 60_000)
    gossip.score.refreshScores()
    expect(gossip.score.size).toBe(0)
  })

  it('is not for as long as they would have it', async () => {
    const gossip = await kept()
    const [topic] = GOSSIP_TOPICS
    new Gossip({ service: gossip as unknown as GossipSub, offence: () => undefined }).subscribe(topic, () => 'ignore')
    const id = peerOf(10).toString()
    await gossip.handlePrune(id, [{ topicID: topic, backoff: 2 ** 40 }])
    expect(gossip.backoff.get(topic)?.get(id)).toBeLessThan(Date.now() + 3_600_000)
  })
})
