/** A peer for the benchmark of calls: answers every question for a module with 512 bytes. Says where it is reached. */
import { Network } from '../../network/index.ts'
import { Failure, type PeerOperations } from '../../protocol/index.ts'

const ANSWER = new Uint8Array(512).fill(7)

const refuse = (): never => {
  throw new Failure('not-permitted')
}
const operations = new Proxy({} as PeerOperations, {
  get: (_, name) => (name === 'moduleItem' ? async () => ANSWER : refuse),
})

const network = await Network.open({
  seed: new Uint8Array(32).fill(9),
  listen: ['/ip4/127.0.0.1/tcp/0'],
  peers: [],
  trouble: (what, failure) => process.stderr.write(`${what}: ${failure.message}\n`),
})
network.serve(operations)
process.send?.({ key: network.key, address: network.addresses[0] })
process.once('disconnect', () => process.exit(0))
process.on('message', () => process.send?.({ cpuUs: process.cpuUsage().user + process.cpuUsage().system }))
