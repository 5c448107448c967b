import { isIPv6 } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'

/** The IP address in an address of a peer; nothing, if it is reached by another way. */
export function ipOf(address: Multiaddr): string | undefined {
  return address.getComponents().find(({ name }) => name === 'ip4' || name === 'ip6')?.value
}

/** The host that an address of a peer leads to, or to the relay before it: as `hostOf` has it, or the name that was dialled. */
export function hostIn(address: Multiaddr): string | undefined {
  const ip = ipOf(address)
  return ip === undefined ? address.getComponents().find(({ name }) => name.startsWith('dns'))?.value : hostOf(ip)
}

/** One host has all addresses of its /64. */
export function hostOf(ip: string): string {
  const mapped = ip.startsWith('::ffff:') ? ip.slice(7) : ip
  if (!isIPv6(mapped)) return mapped
  const [before = '', behind] = mapped.split('::')
  const groups = before.split(':')
  const last = behind === undefined || behind === '' ? [] : behind.split(':')
  const zeros = Array.from({ length: behind === undefined ? 0 : 8 - groups.length - last.length }, () => '0')
  return [...groups, ...zeros, ...last].slice(0, 4).join(':')
}
