import type { Peer, PeerData, PeerId, PeerStore } from '@libp2p/interface'
import { withoutPeer } from '../peers/peer-name.ts'

/** What libp2p keeps of a peer lasts hours since it was last written; within this nobody misses that. */
const FRESH_MS = 60_000

interface Note {
  readonly peer: Peer
  readonly writtenMs: number
}

/**
 * Has libp2p's book of peers leave out what stands there already: for each stream that opens it reads the peer, decodes it, adds the
 * protocol, encodes and writes all of it again, at both ends; and so it does with addresses.
 *
 * 1. What was written last is known here, for `max` peers: all that writes passes here.
 * 2. Whoever has something new to say, or says it after `FRESH_MS`, writes.
 */
export function writeNewsOnly(
  store: Pick<PeerStore, 'save' | 'patch' | 'merge' | 'delete'>,
  max: number,
  now: () => number = () => performance.now(),
): void {
  const notes = new Map<string, Note>()
  for (const way of ['save', 'patch', 'merge'] as const) {
    const write = store[way].bind(store)
    store[way] = async (id, data, options) => {
      const name = id.toString()
      const note = notes.get(name)
      if (way === 'merge' && note !== undefined && now() < note.writtenMs + FRESH_MS && saysNothingNew(note.peer, data))
        return note.peer
      const peer = await write(id, data, options)
      if (notes.size >= max) notes.clear()
      notes.set(name, { peer, writtenMs: now() })
      return peer
    }
  }
  const remove = store.delete.bind(store)
  store.delete = async (id: PeerId, options) => {
    notes.delete(id.toString())
    await remove(id, options)
    notes.delete(id.toString())
  }
}

function saysNothingNew(peer: Peer, { protocols = [], multiaddrs = [], ...more }: PeerData): boolean {
  if (Object.keys(more).length > 0) return false
  const known = (address: NonNullable<PeerData['multiaddrs']>[number]): boolean => {
    const bare = withoutPeer(address.toString())
    return peer.addresses.some(({ multiaddr }) => multiaddr.toString() === bare)
  }
  return protocols.every(protocol => peer.protocols.includes(protocol)) && multiaddrs.every(known)
}
