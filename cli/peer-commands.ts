import type { Command, OptionRow } from './command.ts'

/** Where the admin token of the node is. */
const DATA_OPTION = {
  data: {
    type: 'string',
    short: 'd',
    value: 'folder',
    about: 'data folder of the node, for its admin token (or ATOLL_ADMIN_TOKEN)',
  },
} as const satisfies Record<string, OptionRow>

/** Commands about other nodes. */
export const PEER_COMMANDS: readonly Command[] = [
  {
    name: 'peer list',
    usage: '',
    about: 'Nodes it is connected to, dials, or does not speak to',
    options: DATA_OPTION,
    examples: ['atoll peer list', 'atoll peer list -o ndjson'],
    load: async () => (await import('./commands/peer.ts')).listPeers,
  },
  {
    name: 'peer add',
    usage: '<address>',
    about: 'Keep a connection to the node at an address',
    options: DATA_OPTION,
    examples: ['atoll peer add /ip4/10.0.0.7/tcp/7334'],
    load: async () => (await import('./commands/peer.ts')).addPeer,
  },
  {
    name: 'peer ping',
    usage: '<peer>',
    about: 'How long an echo of a node takes, by its key or peer id',
    options: DATA_OPTION,
    examples: ['atoll peer ping <peer>'],
    load: async () => (await import('./commands/peer.ts')).pingPeer,
  },
  {
    name: 'peer block',
    usage: '<peer>',
    about: 'Speak to a node no more',
    options: DATA_OPTION,
    examples: ['atoll peer block <peer>'],
    load: async () => (await import('./commands/peer.ts')).blockPeer,
  },
  {
    name: 'peer unblock',
    usage: '<peer>',
    about: 'Speak to a node again, whatever it did',
    options: DATA_OPTION,
    examples: ['atoll peer unblock <peer>'],
    load: async () => (await import('./commands/peer.ts')).unblockPeer,
  },
]
