/**
 * A client of HTTP/1.1 that does no more than it must: the load shares the machine with what is measured. Each
 * connection sends one request after the other and reads answers by their announced length.
 */
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  readonly body: Buffer
}

const HEAD_END = Buffer.from('\r\n\r\n')

/** Sends all bodies over `connections` sockets, in order of their turn; gives the answers' statuses and how long each took. */
export async function postAll(
  url: string,
  path: string,
  bodies: readonly Uint8Array[],
  connections: number,
  seen: (answer: Answer, index: number) => void,
): Promise<readonly number[]> {
  const { hostname, port } = new URL(url)
  const durations = new Array<number>(bodies.length)
  let next = 0
  const worker = async (): Promise<void> => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject))
    for (let at = next++; at < bodies.length; at = next++) {
      const body = bodies[at] ?? new Uint8Array(0)
      const started = performance.now()
      const head = `POST ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/cbor\r\ncontent-length: ${body.length}\r\n\r\n`
      socket.write(Buffer.concat([Buffer.from(head, 'latin1'), body]))
      const answer = await readAnswer(socket)
      durations[at] = performance.now() - started
      seen(answer, at)
    }
    socket.destroy()
  }
  await Promise.all(Array.from({ length: connections }, worker))
  return durations
}

function readAnswer(socket: Socket): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let bytes: Buffer = Buffer.alloc(0)
    const read = (piece: Buffer): void => {
      bytes = bytes.length === 0 ? piece : Buffer.concat([bytes, piece])
      const end = bytes.indexOf(HEAD_END)
      if (end < 0) return
      const head = bytes.toString('latin1', 0, end)
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      const start = end + HEAD_END.length
      if (bytes.length < start + length) return
      socket.off('data', read).off('close', closed)
      resolve({ status: Number(head.slice(9, 12)), body: bytes.subarray(start, start + length) })
    }
    const closed = (): void => reject(new Error('the node closed the connection'))
    socket.on('data', read).once('close', closed)
  })
}
