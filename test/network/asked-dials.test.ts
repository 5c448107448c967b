import { createServer, type Server } from 'node:net'
import type { Connection, PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { expect, it, onTestFinished } from 'vitest'
import { AskedDials } from '../../network/host/asked-dials.ts'
import type { Host } from '../../network/host/open-host.ts'
import { PEERS_MAX } from '../../protocol/index.ts'
import { loneHost } from './lone-host.ts'
import { Stranger } from './stranger.ts'

/** A field of a message of libp2p: bytes, or a number. */
const field = (tag: number, value: Uint8Array | number): Uint8Array =>
  typeof value === 'number'
    ? Buffer.from([tag, ...varint(value)])
    : Buffer.concat([Uint8Array.from([tag, ...varint(value.length)]), value])
const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)])
const framed = (message: Uint8Array): Uint8Array => Buffer.concat([Uint8Array.from(varint(message.length)), message])

const [CONNECT, SYNC] = [100, 300]

/** Some service that is no node, and how often somebody connected to it. */
async function bystander(): Promise<{ readonly port: number; connections(): number }> {
  let count = 0
  const server: Server = createServer(socket => {
    count += 1
    socket.destroy()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const at = server.address()
  if (at === null || typeof at === 'string') throw new TypeError('expected a port')
  return { port: at.port, connections: () => count }
}

const addressOf = (host: Host): Multiaddr => host.getMultiaddrs()[0] ?? expect.fail('it listens nowhere')

it('a stranger has no node connect to hosts and ports that he names', async () => {
  const node = await loneHost(1, { listens: true, isPublic: true })
  const { port, connections } = await bystander()
  await using stranger = await Stranger.open(addressOf(node).toString())
  const stream = await stranger.open('/libp2p/dcutr')
  const there = multiaddr(`/dns4/localhost/tcp/${port}`)
  for (const message of [Buffer.concat([field(8, CONNECT), field(18, there.bytes)]), field(8, SYNC)])
    await stream.send(framed(message)).catch(() => undefined)
  // Whatever comes of it is over when the stream is.
  await expect.poll(() => stream.isOpen).toBe(false)
  expect(connections()).toBe(0)
})

it('whoever comes through a relay is not dialled by names that he gives himself, nor several times at once', async () => {
  const node = await loneHost(1, { isPublic: true, dialled: [] })
  const { port, connections } = await bystander()
  const { peerId: remotePeer } = await loneHost(2)
  await node.peerStore.merge(remotePeer, { multiaddrs: [multiaddr(`/dns4/localhost/tcp/${port}`)] })
  const { dcutr } = node.services as unknown as {
    readonly dcutr: { upgradeInbound(connection: object): Promise<void> }
  }
  let asked = 0
  const relayed = {
    remotePeer,
    remoteAddr: multiaddr('/ip4/192.0.2.1/tcp/1/p2p-circuit'),
    newStream: () => {
      asked += 1
      return new Promise(() => undefined)
    },
  }
  for (let n = 0; n < 2; n++) void dcutr.upgradeInbound(relayed)
  // It is asked to dial, since there is nothing to be dialled.
  await expect.poll(() => asked).toBeGreaterThan(0)
  expect([asked, connections()]).toEqual([1, 0])
})

/** Asks `node` to dial `addresses`, as somebody from the open internet would. */
async function askBack(node: Host, asker: PeerId, addresses: readonly Multiaddr[]): Promise<unknown> {
  const { autonat } = node.services as unknown as {
    readonly autonat: { handleAutonatMessage(question: object, connection: Partial<Connection>): Promise<unknown> }
  }
  const question = { dial: { peer: { id: asker.toMultihash().bytes, addrs: addresses.map(({ bytes }) => bytes) } } }
  return autonat.handleAutonatMessage(question, { remotePeer: asker, remoteAddr: multiaddr('/ip4/8.8.8.8/tcp/4001') })
}

it('whoever asks to be dialled back cuts off nobody, not even himself', async () => {
  const node = await loneHost(1, { listens: true, isPublic: true, dialled: [] })
  const [asker, other] = [await loneHost(2), await loneHost(3)]
  await Promise.all([asker.dial(addressOf(node)), other.dial(addressOf(node))])
  const connected = () => [asker, other].map(({ peerId }) => node.getConnections(peerId).length)
  await expect.poll(connected).toEqual([1, 1])
  const there = node.services as unknown as { readonly autonat: { components: Components } }
  const asked: Multiaddr[] = []
  // Nobody is dialled outside of this machine.
  const { connectionManager } = there.autonat.components
  const open = connectionManager.openConnection
  connectionManager.openConnection = async (to, options) => {
    asked.push(to)
    return open(to, { ...options, signal: AbortSignal.abort() })
  }
  const at = multiaddr('/ip4/8.8.8.8/tcp/4001')
  await askBack(node, asker.peerId, [at.encapsulate(`/p2p/${other.peerId}`), at])
  expect(asked.map(String)).toEqual([`${at}/p2p/${asker.peerId}`])
  expect(connected()).toEqual([1, 1])
  // A node that has no place left would have to cut off somebody.
  const [one = expect.fail('nobody came')] = connectionManager.getConnections()
  connectionManager.getConnections = () => Array.from({ length: PEERS_MAX }, () => one)
  await askBack(node, asker.peerId, [at])
  expect(asked).toHaveLength(1)
})

interface Components {
  connectionManager: {
    openConnection(to: Multiaddr, options?: object): Promise<Connection>
    getConnections(): Connection[]
  }
}

it('few are dialled for at once, each once', () => {
  const dials = new AskedDials()
  const first = dials.begin('a')
  expect(dials.begin('a')).toBeUndefined()
  first?.[Symbol.dispose]()
  for (const asker of 'abcdefgh') expect(dials.begin(asker)).toBeDefined()
  expect(dials.begin('i')).toBeUndefined()
})
