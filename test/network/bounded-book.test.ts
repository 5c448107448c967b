import type { PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { expect, it } from 'vitest'
import { boundBook, toldOf } from '../../network/host/bounded-book.ts'
import { peerIdOf } from '../../network/peers/peer-name.ts'
import { asKeyId, ed25519PublicKey, keyId, STRANGERS_KNOWN_MAX } from '../../protocol/index.ts'
import { loneHost } from './lone-host.ts'

function peer(number: number): PeerId {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, number)
  return peerIdOf(asKeyId(keyId(ed25519PublicKey(seed))))
}
const addresses = (first: number, count: number) =>
  Array.from({ length: count }, (_, n) => multiaddr(`/ip4/127.0.0.1/tcp/${first + n}`))
/** Addresses that come before any of numbers, and at which nobody is. */
const junk = (first: number, count: number) =>
  Array.from({ length: count }, (_, n) => multiaddr(`/dns4/a${first + n}.invalid/tcp/1`))
const protocols = (first: number, count: number) => Array.from({ length: count }, (_, n) => `/protocol/${first + n}`)

async function book(connected: readonly PeerId[] = []) {
  const { peerStore } = await createLibp2p({ start: false })
  const isConnected = (id: PeerId): boolean => connected.some(one => one.equals(id))
  boundBook(peerStore, { strangersMax: 4, toldMax: 2, isConnected })
  const known = async (ids: readonly PeerId[]): Promise<boolean[]> => Promise.all(ids.map(id => peerStore.has(id)))
  return { peerStore, known }
}

it('forgets strangers when there are many, whoever was heard of first, but nobody who is connected', async () => {
  const peers = Array.from({ length: 10 }, (_, n) => peer(n))
  const { peerStore, known } = await book(peers.slice(0, 1))
  for (const id of peers) {
    await peerStore.merge(id, { multiaddrs: addresses(4000, 1) })
    await peerStore.patch(peer(1), { protocols: ['/a'] })
  }
  expect(await known(peers)).toEqual([true, true, ...Array.from({ length: 6 }, () => false), true, true])
})

it('strangers do not have those forgotten that it was told of, which have a bound of their own', async () => {
  const told = [peer(100), peer(101), peer(102)]
  const { peerStore, known } = await book()
  for (const id of told) await peerStore.merge(id, toldOf(addresses(4000, 1)))
  for (let n = 0; n < 10; n++) await peerStore.patch(peer(n), { protocols: ['/a'] })
  // What a peer says of itself later leaves it among them.
  await peerStore.patch(peer(102), { protocols: ['/a'] })
  expect(await known(told)).toEqual([false, true, true])
  expect(await peerStore.all()).toHaveLength(6)
})

it('keeps of one peer no more than an honest one says, at once or bit by bit', async () => {
  const { peerStore } = await book()
  const long = new Uint8Array(257)
  await peerStore.patch(peer(1), {
    addresses: addresses(4000, 1_000).map(one => ({ multiaddr: one, isCertified: true })),
    protocols: [...protocols(0, 1_000), 'p'.repeat(257)],
    metadata: { AgentVersion: long, ProtocolVersion: long.subarray(1) },
    peerRecordEnvelope: new Uint8Array(4_097),
  })
  const [said] = await peerStore.all()
  expect([said?.addresses.length, said?.protocols.length, said?.peerRecordEnvelope]).toEqual([32, 64, undefined])
  expect([...(said?.metadata.keys() ?? [])]).toEqual(['ProtocolVersion'])

  for (let n = 0; n < 50; n++)
    await peerStore.merge(peer(1), {
      multiaddrs: addresses(6000 + 10 * n, 10),
      protocols: protocols(2000 + 10 * n, 10),
    })
  // What it signed stays before what others say of it.
  expect((await peerStore.get(peer(1))).addresses.every(({ isCertified }) => isCertified)).toBe(true)
  await peerStore.merge(peer(1), { multiaddrs: [multiaddr(`/dns4/${'a'.repeat(300)}/tcp/1`)] })
  const later = await peerStore.get(peer(1))
  expect([later.addresses.length, later.protocols.length]).toEqual([32, 64])
})

it.each([
  ['none of them', []],
  ['one of them', addresses(4000, 1)],
])('what others say of a peer does not push out what it signed, when that is %s', async (_, guessed) => {
  const { peerStore } = await book()
  await peerStore.merge(peer(1), { multiaddrs: [...guessed, ...junk(0, 32 - guessed.length)] })
  await peerStore.merge(peer(1), toldOf(addresses(4000, 1)))
  await peerStore.merge(peer(1), { multiaddrs: junk(32, 32) })
  const { addresses: kept } = await peerStore.get(peer(1))
  expect(kept).toHaveLength(32)
  expect(kept.filter(({ isCertified }) => isCertified).map(one => one.multiaddr)).toEqual(addresses(4000, 1))
})

it('the host of a node dials first where a peer signed that it is, wherever else others say', async () => {
  const [asked, asking] = [await loneHost(1, { listens: true }), await loneHost(2)]
  await asking.peerStore.merge(asked.peerId, { multiaddrs: junk(0, 32) })
  await asking.peerStore.merge(asked.peerId, toldOf(asked.getMultiaddrs()))
  const { remoteAddr } = await asking.dial(asked.peerId)
  expect(remoteAddr.toString()).toBe(asked.getMultiaddrs()[0]?.toString())
})

it('the host of a node knows so many strangers, however many come', async () => {
  const { peerStore, peerId } = await loneHost(9)
  for (let n = 0; n < STRANGERS_KNOWN_MAX + 10; n++) await peerStore.patch(peer(n), { protocols: ['/a'] })
  const known = (await peerStore.all()).filter(({ id }) => !id.equals(peerId))
  expect(known).toHaveLength(STRANGERS_KNOWN_MAX)
})
