import { Server, type Socket } from 'node:net'
import type { Listener } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { PEER_DIAL_MAX_MS, PEERS_MAX, PEERS_PENDING_MAX } from '../../protocol/index.ts'
import type { AcceptGate } from './accept-gate.ts'

/**
 * WebSockets whose listeners take no more than those of TCP do: the gate is asked about each socket, there are so many at once, and
 * whoever has not said what makes a WebSocket is let go. The transport itself would wait for his first byte for ever.
 */
export function gatedWebSockets(gate: AcceptGate): ReturnType<typeof webSockets> {
  const open = webSockets()
  return components => {
    const transport = open(components)
    const createListener = transport.createListener.bind(transport)
    transport.createListener = options => {
      const listener = createListener(options)
      guard(serverOf(listener), gate)
      return listener
    }
    return transport
  }
}

/** Begins to wait; gives what ends the wait. */
type Wait = (over: () => void) => () => void

/** `silence`: as long may somebody be connected who was not answered. */
export function guard(server: Server, gate: AcceptGate, silence: Wait = dialTime): void {
  // The engine looks at it for each socket; it is an option that the transport does not hand on.
  Object.assign(server, { blockList: gate })
  server.maxConnections = PEERS_MAX + PEERS_PENDING_MAX
  server.on('connection', socket => letGoIfSilent(socket, silence))
}

function letGoIfSilent(socket: Socket, silence: Wait): void {
  const end = silence(() => {
    if (socket.bytesWritten === 0) socket.destroy()
  })
  socket.once('close', end)
}

function dialTime(over: () => void): () => void {
  const timer = setTimeout(over, PEER_DIAL_MAX_MS)
  timer.unref()
  return () => clearTimeout(timer)
}

function serverOf(listener: Listener): Server {
  const { server } = listener as { readonly server?: unknown }
  if (server instanceof Server) return server
  throw new TypeError('expected a listener with a server of its own')
}
