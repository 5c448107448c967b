import { Socket } from 'node:net'
import type { ConnectionEncrypter, MessageStream } from '@libp2p/interface'
import { aroundSecure } from './around-secure.ts'

/**
 * Has what encrypts a connection write each frame as one piece, and frames that come together, together. It gives the length and the bytes
 * as two, and each piece would be a system call here and a packet, and a turn of the loop over there.
 */
export function writingWhole<Components, Encrypter extends ConnectionEncrypter>(
  create: (components: Components) => Encrypter,
): (components: Components) => Encrypter {
  return aroundSecure(create, secure => (connection, ...more) => {
    writeWhole(connection)
    return secure(connection, ...more)
  })
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
