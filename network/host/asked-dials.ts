import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { PEERS_MAX } from '../../protocol/index.ts'
import { hostIn, ipOf } from './host-of.ts'

/** Askers for whom a node dials at once; it has a hundred dials at once in all, and those of others may take long to fail. */
const ASKERS_MAX = 8
/** Addresses that are dialled for one question: an honest node has a few. */
const ADDRESSES_MAX = 8

/** Whom a node is dialling for, each of them once at a time. */
export class AskedDials {
  readonly #askers = new Set<string>()

  /** Begins to dial for somebody; gives what ends it, or nothing if that is too much. */
  begin(asker: string): Disposable | undefined {
    if (this.#askers.has(asker) || this.#askers.size >= ASKERS_MAX) return undefined
    this.#askers.add(asker)
    return { [Symbol.dispose]: () => void this.#askers.delete(asker) }
  }
}

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

/** What punches holes is made of, as far as it dials. */
interface HolePunchComponents {
  readonly connectionManager: { openConnection(to: Multiaddr[], options?: object): Promise<Connection> }
}

interface HolePunch {
  /** A peer that was reached through a relay asks to be dialled. */
  handleIncomingUpgrade(stream: Stream, connection: Connection): Promise<void>
  /** A peer has come through a relay: it is dialled where it says that it is, or is asked to dial. */
  upgradeInbound(connection: Connection): Promise<void>
}

/**
 * Bounds what a node dials to become the direct neighbour of somebody whom a relay connects with it. Libp2p did it for whoever asked, relayed or
 * not, and dialled what he said of himself, names included: any stranger had a node connect to hosts and ports of his choice.
 *
 * 1. Addresses are of IP, and few: what is observed of a node is such an address.
 * 2. Each peer is dialled for once at a time, and few are at once.
 */
export function boundHolePunching<Components extends HolePunchComponents>(
  create: (components: Components) => unknown,
): (components: Components) => unknown {
  return components => {
    const { connectionManager: manager } = components
    const openConnection = async (to: Multiaddr[], options?: object): Promise<Connection> => {
      const addresses = to.filter(address => ipOf(address) !== undefined).slice(0, ADDRESSES_MAX)
      if (addresses.length === 0) throw new Error('expected an address of IP')
      return await manager.openConnection(addresses, options)
    }
    const service = create(Object.create(components, { connectionManager: { value: { openConnection } } }))
    if (!isHolePunch(service)) throw new TypeError('expected what punches holes')
    const dials = new AskedDials()
    const answer = service.handleIncomingUpgrade.bind(service)
    service.handleIncomingUpgrade = async (stream, connection) => {
      using begun = isRelayed(connection) ? dials.begin(connection.remotePeer.toString()) : undefined
      if (begun === undefined) stream.abort(new Error('expected one question of a relayed peer'))
      else await answer(stream, connection)
    }
    const upgrade = service.upgradeInbound.bind(service)
    service.upgradeInbound = async connection => {
      using begun = dials.begin(connection.remotePeer.toString())
      if (begun !== undefined) await upgrade(connection)
    }
    return service
  }
}

const isRelayed = ({ remoteAddr }: Connection): boolean =>
  remoteAddr.getComponents().some(({ name }) => name === 'p2p-circuit')

const isDialBack = (service: unknown): service is DialBack =>
  typeof (service as Partial<DialBack> | undefined)?.handleAutonatMessage === 'function'

const isHolePunch = (service: unknown): service is HolePunch => {
  const { handleIncomingUpgrade, upgradeInbound } = service as Partial<HolePunch>
  return typeof handleIncomingUpgrade === 'function' && typeof upgradeInbound === 'function'
}
