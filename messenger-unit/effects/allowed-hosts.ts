import { isIP } from 'node:net'
import { Failure } from '../../protocol/index.ts'

/** One entry of a node's list of hosts that processes may reach. */
interface AllowedHost {
  readonly protocol: 'http:' | 'https:'
  /** A name, `*.name` for all below it, or `*`. */
  readonly host: string
  readonly port: string
  /** The operator named this very address of a private network. */
  readonly mayBePrivate: boolean
}

const ENTRY = /^(?:(https?):\/\/)?(\*|(?:\*\.)?[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i

/**
 * Reads entries `[scheme://]host[:port]`: https and its port unless said otherwise; `*.example.com` stands for all names
 * below it, `*` for all. Private addresses are reached only through an entry that is their literal, or `localhost`,
 * with a port. @throws {Failure} `bad-config`
 */
export function readAllowedHosts(entries: readonly string[]): AllowedHost[] {
  return entries.map(entry => {
    const match = ENTRY.exec(entry)
    const [, scheme = 'https', host = '', port] = match ?? []
    if (match === null || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535)
      throw new Failure('bad-config', { effectsHttp: entry }, { note: 'expected [scheme://]host[:port]' })
    const protocol = scheme.toLowerCase() === 'http' ? 'http:' : 'https:'
    const literal = isIP(bare(host)) !== 0 || host.toLowerCase() === 'localhost'
    return {
      protocol,
      host: host.toLowerCase(),
      port: port ?? portOf(protocol),
      mayBePrivate: literal && port !== undefined,
    }
  })
}

/** The entry that lets a URL be reached, or nothing: of several, one that names it as a private address. */
export function allowedHost(allowed: readonly AllowedHost[], url: URL): AllowedHost | undefined {
  const port = url.port === '' ? portOf(url.protocol) : url.port
  const entries = allowed.filter(
    entry => entry.protocol === url.protocol && entry.port === port && covers(entry.host, url.hostname),
  )
  return entries.find(({ mayBePrivate }) => mayBePrivate) ?? entries[0]
}

/** What to write into the list for a URL to be reached, were it public; of `https:` the host alone. */
export function entryFor({ protocol, host, origin }: URL): string {
  return protocol === 'https:' ? host : origin
}

function covers(pattern: string, hostname: string): boolean {
  if (pattern === '*') return true
  if (pattern.startsWith('*.')) return hostname.endsWith(pattern.slice(1))
  return hostname === pattern
}

const portOf = (protocol: string): string => (protocol === 'http:' ? '80' : '443')

/** An IPv6 literal without its brackets. */
export const bare = (host: string): string => host.replace(/^\[|\]$/g, '')
