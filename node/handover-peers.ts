import type { Network, Peering } from '../network/index.ts'
import type { HandoverDeskParts } from './handover-desk.ts'
import type { EpochPeers } from './handovers.ts'

/** One that is gone must not hold up its owner. */
const LIMIT = { timeoutMs: 5_000 }

/** The network as far as epoch records go. */
export function epochPeers(network: Pick<Network, 'call' | 'peers'>): EpochPeers {
  return {
    get peers() {
      return network.peers
    },
    tell: (to, item) => network.call(to, 'epoch', item, LIMIT),
    ask: (from, process) => network.call(from, 'epochs', process, LIMIT),
  }
}

/** The network as far as it takes to end an epoch. */
export function handoverPeers(network: Pick<Network, 'call' | 'peers'>, peers: Pick<Peering, 'frames'>): HandoverDeskParts['peers'] {
  return {
    get connected() {
      return network.peers
    },
    hold: (to, item, options) => network.call(to, 'holdEpoch', item, options),
    frames: (...asked) => peers.frames(...asked),
  }
}
