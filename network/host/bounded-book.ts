import type { Address, Peer, PeerData, PeerId, PeerStore } from '@libp2p/interface'
import { withoutPeer } from '../peers/peer-name.ts'

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

/** What is to be remembered of a node that a signed record tells of, or that was reached: strangers do not have it forgotten, nor what they say of it. */
export function toldOf(multiaddrs: NonNullable<PeerData['multiaddrs']>): PeerData {
  return {
    addresses: multiaddrs.map(multiaddr => ({ multiaddr, isCertified: true })),
    tags: { [TOLD]: { value: 0 } },
  }
}

/**
 * Keeps libp2p's book of peers in bounds: it holds for hours what whoever connects says of himself, up to 80 KB of it, and keys cost nothing.
 *
 * 1. Whoever was written of last is the last to be forgotten; who is connected is not.
 * 2. Those that this node was told of, and the others, have bounds of their own.
 * 3. What is written of one peer is cut to what an honest node says; what it signed stays before what others say of it.
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
      const brief = cut(data)
      const peer = await write(id, brief, options)
      await written(id, peer)
      const { protocols } = peer
      const addresses = certified(peer.addresses, brief.addresses)
      const isBrief = addresses.length <= ADDRESSES_MAX && protocols.length <= PROTOCOLS_MAX
      if (isBrief && addresses === peer.addresses) return peer
      // What is added bit by bit becomes too much as well: what the peer signed stays.
      return store.patch(id, { addresses: addresses.toSorted(signedFirst), protocols }, options)
    }
  }
}

/** Puts what a peer signed before what others say of it. */
export function signedFirst(a: Address, b: Address): -1 | 0 | 1 {
  if (a.isCertified === b.isCertified) return 0
  return a.isCertified ? -1 : 1
}

/** What is held, with the mark on all that is said to be signed: libp2p leaves it off what others said before. */
function certified(held: Address[], said: readonly Address[] = []): Address[] {
  const signed = new Set(
    said.filter(({ isCertified }) => isCertified).map(({ multiaddr }) => withoutPeer(multiaddr.toString())),
  )
  const isUnmarked = (one: Address): boolean => !one.isCertified && signed.has(one.multiaddr.toString())
  return held.some(isUnmarked) ? held.map(one => (isUnmarked(one) ? { ...one, isCertified: true } : one)) : held
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
