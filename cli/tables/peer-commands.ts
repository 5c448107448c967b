import type { Command } from '../command.ts'
import { ADMIN_OPTIONS } from '../words/common-options.ts'

/** Commands about other nodes. */
export const PEER_COMMANDS: readonly Command[] = [
  {
    name: 'peer list',
    usage: '',
    about: 'Nodes it is connected to, dials, or does not speak to',
    options: ADMIN_OPTIONS,
    examples: ['atoll peer list', 'atoll peer list -o ndjson'],
    load: async () => (await import('../commands/peer.ts')).listPeers,
  },
  {
    name: 'peer add',
    usage: '<address>',
    about: 'Keep a connection to the node at an address',
    options: ADMIN_OPTIONS,
    examples: ['atoll peer add /ip4/10.0.0.7/tcp/7334'],
    load: async () => (await import('../commands/peer.ts')).addPeer,
  },
  {
    name: 'peer ping',
    usage: '<peer>',
    about: 'How long an echo of a node takes, by its key or peer id',
    options: ADMIN_OPTIONS,
    examples: ['atoll peer ping <peer>'],
    load: async () => (await import('../commands/peer.ts')).pingPeer,
  },
  {
    name: 'peer block',
    usage: '<peer>',
    about: 'Speak to a node no more',
    options: ADMIN_OPTIONS,
    examples: ['atoll peer block <peer>'],
    load: async () => (await import('../commands/peer.ts')).blockPeer,
  },
  {
    name: 'peer unblock',
    usage: '<peer>',
    about: 'Speak to a node again, whatever it did',
    options: ADMIN_OPTIONS,
    examples: ['atoll peer unblock <peer>'],
    load: async () => (await import('../commands/peer.ts')).unblockPeer,
  },
]
