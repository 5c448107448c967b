import { Socket } from 'node:net'
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'

type Secure = (connection: MessageStream, ...more: never[]) => Promise<unknown>

/**
 * Has what encrypts a connection write each frame as one piece, and frames that come together, together. It gives the length and the bytes
 * as two, and each piece would be a system call here and a packet, and a turn of the loop over there.
 */
export function writingWhole<Components, Encrypter extends ConnectionEncrypter>(
  create: (components: Components) => Encrypter,
): (components: Components) => Encrypter {
  return components => {
    const encrypter = create(components)
    for (const way of ['secureInbound', 'secureOutbound'] as const) {
      const secure: Secure = encrypter[way].bind(encrypter)
      const secureWhole: Secure = (connection, ...more) => {
        writeWhole(connection)
        return secure(connection, ...more)
      }
      Object.assign(encrypter, { [way]: secureWhole })
    }
    return encrypter
  }
}

function writeWhole(connection: Pick<MessageStream, 'send'>): void {
  const send = connection.send.bind(connection)
  const { socket } = connection as { readonly socket?: unknown }
  connection.send = data => {
    if (socket instanceof Socket) gather(socket)
    return send(data.subarray())
  }
}

/** What is written from here on goes out once what is under way has nothing more to say. */
function gather(socket: Socket): void {
  if (socket.writableCorked > 0) return
  socket.cork()
  process.nextTick(() => socket.uncork())
}
