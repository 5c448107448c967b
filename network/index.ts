// This node among others: libp2p, one stream for each pair of nodes, and what is asked over it.
export { type FrameCipher, TAG_BYTES } from './host/frame-cipher.ts'
export { Network, type NetworkParts } from './network.ts'
export { Peering } from './peers/peering.ts'
export { RemoteOperations } from './links/remote-operations.ts'
export { parsePeerName } from './peers/peer-name.ts'
