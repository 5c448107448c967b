import type { HandoverDeskParts } from '../handovers/handover-desk.ts'
import { Handovers, type HandoversParts } from '../handovers/handovers.ts'
import type { Joined } from './join-network.ts'

/** One that is gone must not hold up its owner. */
const LIMIT = { timeoutMs: 5_000 }

/** What a node knows of processes that were handed over; of others it asks and tells, if it knows any. */
export function openHandovers(
  parts: Omit<HandoversParts, 'describe' | 'peers'>,
  joined: Joined | undefined,
): Handovers {
  const { log } = parts
  if (joined === undefined)
    return new Handovers({ ...parts, describe: id => log.directory.process(id), peers: undefined })
  const { network, learned } = joined
  const handovers = new Handovers({
    ...parts,
    describe: id => learned.spawned(id),
    peers: {
      get peers() {
        return network.peers
      },
      tell: (to, item) => network.call(to, 'epoch', item, LIMIT),
      ask: (from, process) => network.call(from, 'epochs', process, LIMIT),
    },
  })
  learned.met = process => handovers.look(process)
  return handovers
}

/** The network as far as it takes to end an epoch. */
export function handoverPeers(joined: Joined | undefined): HandoverDeskParts['peers'] {
  if (joined === undefined) return undefined
  const { network, peers } = joined
  return {
    get connected() {
      return network.peers
    },
    hold: (to, item, options) => network.call(to, 'holdEpoch', item, options),
    frames: (...asked) => peers.frames(...asked),
  }
}
