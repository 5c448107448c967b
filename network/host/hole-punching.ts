import type { Connection, Stream } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { ADDRESSES_MAX, AskedDials } from './asked-dials.ts'
import { ipOf } from './host-of.ts'

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

const isHolePunch = (service: unknown): service is HolePunch => {
  const { handleIncomingUpgrade, upgradeInbound } = service as Partial<HolePunch>
  return typeof handleIncomingUpgrade === 'function' && typeof upgradeInbound === 'function'
}
