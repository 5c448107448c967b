import { Failure, type Operations } from '../../protocol/index.ts'
import type { NodePeers, OperationParts } from '../parts.ts'

/** Other nodes, for those who run this one. */
export function peerOperations({
  peers,
}: Pick<OperationParts, 'peers'>): Pick<
  Operations,
  'listPeers' | 'addPeer' | 'pingPeer' | 'blockPeer' | 'unblockPeer'
> {
  const known = (): NodePeers => {
    if (peers === undefined) throw new Failure('no-peers')
    return peers
  }
  return {
    async listPeers() {
      return { peers: known().list() }
    },
    async addPeer({ address }) {
      known().add(address)
      return { added: true }
    },
    async pingPeer({ peer }, options) {
      return { ms: await known().ping(peer, options) }
    },
    async blockPeer({ peer }) {
      await known().block(peer)
      return { blocked: true }
    },
    async unblockPeer({ peer }) {
      await known().unblock(peer)
      return { blocked: false }
    },
  }
}
