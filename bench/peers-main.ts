/** `node bench/peers-main.ts [--quick]`: the figures of all peers as one JSON on stdout. */

import { measurePeers } from './peers.ts'

const interrupted = new AbortController()
process.once('SIGINT', () => interrupted.abort())
process.once('SIGTERM', () => interrupted.abort())

const quick = process.argv.includes('--quick')
const figures = await measurePeers({ quick, signal: interrupted.signal })
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)
