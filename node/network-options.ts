/** How a node is one among others. Without any of these it knows none. */
export interface NetworkOptions {
  /** Multiaddresses at which peers reach it, or ports of loopback. */
  readonly listen?: readonly string[] | undefined
  /** Multiaddresses of nodes to keep a connection to. */
  readonly peer?: readonly string[] | undefined
  /** Multiaddresses, with peer ids, of nodes that are asked for others. */
  readonly bootstrap?: readonly string[] | undefined
  /** Nodes of the local network find each other. */
  readonly mdns?: boolean | undefined
  /** It takes part in the distributed table of who is where. */
  readonly dht?: boolean | undefined
  /** It carries connections of nodes that cannot be reached. */
  readonly relay?: boolean | undefined
}

/** Whether it is told how to find other nodes. */
export function knowsPeers({ peer = [], bootstrap = [], mdns = false }: NetworkOptions): boolean {
  return peer.length + bootstrap.length > 0 || mdns
}

/** Whether it knows other nodes, or they may come to know it. */
export function isAmongOthers(options: NetworkOptions): boolean {
  return (options.listen ?? []).length > 0 || knowsPeers(options)
}
