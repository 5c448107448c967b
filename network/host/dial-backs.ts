import type { Connection, PeerId } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { PEERS_MAX } from '../../protocol/index.ts'
import { ADDRESSES_MAX, ASKERS_MAX, AskedDials } from './asked-dials.ts'
import { hostIn } from './host-of.ts'

/** What autonat is made of, as far as it dials. */
interface DialBackComponents {
  readonly connectionManager: {
    openConnection(to: PeerId | Multiaddr | Multiaddr[], options?: object): Promise<Connection>
    getConnections(): Connection[]
    getMaxConnections(): number
    isDialable(addresses: Multiaddr[]): Promise<boolean>
  }
}

interface DialBackQuestion {
  readonly dial?: { readonly peer?: { readonly addrs: readonly Uint8Array[] } }
}

interface DialBack {
  handleAutonatMessage(question: DialBackQuestion, connection: Connection, options?: object): Promise<unknown>
}

/**
 * Bounds what autonat dials because somebody asks to be dialled back.
 *
 * 1. A new connection is made: libp2p took the one that was there, found that it had another address, and closed it. Whoever asked was cut off,
 *    and whoever named another's key in an address had that one cut off.
 * 2. Addresses are of the asker, and few: of others the node would be asked to dial whom it may be dialling anyway.
 * 3. One question of each host at a time, and of few hosts: ports that do not answer would take all dials of the node.
 * 4. None while hardly a place is left: a connection that is made to be closed would take that of a peer (places.ts), often of whoever asked.
 */
export function boundDialBacks<Components extends DialBackComponents>(
  create: (components: Components) => unknown,
): (components: Components) => unknown {
  return components => {
    const { connectionManager: manager } = components
    const anew: DialBackComponents['connectionManager'] = {
      // Several addresses are of nodes that it looks for itself.
      openConnection: (to, options) =>
        manager.openConnection(to, Array.isArray(to) ? options : { ...options, force: true }),
      getConnections: () => manager.getConnections(),
      getMaxConnections: () => manager.getMaxConnections(),
      isDialable: addresses => manager.isDialable(addresses),
    }
    const service = create(Object.create(components, { connectionManager: { value: anew } }))
    if (!isDialBack(service)) throw new TypeError('expected what dials back')
    const answer = service.handleAutonatMessage.bind(service)
    const dials = new AskedDials()
    service.handleAutonatMessage = async (question, connection, options) => {
      const hasRoom = anew.getConnections().length + ASKERS_MAX <= PEERS_MAX
      using begun = hasRoom ? dials.begin(hostIn(connection.remoteAddr) ?? '') : undefined
      const addresses = begun === undefined ? [] : ownOf(question, connection.remotePeer)
      // One without addresses is refused as libp2p does it.
      return await answer(withAddresses(question, addresses), connection, options)
    }
    return service
  }
}

/** What is asked, with other addresses. */
function withAddresses(question: DialBackQuestion, addrs: readonly Uint8Array[]): DialBackQuestion {
  const peer = question.dial?.peer
  return peer === undefined ? question : { ...question, dial: { ...question.dial, peer: { ...peer, addrs } } }
}

function ownOf({ dial }: DialBackQuestion, asker: PeerId): readonly Uint8Array[] {
  const name = asker.toString()
  const isOwn = (bytes: Uint8Array): boolean =>
    multiaddr(bytes)
      .getComponents()
      .every(part => part.name !== 'p2p' || part.value === name)
  return dial?.peer?.addrs.slice(0, ADDRESSES_MAX).filter(isOwn) ?? []
}

const isDialBack = (service: unknown): service is DialBack =>
  typeof (service as Partial<DialBack> | undefined)?.handleAutonatMessage === 'function'
