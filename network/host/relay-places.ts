import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { RELAY_RESERVATIONS_PER_HOST_MAX } from '../../protocol/index.ts'
import { hostIn } from './host-of.ts'

/** What a relay keeps of those for whom it carries connections. */
export interface Reservations {
  values(): Iterable<{ readonly addr: Multiaddr }>
  has(peer: PeerId): boolean
  get(peer: PeerId): { readonly signal: { reset(ms: number): void } } | undefined
  delete(peer: PeerId): void
}

/** Whether a host has as many of the places of a relay as it may: keys cost nothing, and all places would be its own. */
export function isCrowded(reservations: Pick<Reservations, 'values' | 'has'>, peer: PeerId, from: Multiaddr): boolean {
  if (reservations.has(peer)) return false
  const host = hostIn(from)
  const there = [...reservations.values()].filter(({ addr }) => hostIn(addr) === host)
  return there.length >= RELAY_RESERVATIONS_PER_HOST_MAX
}

/**
 * Has whoever is gone leave his place: libp2p keeps it for two hours, for nobody. Its time ends as well: if it went on, it would take
 * the place from whoever came back meanwhile.
 */
export function freePlaces(
  reservations: Pick<Reservations, 'get' | 'delete'>,
  events: { addEventListener(name: 'peer:disconnect', gone: (event: CustomEvent<PeerId>) => void): void },
): void {
  events.addEventListener('peer:disconnect', ({ detail }) => {
    reservations.get(detail)?.signal.reset(0)
    reservations.delete(detail)
  })
}
