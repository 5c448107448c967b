import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { AcceptGate } from '../../network/host/accept-gate.ts'
import { guard } from '../../network/host/gated-websockets.ts'
import { Network } from '../../network/index.ts'
import { PEERS_NEW_PER_SECOND_MAX, PEERS_PER_HOST_AND_SECOND_MAX } from '../../protocol/index.ts'

function gateAt(start = 0) {
  let nowMs = start
  const gate = new AcceptGate(
    () => true,
    () => nowMs,
  )
  const taken = (addresses: readonly string[]): number => addresses.filter(address => !gate.check(address)).length
  return {
    gate,
    taken,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

const hosts = (count: number): string[] => Array.from({ length: count }, (_, n) => `10.1.${n >> 8}.${n & 255}`)
const often = (address: string, count: number): string[] => Array.from({ length: count }, () => address)

it('lets one host come so often in a second, and again in the next', () => {
  const { taken, pass, gate } = gateAt(5_000)
  expect(taken(often('10.0.0.1', 100))).toBe(PEERS_PER_HOST_AND_SECOND_MAX)
  expect(gate.refused).toBe(100 - PEERS_PER_HOST_AND_SECOND_MAX)
  expect(taken(['10.0.0.2'])).toBe(1)
  pass(1_000)
  expect(taken(often('10.0.0.1', 100))).toBe(PEERS_PER_HOST_AND_SECOND_MAX)
})

it('lets strangers come so often together, and does not have hosts wait for them that brought a peer before', () => {
  const { taken, gate } = gateAt()
  gate.brought('10.0.0.1')
  expect(taken(hosts(1_000))).toBe(PEERS_NEW_PER_SECOND_MAX)
  expect(taken(['10.0.0.2'])).toBe(0)
  expect(taken(often('10.0.0.1', 100))).toBe(PEERS_PER_HOST_AND_SECOND_MAX)
})

it('has places of strangers become free one by one, and never more than for a second', () => {
  const { taken, pass } = gateAt()
  expect(taken(hosts(1_000))).toBe(PEERS_NEW_PER_SECOND_MAX)
  pass(1_000 / PEERS_NEW_PER_SECOND_MAX)
  expect(taken(hosts(1_000))).toBe(1)
  pass(500)
  expect(taken(hosts(1_000))).toBe(PEERS_NEW_PER_SECOND_MAX / 2)
  pass(60_000)
  expect(taken(hosts(1_000))).toBe(PEERS_NEW_PER_SECOND_MAX)
})

it('takes all addresses of a /64 for one host, and one of IPv4 for itself however it is written', () => {
  const { taken, gate } = gateAt()
  const inOne = Array.from({ length: 100 }, (_, n) => `2001:db8:0:7::${n.toString(16)}`)
  expect(taken(inOne)).toBe(PEERS_PER_HOST_AND_SECOND_MAX)
  expect(taken(['2001:db8:0:7:1:2:3:4', '2001:db8::7:1:2:3:4', '2001:db8:0:8::1'])).toBe(1)
  gate.brought('10.0.0.9')
  expect(taken(hosts(1_000))).toBe(PEERS_NEW_PER_SECOND_MAX - PEERS_PER_HOST_AND_SECOND_MAX - 1)
  expect(taken(['::ffff:10.0.0.9', '10.0.0.9'])).toBe(2)
})

it('is asked by the engine about each socket, before there is one', async () => {
  const gate = new AcceptGate(
    () => true,
    () => 0,
  )
  const came: Socket[] = []
  const server = createServer({ blockList: gate }, socket => void came.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const dialled = Array.from({ length: 40 }, () => connect({ port, host: '127.0.0.1' }).on('error', () => undefined))
  onTestFinished(async () => {
    for (const socket of [...came, ...dialled]) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  await expect.poll(() => came.length + gate.refused).toBe(40)
  expect(came.length).toBe(PEERS_PER_HOST_AND_SECOND_MAX)
})

it('is asked about the sockets of WebSocket, too', async () => {
  const network = await Network.open({
    seed: new Uint8Array(32).fill(91),
    listen: ['/ip4/127.0.0.1/tcp/0/ws'],
    peers: [],
    trouble: () => undefined,
  })
  onTestFinished(() => network[Symbol.asyncDispose]())
  const port = Number(/\/tcp\/(\d+)\/ws/.exec(network.addresses.join(' '))?.[1])
  let closed = 0
  const dialled = Array.from({ length: 400 }, () =>
    connect({ port, host: '127.0.0.1' })
      .on('error', () => undefined)
      .on('close', () => {
        closed += 1
      }),
  )
  onTestFinished(() => dialled.forEach(socket => void socket.destroy()))
  await expect.poll(() => closed).toBeGreaterThan(200)
})

it('comes with a time within which somebody is answered, or let go', async () => {
  const server = createServer(
    socket => void socket.once('data', () => socket.write('yes')).on('error', () => undefined),
  )
  const silences = new Set<() => void>()
  guard(
    server,
    new AcceptGate(
      () => true,
      () => 0,
    ),
    over => {
      silences.add(over)
      return () => void silences.delete(over)
    },
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const [silent, talking] = [connect({ port, host: '127.0.0.1' }), connect({ port, host: '127.0.0.1' })]
  onTestFinished(async () => {
    for (const socket of [silent, talking]) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  talking.write('hello')
  await once(talking, 'data')
  silent.resume()
  await expect.poll(() => silences.size).toBe(2)
  for (const over of silences) over()
  await once(silent, 'close')
  expect(talking.readyState).toBe('open')
  await expect.poll(() => silences.size).toBe(1)
})
