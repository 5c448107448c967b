// What a node needs that is one among others: libp2p and all that goes with it is a good part of a start, and a node alone does without.
export { joinNetwork, takePart } from './join-network.ts'
export { inReach, nodePeers } from '../peers/node-peers.ts'
