import { afterEach, describe, expect, it } from 'vitest'
import { Network, type NetworkParts } from '../../network/index.ts'
import { asProcessId, Failure, type PeerOperations, toBase64Url, toUtf8 } from '../../protocol/index.ts'

const PROCESS = asProcessId(toBase64Url(new Uint8Array(32).fill(7)))
const networks: Network[] = []

/** A node that tells whose spawn envelope it would be. */
async function open(seed: number, parts: Partial<NetworkParts> = {}): Promise<Network> {
  const network = await Network.open({
    seed: new Uint8Array(32).fill(seed),
    listen: ['/ip4/127.0.0.1/tcp/0'],
    peers: [],
    trouble: () => undefined,
    ...parts,
  })
  networks.push(network)
  const operations = new Proxy({} as PeerOperations, {
    get: (_, name) => async () => {
      if (name === 'spawnEnvelope') return toUtf8(network.key)
      throw new Failure('not-permitted')
    },
  })
  network.serve(operations)
  return network
}

const addressOf = (network: Network): string => network.addresses[0] ?? ''
const ask = async (from: Network, to: Network): Promise<string> =>
  new TextDecoder().decode(await from.call(to.key, 'spawnEnvelope', PROCESS))

/** Waits until a call works. */
async function untilReached(from: Network, to: Network): Promise<void> {
  for (;;) {
    try {
      expect(await ask(from, to)).toBe(to.key)
      return
    } catch (error) {
      if (!Failure.is(error, 'unreachable')) throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

afterEach(async () => {
  await Promise.all(networks.splice(0).map(network => network[Symbol.asyncDispose]()))
})

describe('nodes reach each other', () => {
  it.each([
    ['TCP', '/ip4/127.0.0.1/tcp/0'],
    ['WebSocket', '/ip4/127.0.0.1/tcp/0/ws'],
    ['QUIC', '/ip4/127.0.0.1/udp/0/quic-v1'],
  ])('over %s', async (_name, address) => {
    const b = await open(2, { listen: [address] })
    const a = await open(1, { listen: [], peers: [addressOf(b)] })
    await untilReached(a, b)
    await untilReached(b, a)
  })

  it('through a node that relays, if one of them listens nowhere', async () => {
    const relay = await open(3, { relay: true })
    const hidden = await open(2, { listen: [`${addressOf(relay)}/p2p-circuit`], peers: [addressOf(relay)] })
    while (hidden.addresses.length === 0) await new Promise(resolve => setTimeout(resolve, 20))
    const a = await open(1, { peers: [addressOf(hidden)] })
    await untilReached(a, hidden)
  })

  it('by key alone, through the table of all nodes', async () => {
    const hub = await open(3, { listen: ['/ip4/127.0.0.1/tcp/0'], dht: true })
    const b = await open(2, { dht: true, bootstrap: [addressOf(hub)], peers: [addressOf(hub)] })
    const a = await open(1, { dht: true, bootstrap: [addressOf(hub)], peers: [addressOf(hub)] })
    await untilReached(b, hub)
    await untilReached(a, hub)
    await untilReached(a, b)
    await b.providers.provide(toUtf8('a process'))
    const found: string[] = []
    while (!found.includes(b.key)) for await (const key of a.providers.find(toUtf8('a process'))) found.push(key)
  })

  it('and all that a node has is told to the table, however much that is', async () => {
    const hub = await open(3, { dht: true })
    const a = await open(1, { dht: true, bootstrap: [addressOf(hub)], peers: [addressOf(hub)] })
    await untilReached(a, hub)
    // Until each stands in the table of the other.
    const name = (n: number | string): Uint8Array => toUtf8(`process ${n}`)
    const knows = async (n: number | string): Promise<boolean> => {
      for await (const key of hub.providers.find(name(n))) if (key === a.key) return true
      return false
    }
    while (!(await knows('first'))) await a.providers.provide(name('first'))
    const all = Array.from({ length: 40 }, (_, n) => n)
    await Promise.all(all.map(n => a.providers.provide(name(n))))
    const known: boolean[] = []
    for (const n of all) known.push(await knows(n))
    expect(known).toEqual(all.map(() => true))
  })
})
