import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { readPlainBody } from '../../gateway/body.ts'
import { BodyRoom } from '../../gateway/body-room.ts'
import { Failure } from '../../protocol/index.ts'

const KiB = 1024

/** A server that reads bodies of up to 512 KiB with room for 256 KiB of unfinished ones, and answers with their length. */
async function openServer() {
  const room = new BodyRoom(256 * KiB)
  const server = createServer(async (request: IncomingMessage, response) => {
    try {
      response.end(`${(await readPlainBody(request, 512 * KiB, room)).length} bytes`)
    } catch (error) {
      response.end(Failure.from(error).code)
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { room, port: (server.address() as AddressInfo).port }
}

/** Posts a body that is announced with `lengthBytes`, of which `sentBytes` are sent now. */
function post(port: number, lengthBytes: number, sentBytes: number) {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let heard = ''
  socket.on('data', data => {
    heard += data
  })
  socket.on('error', () => undefined)
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-length: ${lengthBytes}\r\n\r\n`)
  socket.write(new Uint8Array(sentBytes))
  return { socket, heard: () => heard }
}

it('bodies that do not end have bounded room together: the longest gives way, short ones come through', async () => {
  const { room, port } = await openServer()
  const endless = [1, 2].map(() => post(port, 500 * KiB, 100 * KiB))
  await expect.poll(() => room.heldBytes).toBeGreaterThanOrEqual(200 * KiB)
  endless[0]?.socket.write(new Uint8Array(100 * KiB))
  await expect.poll(() => endless[0]?.heard()).toContain('busy')
  expect(endless[1]?.heard()).toBe('')
  const honest = post(port, 60 * KiB, 60 * KiB)
  await expect.poll(honest.heard).toContain(`${60 * KiB} bytes`)
  endless[1]?.socket.destroy()
  await expect.poll(() => room.heldBytes).toBe(0)
})

it('a body in pieces of one byte holds what it is long', async () => {
  const { room, port } = await openServer()
  const { socket, heard } = post(port, 0, 0)
  await expect.poll(heard).toContain('0 bytes')
  socket.write('POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n')
  socket.write('1\r\nx\r\n'.repeat(20 * KiB))
  await expect.poll(() => room.heldBytes).toBeGreaterThanOrEqual(20 * KiB)
  expect(room.heldBytes).toBeLessThanOrEqual(40 * KiB)
  socket.write('0\r\n\r\n')
  await expect.poll(heard).toContain(`${20 * KiB} bytes`)
  expect(room.heldBytes).toBe(0)
})

it('a body that is looked for only after its client has gone is told as cut short', async () => {
  const room = new BodyRoom()
  const read = Promise.withResolvers<unknown>()
  const server = createServer(async (request: IncomingMessage) => {
    request.on('error', () => undefined)
    await new Promise(resolve => request.once('close', resolve))
    read.resolve(await readPlainBody(request, 512 * KiB, room).catch(error => Failure.from(error).code))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { socket } = post((server.address() as AddressInfo).port, 10, 5)
  await once(server, 'request')
  socket.destroy()
  expect(await read.promise).toBe('aborted')
  expect(room.heldBytes).toBe(0)
})
