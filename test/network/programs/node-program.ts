// A node in a program of its own, for tests that kill it: `node node-program.ts <data folder> [options as JSON]`.
import { flushCompileCache } from 'node:module'
import type * as Nodes from '../../../node/index.ts'
import { freshBundle } from '../../../startup/index.ts'

const [data = '', options = '{}'] = process.argv.slice(2)
const bundle = freshBundle()
const { createNode } = (await import(
  bundle === undefined ? '../../../node/index.ts' : new URL('node.js', bundle).href
)) as typeof Nodes
const node = await createNode({ data, port: 0, hosts: 1, signerRate: 1_000_000, ...JSON.parse(options) })
process.stdout.write(
  `${JSON.stringify({ url: node.url, scheduler: node.key, addresses: node.network?.addresses ?? [] })}\n`,
)
// What was compiled is kept for the next program: this one may be killed.
flushCompileCache()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void node[Symbol.asyncDispose]().then(() => process.exit(0)))
}
