import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, it } from 'vitest'
import { writeNewsOnly } from '../../network/host/brief-notes.ts'
import { peerIdOf } from '../../network/peers/peer-name.ts'
import { asKeyId, ed25519PublicKey, keyId } from '../../protocol/index.ts'

const PEER = peerIdOf(asKeyId(keyId(ed25519PublicKey(new Uint8Array(32).fill(3)))))
const HERE = multiaddr('/ip4/127.0.0.1/tcp/4000')
const THERE = multiaddr('/ip4/127.0.0.1/tcp/5000')

/** The book of a host that is not started; how often it was written to, and its clock. */
async function book() {
  const { peerStore } = await createLibp2p({ start: false })
  const merge = peerStore.merge.bind(peerStore)
  let written = 0
  peerStore.merge = (...asked) => {
    written += 1
    return merge(...asked)
  }
  const clock = { ms: 1_000 }
  writeNewsOnly(peerStore, 8, () => clock.ms)
  return { peerStore, clock, written: () => written }
}

it('writes what is new, and what stands there already not again', async () => {
  const { peerStore, written } = await book()
  await peerStore.merge(PEER, { protocols: ['/a'], multiaddrs: [HERE] })
  await peerStore.merge(PEER, { protocols: ['/a'] })
  await peerStore.merge(PEER, { multiaddrs: [multiaddr(`${HERE}/p2p/${PEER}`)] })
  expect(written()).toBe(1)
  await peerStore.merge(PEER, { protocols: ['/a', '/b'] })
  await peerStore.merge(PEER, { multiaddrs: [HERE, THERE] })
  await peerStore.merge(PEER, { protocols: ['/a'], metadata: { seen: new Uint8Array([1]) } })
  expect(written()).toBe(4)
  const { protocols, addresses, metadata } = await peerStore.get(PEER)
  expect([protocols.toSorted(), addresses.length, metadata.get('seen')]).toEqual([['/a', '/b'], 2, new Uint8Array([1])])
})

it('writes again what was taken out meanwhile, or stands there long', async () => {
  const { peerStore, clock, written } = await book()
  const note = { protocols: ['/a'], multiaddrs: [HERE] }
  await peerStore.merge(PEER, note)
  await peerStore.patch(PEER, { protocols: ['/b'] })
  await peerStore.merge(PEER, { protocols: ['/a'] })
  expect([written(), (await peerStore.get(PEER)).protocols.toSorted()]).toEqual([2, ['/a', '/b']])
  await peerStore.delete(PEER)
  await peerStore.merge(PEER, note)
  expect([written(), (await peerStore.get(PEER)).protocols]).toEqual([3, ['/a']])
  clock.ms += 60_000
  await peerStore.merge(PEER, note)
  expect(written()).toBe(4)
})
