import type { Stream } from '@libp2p/interface'

/** What a stream of yamux keeps of the window that it gave to the other side. */
interface Windowed {
  readonly state: number
  readonly recvWindow: number
  readonly recvWindowCapacity: number
  sendWindowUpdate(): void
}

/** Of yamux: the stream is open, and nothing about its beginning has to be said. */
const ESTABLISHED = 3

/**
 * Gives the other side more window once half of it is used, as other implementations of yamux do, and not after each piece: that is a
 * frame, an encryption and a write for every frame that comes. Streams of other kinds stay as they are.
 */
export function sendFewerWindowUpdates(stream: Stream): void {
  if (!isWindowed(stream)) return
  const send = stream.sendWindowUpdate.bind(stream)
  stream.sendWindowUpdate = () => {
    const isPlenty = stream.recvWindowCapacity > stream.recvWindow / 2
    if (stream.state !== ESTABLISHED || !isPlenty) send()
  }
}

function isWindowed(stream: object): stream is Windowed {
  const { state, recvWindow, recvWindowCapacity, sendWindowUpdate } = stream as Partial<Windowed>
  const numbers = [state, recvWindow, recvWindowCapacity]
  return numbers.every(one => typeof one === 'number') && typeof sendWindowUpdate === 'function'
}
