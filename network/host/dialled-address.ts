import type { Multiaddr } from '@multiformats/multiaddr'

/** What no node is reached by: a socket in the file system of this machine, a path of a web server. */
const ELSEWHERE: ReadonlySet<string> = new Set(['unix', 'http-path'])

/** Whether an address leads to what is no node. Anybody may say that he is there, and whoever looks for him would speak to it. */
export function leadsElsewhere(address: Multiaddr): boolean {
  return address.getComponents().some(({ name }) => ELSEWHERE.has(name))
}
