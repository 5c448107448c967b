/** Networks whose owners could be anybody's neighbours: they say nothing about who is behind an address. */
const PRIVATE = /^\/ip4\/(127|10|192\.168|172\.(1[6-9]|2\d|3[01])|169\.254)\.|^\/ip6\/(::1|f[cd]|fe[89ab])/

/** The /24 or /48 of an address; nothing for names and for addresses that are not of the open network. */
export function networkGroup(address: string): string | undefined {
  if (PRIVATE.test(address)) return undefined
  const ip4 = /^\/ip4\/(\d+\.\d+\.\d+)\./.exec(address)?.[1]
  if (ip4 !== undefined) return ip4
  const ip6 = /^\/ip6\/([0-9a-f:]+)/.exec(address)?.[1]
  return ip6 === undefined ? undefined : expand(ip6).slice(0, 3).join(':')
}

/** Keeps the order, and of those whose addresses are in one network the first two. */
export function atMostTwoOfANetwork<T>(all: readonly T[], addressesOf: (one: T) => readonly string[]): readonly T[] {
  const counts = new Map<string, number>()
  return all.filter(one => {
    const groups = new Set(addressesOf(one).flatMap(address => networkGroup(address) ?? []))
    if ([...groups].some(group => (counts.get(group) ?? 0) >= 2)) return false
    for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1)
    return true
  })
}

/** The eight parts of an IPv6 address. */
function expand(address: string): string[] {
  const [left = '', right] = address.split('::')
  const head = left === '' ? [] : left.split(':')
  const tail = right === undefined || right === '' ? [] : right.split(':')
  const zeros = right === undefined ? [] : Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0')
  return [...head, ...zeros, ...tail]
}
