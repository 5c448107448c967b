import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { WaitingAnswers } from '../../gateway/waiting-answers.ts'

const MiB = 1024 * 1024
/** More than a loopback socket takes for somebody who reads nothing. */
const SHORT_BYTES = 16 * MiB
const LONG_BYTES = 32 * MiB

it('of answers that nobody takes the longest is cut off when they are too many bytes together', async () => {
  const open = new Set<ServerResponse>()
  const cut: string[] = []
  const answers = new WaitingAnswers(() => open, 64 * MiB)
  const server = createServer((request, response) => {
    open.add(response)
    response.once('close', () => {
      open.delete(response)
      if (!response.writableFinished) cut.push(request.url ?? '')
    })
    response.end(new Uint8Array(request.url === '/long' ? LONG_BYTES : SHORT_BYTES))
    answers.wrote(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  /** Asks, and reads nothing before `resume`. */
  const ask = (path: string) => {
    const socket = connect(port, '127.0.0.1').pause()
    onTestFinished(() => void socket.destroy())
    let [heardBytes, isClosed] = [0, false]
    socket.on('data', data => {
      heardBytes += data.length
    })
    socket.on('error', () => undefined).once('close', () => (isClosed = true))
    socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`)
    return { heardBytes: () => heardBytes, isClosed: () => isClosed, resume: () => socket.resume() }
  }
  const long = ask('/long')
  await expect.poll(() => open.size).toBe(1)
  const short = ask('/short')
  await expect.poll(() => open.size).toBe(2)
  const another = ask('/long')
  await expect.poll(() => cut).toEqual(['/long'])
  for (const client of [long, short, another]) client.resume()
  await expect.poll(() => [long, another].map(({ isClosed }) => isClosed()).toSorted()).toEqual([false, true])
  await expect.poll(short.heardBytes).toBeGreaterThan(SHORT_BYTES)
})
