import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it, onTestFinished } from 'vitest'
import { leadsElsewhere } from '../../network/host/dialled-address.ts'
import { loneHost } from './lone-host.ts'

it('sockets of the file system and paths of web servers are where no node is', () => {
  const elsewhere = [
    '/unix/%2Frun%2Fx.sock',
    '/ip4/192.0.2.1/tcp/80/ws/http-path/admin',
    '/dns4/x.example/tcp/443/wss/http-path/a',
  ]
  const nodes = ['/ip4/10.0.0.7/tcp/7334', '/dns4/x.example/tcp/443/wss', '/ip6/::1/udp/1/quic-v1']
  expect([...elsewhere, ...nodes].map(address => leadsElsewhere(multiaddr(address)))).toEqual([
    ...elsewhere.map(() => true),
    ...nodes.map(() => false),
  ])
})

it('a node speaks to no socket of its machine because a stranger says that he is there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-socket-'))
  const path = join(folder, 'service.sock')
  let spokenTo = 0
  const server = createServer(socket => {
    spokenTo += 1
    socket.destroy()
  })
  await new Promise<void>(resolve => server.listen(path, resolve))
  onTestFinished(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })
  const address = multiaddr(`/unix/${encodeURIComponent(path)}`)
  const node = await loneHost(1)
  await expect(node.dial(address)).rejects.toThrow()
  expect(spokenTo).toBe(0)
  // Whoever runs the node may name it.
  const told = await loneHost(2, { dialled: [address.toString()] })
  await expect(told.dial(address)).rejects.toThrow()
  await expect.poll(() => spokenTo).toBe(1)
})
