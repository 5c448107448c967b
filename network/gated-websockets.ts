import { Server, type Socket } from 'node:net'
import type { Listener } from '@libp2p/interface'
import { webSockets } from '@libp2p/websockets'
import { PEER_DIAL_MAX_MS, PEERS_MAX, PEERS_PENDING_MAX } from '../protocol/index.ts'
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

/** `silentMaxMs`: as long may somebody be connected who was not answered. */
export function guard(server: Server, gate: AcceptGate, silentMaxMs = PEER_DIAL_MAX_MS): void {
  // The engine looks at it for each socket; it is an option that the transport does not hand on.
  Object.assign(server, { blockList: gate })
  server.maxConnections = PEERS_MAX + PEERS_PENDING_MAX
  server.on('connection', socket => letGoIfSilent(socket, silentMaxMs))
}

function letGoIfSilent(socket: Socket, silentMaxMs: number): void {
  const timer = setTimeout(() => {
    if (socket.bytesWritten === 0) socket.destroy()
  }, silentMaxMs)
  timer.unref()
  socket.once('close', () => clearTimeout(timer))
}

function serverOf(listener: Listener): Server {
  const { server } = listener as { readonly server?: unknown }
  if (server instanceof Server) return server
  throw new TypeError('expected a listener with a server of its own')
}
