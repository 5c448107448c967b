import { onTestFinished } from 'vitest'
import { type Host, type HostParts, openHost } from '../../network/host/open-host.ts'
import { StreamWatch } from '../../network/host/stream-watch.ts'

/** A libp2p host as a node opens it, that looks for nobody and is stopped with the test: on a free port of loopback if it listens, else on none. */
export async function loneHost(
  seed: number,
  {
    listens = false,
    ...options
  }: Partial<Pick<HostParts, 'dht' | 'watch' | 'listens' | 'relay' | 'listen' | 'dialled' | 'isPublic'>> = {},
): Promise<Host> {
  const host = await openHost({
    seed: new Uint8Array(32).fill(seed),
    listen: listens ? ['/ip4/127.0.0.1/tcp/0'] : [],
    listens,
    dialled: ['/ip4/127.0.0.1/tcp/1'],
    bootstrap: [],
    mdns: false,
    dht: false,
    relay: false,
    isPublic: false,
    isRefused: () => false,
    refused: () => undefined,
    isKept: () => false,
    watch: new StreamWatch(),
    ...options,
  })
  onTestFinished(() => host.stop())
  return host
}
