import { flushCompileCache } from 'node:module'
import type { createNode } from '../../../node/index.ts'

/** Runs a node as the arguments of this program say, `<data folder> [options as JSON]`, until somebody ends it. */
export async function runNode(create: typeof createNode): Promise<void> {
  const [data = '', options = '{}'] = process.argv.slice(2)
  const node = await create({ data, port: 0, hosts: 1, signerRate: 1_000_000, ...JSON.parse(options) })
  process.stdout.write(
    `${JSON.stringify({ url: node.url, scheduler: node.key, addresses: node.network?.addresses ?? [] })}\n`,
  )
  // What was compiled is kept for the next program: this one may be killed.
  flushCompileCache()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void node[Symbol.asyncDispose]().then(() => process.exit(0)))
  }
}
