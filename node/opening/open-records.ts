import type { Network } from '../../network/index.ts'
import { type Clock, type Failure, type Log, PEER_RECORD_ADDRESSES_MAX, type PeerRole } from '../../protocol/index.ts'
import { PeerRecords } from '../peers/peer-records.ts'

export interface OpenRecordsParts {
  readonly network: Network
  readonly seed: Uint8Array
  readonly log: Log
  readonly clock: Clock
  /** Where others reach its HTTP face. */
  readonly url: string | undefined
  /** The units it runs. */
  readonly roles: readonly PeerRole[]
  readonly trouble: (what: string, failure: Failure) => void
}

/** Tells others where this node is, and keeps what they tell. */
export async function openRecords({
  network,
  seed,
  log,
  clock,
  url,
  roles,
  trouble,
}: OpenRecordsParts): Promise<PeerRecords> {
  const records = await PeerRecords.open({
    key: network.key,
    seed,
    store: log.store,
    clock,
    roles,
    url,
    gossip: network.gossip,
    peers: {
      get linked() {
        return network.peers
      },
      get addresses() {
        return addressesFor(network.addresses)
      },
      watch: changed => network.watch(changed),
      learn: (peer, addresses) => network.control.learn(peer, addresses),
      reach: peer => network.control.reach(peer),
      records: (peer, of, options) => network.call(peer, 'records', of, options),
    },
    trouble,
  })
  network.askWhere(key => records.find(key))
  return records
}

/** Without the peer id, which is the key; those of this machine alone only where there are no others. */
function addressesFor(addresses: readonly string[]): readonly string[] {
  const bare = addresses.map(address => address.replace(/\/p2p\/[^/]+$/, ''))
  const outside = bare.filter(address => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address))
  return (outside.length > 0 ? outside : bare).slice(0, PEER_RECORD_ADDRESSES_MAX)
}
