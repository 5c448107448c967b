import type { GossipSub } from '@libp2p/gossipsub'
import { expect, it } from 'vitest'
import { Gossip } from '../../network/gossip.ts'
import { peerIdOf } from '../../network/peer-name.ts'
import { asKeyId } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'

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
