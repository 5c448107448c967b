import type { Peer, PeerData, PeerId, PeerStore } from '@libp2p/interface'

/** What is kept of one peer: of addresses, of protocols, and bytes of each, of what it calls itself and of its signed record. */
const [ADDRESSES_MAX, PROTOCOLS_MAX, TEXT_MAX_BYTES, RECORD_MAX_BYTES] = [32, 64, 256, 4_096]
/** Marks whoever this node was told of: see `toldOf`. */
const TOLD = 'atoll-told'

export interface BookBounds {
  /** Peers that came by themselves, or were come across. */
  readonly strangersMax: number
  /** Peers that this node was told of. */
  readonly toldMax: number
  readonly isConnected: (id: PeerId) => boolean
}

/** What is to be remembered of a node that a signed record tells of: strangers who come and go do not have it forgotten. */
export function toldOf(multiaddrs: NonNullable<PeerData['multiaddrs']>): PeerData {
  return { multiaddrs, tags: { [TOLD]: { value: 0 } } }
}

/**
 * Keeps libp2p's book of peers in bounds: it holds for hours what whoever connects says of himself, up to 80 KB of it, and keys cost nothing.
 *
 * 1. Whoever was written of last is the last to be forgotten; who is connected is not.
 * 2. Those that this node was told of, and the others, have bounds of their own.
 * 3. What is written of one peer is cut to what an honest node says.
 */
export function boundBook(
  store: Pick<PeerStore, 'save' | 'patch' | 'merge' | 'delete'>,
  { strangersMax, toldMax, isConnected }: BookBounds,
): void {
  const [strangers, told] = [new Map<string, PeerId>(), new Map<string, PeerId>()]
  const written = async (id: PeerId, { tags }: Peer): Promise<void> => {
    const name = id.toString()
    strangers.delete(name)
    told.delete(name)
    const [kind, max] = tags.has(TOLD) ? [told, toldMax] : [strangers, strangersMax]
    kind.set(name, id)
    if (kind.size > max) await forgetOldest(kind)
  }
  const forgetOldest = async (kind: Map<string, PeerId>): Promise<void> => {
    const oldest = kind.values().find(id => !isConnected(id))
    if (oldest === undefined) return
    kind.delete(oldest.toString())
    await store.delete(oldest)
  }
  for (const way of ['save', 'patch', 'merge'] as const) {
    const write = store[way].bind(store)
    store[way] = async (id, data, options) => {
      const peer = await write(id, cut(data), options)
      await written(id, peer)
      const { protocols, addresses } = peer
      if (addresses.length <= ADDRESSES_MAX && protocols.length <= PROTOCOLS_MAX) return peer
      // What is added bit by bit becomes too much as well: what the peer signed stays.
      const signedFirst = addresses.toSorted((a, b) => Number(b.isCertified) - Number(a.isCertified))
      return store.patch(id, { addresses: signedFirst, protocols }, options)
    }
  }
}

function cut(data: PeerData): PeerData {
  const { multiaddrs, addresses, protocols, metadata, peerRecordEnvelope, ...more } = data
  const isShort = ({ bytes }: { readonly bytes: Uint8Array }): boolean => bytes.length <= TEXT_MAX_BYTES
  const facts = metadata instanceof Map ? [...metadata] : Object.entries(metadata ?? {})
  return {
    ...more,
    ...(multiaddrs && { multiaddrs: multiaddrs.filter(isShort).slice(0, ADDRESSES_MAX) }),
    ...(addresses && { addresses: addresses.filter(({ multiaddr }) => isShort(multiaddr)).slice(0, ADDRESSES_MAX) }),
    ...(protocols && { protocols: protocols.filter(name => name.length <= TEXT_MAX_BYTES).slice(0, PROTOCOLS_MAX) }),
    ...(metadata && {
      metadata: new Map(facts.filter(([, value]) => value === undefined || value.length <= TEXT_MAX_BYTES)),
    }),
    ...(peerRecordEnvelope !== undefined && peerRecordEnvelope.length <= RECORD_MAX_BYTES && { peerRecordEnvelope }),
  }
}
