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
  await expect.poll(places, { timeout: 5_000 }).toBe(0)
})

it('one host has no more than a part of the places of a relay, however many keys it has', () => {
  const at = (host: string, port: number): Multiaddr => multiaddr(`/ip4/${host}/tcp/${port}`)
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
  expect(RELAY_RESERVATIONS_PER_HOST_MAX).toBeLessThan(RELAY_RESERVATIONS_MAX / 2)
})
