import type { Multiaddr } from '@multiformats/multiaddr'

/** The IP address in an address of a peer; nothing, if it is reached by another way. */
export function hostOf(address: Multiaddr): string | undefined {
  return address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value
}
