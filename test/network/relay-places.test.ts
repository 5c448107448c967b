import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'
import { isCrowded } from '../../network/host/relay-places.ts'
import { peerIdOf } from '../../network/peers/peer-name.ts'
import { asKeyId, RELAY_RESERVATIONS_MAX, RELAY_RESERVATIONS_PER_HOST_MAX } from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { loneHost } from './lone-host.ts'

it('whoever is gone has no place at a relay any more', async () => {
  const relay = await loneHost(1, { listens: true, relay: true })
  const [address] = relay.getMultiaddrs()
  const hidden = await loneHost(2, { listen: [`${address}/p2p-circuit`] })
  const places = (): number => relay.services.relay?.reservations.size ?? -1
  await expect.poll(places).toBe(1)
  await hidden.stop()
  await expect.poll(places).toBe(0)
})

it('whoever comes back has its place for as long as it was given, whatever was left of the one before', async () => {
  const relay = await loneHost(1, { listens: true, relay: true })
  const listen = [`${relay.getMultiaddrs()[0]}/p2p-circuit`]
  const places = () => relay.services.relay?.reservations
  const hidden = await loneHost(2, { listen })
  await expect.poll(() => places()?.size).toBe(1)
  const before = places()?.get(hidden.peerId) ?? expect.fail('it has no place')
  // As when it was given almost two hours ago.
  before.signal.reset(3_000)
  await hidden.stop()
  await expect.poll(() => places()?.size).toBe(0)
  await loneHost(2, { listen })
  await expect.poll(() => places()?.size).toBe(1)
  await expect.poll(() => before.signal.aborted).toBe(true)
  expect(places()?.size).toBe(1)
})

it('one host has no more than a part of the places of a relay, however many keys it has', () => {
  const at = (host: string, port: number): Multiaddr =>
    multiaddr(`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}`)
  const peer = (seed: number) => peerIdOf(asKeyId(keyOf(seed)))
  const held: { readonly addr: Multiaddr }[] = []
  const reservations = { values: () => held, has: () => false }
  for (let n = 0; n < RELAY_RESERVATIONS_PER_HOST_MAX; n++) {
    expect(isCrowded(reservations, peer(10), at('192.0.2.1', n))).toBe(false)
    held.push({ addr: at('192.0.2.1', n) })
  }
  expect(isCrowded(reservations, peer(10), at('192.0.2.1', 999))).toBe(true)
  expect(isCrowded(reservations, peer(10), at('192.0.2.2', 999))).toBe(false)
  expect(isCrowded({ ...reservations, has: () => true }, peer(10), at('192.0.2.1', 999))).toBe(false)
  // All addresses of a /64 are one host.
  held.splice(0, held.length, ...held.map((_, n) => ({ addr: at(`2001:db8::${n + 1}`, 1) })))
  expect(isCrowded(reservations, peer(10), at('2001:db8::ffff', 1))).toBe(true)
  expect(isCrowded(reservations, peer(10), at('2001:db8:0:1::1', 1))).toBe(false)
  expect(RELAY_RESERVATIONS_PER_HOST_MAX).toBeLessThan(RELAY_RESERVATIONS_MAX / 2)
})
