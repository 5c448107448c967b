// A program with a Corestore of its own that knows a node's address and the key of a feed, and nothing else of Atoll:
// `node hypercore-program.ts <folder> <address> <key> <length>`. Prints the hash of each block as it comes.
import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import NoiseSecretStream from '@hyperswarm/secret-stream'
import { noise } from '@libp2p/noise'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import Corestore from 'corestore'
import HypercoreStorage from 'hypercore-storage'
import { createLibp2p } from 'libp2p'
import { ByteDuplex } from '../../../network/host/byte-duplex.ts'

const [folder = '', address = '', key = '', length = '0'] = process.argv.slice(2)
const host = await createLibp2p({ transports: [tcp()], connectionEncrypters: [noise()], streamMuxers: [yamux()] })
const store = new Corestore(new HypercoreStorage(folder))
await store.ready()
const core = store.get({ key: Buffer.from(key, 'hex'), allowFork: false })
await core.ready()
const stream = await host.dialProtocol(multiaddr(address), '/atoll/hypercore/1')
store.replicate(new NoiseSecretStream(true, new ByteDuplex(stream), { keepAlive: 0 }) as unknown as Duplex)
const waiting = core as unknown as { get(index: number): Promise<Uint8Array> }
for (let index = 0; index < Number(length); index++)
  process.stdout.write(
    `${createHash('sha256')
      .update(await waiting.get(index))
      .digest('hex')}\n`,
  )
await host.stop()
process.exit(0)
