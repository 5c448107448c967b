import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { Connections } from '../../gateway/connections.ts'
import { PIPELINED_MAX } from '../../protocol/index.ts'

const CROWDED = 4

/** A server that answers `/wait` when told to, and everything else when its body has come. */
async function openServer(max = 100) {
  const connections = new Connections(CROWDED, max)
  const waiting: ServerResponse[] = []
  const server = createServer((request, response) => {
    connections.begin(request, () => {
      response.once('close', () => connections.end(request))
      request.resume().once('end', () => {
        if (request.url === '/wait') waiting.push(response)
        else response.end('answered')
      })
    })
  })
  server.on('connection', socket => connections.add(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { connections, waiting, port }
}

/** A client that has said `text` and says no more. */
async function say(
  port: number,
  text: string,
  localAddress = '127.0.0.1',
): Promise<{ socket: Socket; heard: () => string; isClosed: () => boolean }> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  onTestFinished(() => void socket.destroy())
  let [heard, isClosed] = ['', false]
  socket.on('data', data => {
    heard += data
  })
  socket.on('error', () => undefined)
  socket.once('close', () => {
    isClosed = true
  })
  await new Promise(resolve => socket.once('connect', resolve))
  socket.write(text)
  return { socket, heard: () => heard, isClosed: () => isClosed }
}

it('when sockets are many, a new one takes the place of the oldest that says nothing, or says it slowly', async () => {
  const { connections, waiting, port } = await openServer()
  const patient = await say(port, 'GET /wait HTTP/1.1\r\nhost: x\r\n\r\n')
  await expect.poll(() => waiting.length).toBe(1)
  const slow = [
    await say(port, 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\na'),
    await say(port, 'GET / HTT'),
    await say(port, ''),
  ]
  await expect.poll(() => connections.size).toBe(CROWDED)
  for (let n = 1; n <= slow.length; n++) {
    const honest = await say(port, 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    await expect.poll(honest.heard).toContain('answered')
    await expect.poll(honest.isClosed).toBe(true)
    expect(connections.size).toBeLessThan(CROWDED)
    await say(port, '')
    await expect.poll(() => connections.size).toBeLessThanOrEqual(CROWDED)
  }
  await expect.poll(() => slow.every(({ isClosed }) => isClosed())).toBe(true)
  expect(patient.isClosed()).toBe(false)
  waiting[0]?.end('worth it')
  await expect.poll(patient.heard).toContain('worth it')
})

it('what was used last is closed last', async () => {
  const { connections, port } = await openServer()
  const used = await say(port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await expect.poll(used.heard).toContain('answered')
  const silent = [await say(port, ''), await say(port, ''), await say(port, '')]
  await expect.poll(() => connections.size).toBe(CROWDED)
  used.socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await expect.poll(() => used.heard().split('answered').length).toBe(3)
  await say(port, '')
  await expect.poll(() => silent.filter(({ isClosed }) => isClosed()).length).toBe(1)
  expect(used.isClosed()).toBe(false)
})

const WAIT = 'GET /wait HTTP/1.1\r\nhost: x\r\n\r\n'

it('what comes on one socket is answered in turn: no answer is made before those in front of it are taken', async () => {
  const { waiting, port } = await openServer()
  const client = await say(port, WAIT.repeat(3))
  for (let n = 1; n <= 3; n++) {
    await expect.poll(() => waiting.length).toBe(n)
    waiting.at(-1)?.end(`answer ${n}`)
    await expect.poll(client.heard).toContain(`answer ${n}`)
  }
})

it('a socket that brings more requests than may wait in turn is closed', async () => {
  const { connections, waiting, port } = await openServer()
  const patient = await say(port, WAIT.repeat(PIPELINED_MAX + 1))
  await expect.poll(() => waiting.length).toBe(1)
  const greedy = await say(port, WAIT.repeat(PIPELINED_MAX + 2))
  await expect.poll(greedy.isClosed).toBe(true)
  await expect.poll(() => connections.size).toBe(1)
  expect(patient.isClosed()).toBe(false)
})

it('a stranger who waits on all sockets gives one to whoever comes from elsewhere, and none to himself', async () => {
  const { connections, waiting, port } = await openServer(6)
  const greedy = []
  for (let n = 1; n <= 6; n++) {
    greedy.push(await say(port, WAIT))
    await expect.poll(() => waiting.length).toBe(n)
  }
  const more = await say(port, WAIT)
  await expect.poll(more.isClosed).toBe(true)
  const honest = await say(port, WAIT, '127.0.0.2')
  await expect.poll(() => waiting.length).toBe(7)
  expect(greedy.map(({ isClosed }) => isClosed())).toEqual([true, false, false, false, false, false])
  waiting.at(-1)?.end('answered')
  await expect.poll(honest.heard).toContain('answered')
  expect(connections.size).toBe(6)
})
