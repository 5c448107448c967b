import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import type { Libp2pOptions } from 'libp2p'
import { tcp } from '@libp2p/tcp'
import { Failure, PEER_STREAMS_MAX, PEER_WINDOW_MAX_BYTES, PEERS_MAX, PEERS_PENDING_MAX } from '../../protocol/index.ts'
import type { AcceptGate } from './accept-gate.ts'
import { gatedWebSockets } from './gated-websockets.ts'

type Transports = NonNullable<Libp2pOptions['transports']>

/**
 * TCP, WebSocket and relays; QUIC, a native library, only where an address asks for it.
 * @throws {Failure} `bad-config` if QUIC is asked for and does not load on this machine
 */
export async function openTransports(addresses: readonly string[], gate: AcceptGate): Promise<Transports> {
  // What the engine takes for its servers, of which the transport names but a few.
  const listenOpts = { noDelay: true, blockList: gate }
  const transports: Transports = [
    tcp({
      // A socket more than there may be connections, and it is closed before anything is read from it.
      maxConnections: PEERS_MAX + PEERS_PENDING_MAX,
      backlog: PEERS_PENDING_MAX,
      listenOpts,
    }),
    gatedWebSockets(gate),
    circuitRelayTransport(),
  ]
  if (addresses.some(address => address.includes('/quic-v1'))) transports.push(await openQuic())
  return transports
}

async function openQuic(): Promise<Transports[number]> {
  try {
    const { quic } = await import('@chainsafe/libp2p-quic')
    return quic({
      maxConcurrentStreamLimit: PEER_STREAMS_MAX,
      maxStreamData: PEER_WINDOW_MAX_BYTES,
    })
  } catch (cause) {
    throw new Failure(
      'bad-config',
      { address: 'quic-v1' },
      { cause, note: 'QUIC does not load on this machine; use /tcp/' },
    )
  }
}
