import { canisterOfHost } from './canister-host.ts'

/**
 * Which values of the Host header this gateway answers to, as the node or as a canister with a host below the node's: a page that
 * rebinds a name of its own gets nothing.
 */
export type HostRule = (host: string | undefined) => 'node' | 'canister' | undefined

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Takes loopback names with our port, the address listened on, and what was configured: `name` for any port,
 * `name:port` for that one. Without a port in the header, 80 is meant.
 */
export function createHostRule(options: {
  readonly host: string
  readonly port: number
  readonly allowedHosts: readonly string[]
}): HostRule {
  const { host, port, allowedHosts } = options
  const names = isUnspecified(host) ? LOOPBACK : [...LOOPBACK, bracketed(host)]
  const exact = new Set<string>()
  for (const name of names) {
    exact.add(`${name}:${port}`)
    if (port === 80) exact.add(name)
  }
  const anyPort = new Set<string>()
  for (const allowed of allowedHosts) (hasPort(allowed) ? exact : anyPort).add(allowed.toLowerCase())
  const isNode = (value: string): boolean => exact.has(value) || anyPort.has(value.replace(/:\d{1,5}$/, ''))
  return header => {
    if (header === undefined) return undefined
    if (isNode(header.toLowerCase())) return 'node'
    const below = canisterOfHost(header)
    return below !== undefined && isNode(below.host) ? 'canister' : undefined
  }
}

/** Tells whether a page of `origin` was served by the host that is asked now. */
export function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && (origin === `http://${host}` || origin === `https://${host}`)
}

function isUnspecified(host: string): boolean {
  return host === '0.0.0.0' || host === '::' || host === ''
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host.toLowerCase()}]` : host.toLowerCase()
}

function hasPort(host: string): boolean {
  return /[^:]:\d{1,5}$/.test(host) && !/^[^[]*:[^:]*:/.test(host)
}
