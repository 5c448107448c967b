import { expect, test } from 'vitest'
import { sourceFromNode } from '../../cli/remote-source.ts'
import { checkFeedFile, feedFile, standardModules } from '../../node/index.ts'
import { asProcessId, concatBytes } from '../../protocol/index.ts'
import { connect, ed25519Signer, fromUtf8, generateEd25519Seed, type Client } from '../../sdk/index.ts'
import { tempFolder } from '../log/temp-folder.ts'
import { type RunningNode, startNode } from './running-node.ts'

const AFTER_KILL = 60

async function startThree(folder: string): Promise<RunningNode[]> {
  const nodes: RunningNode[] = []
  for (const name of ['a', 'b', 'c']) {
    const peer = nodes.flatMap(node => node.addresses.slice(0, 1))
    nodes.push(await startNode(`${folder}/${name}`, { listen: ['/ip4/127.0.0.1/tcp/0'], peer }))
  }
  return nodes
}

test('three schedulers in three programs: kill -9 of the one that leads loses and doubles nothing', async () => {
  await using folder = await tempFolder()
  const nodes = await startThree(folder.path)
  try {
    const signer = ed25519Signer(generateEd25519Seed())
    const clients = nodes.map(({ url }) => connect({ url, signer }))
    const [first, second, third] = clients
    if (first === undefined || second === undefined || third === undefined) throw new Error('expected three')
    const schedulers = nodes.map(({ scheduler }) => scheduler)
    const hits = await first.spawn({
      module: await addCounter(first),
      schedulers,
      tags: [{ name: 'Name', value: 'hits' }],
    })
    const receipts = new Map<number, string>()
    const add = async (client: Client): Promise<void> => {
      const item = await client.prepare({ process: hits.id, action: 'Add' })
      for (;;) {
        const answer = await client.submit(item.bytes, { timeoutMs: 60_000 }).catch(() => undefined)
        if (answer === undefined || !('slot' in answer)) continue
        expect(receipts.get(answer.slot) ?? item.id).toBe(item.id)
        receipts.set(answer.slot, item.id)
        return
      }
    }
    const load = async (client: Client, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await add(client)
    }
    await load(first, 5)
    const running = Promise.all([load(second, AFTER_KILL), load(third, AFTER_KILL)])
    await waitUntil(() => receipts.size > 30)
    await nodes[0]?.kill()
    await running
    expect(receipts.size).toBe(5 + 2 * AFTER_KILL)
    for (const client of [second, third]) {
      const process = client.process(hits.id)
      const answer = await process.query({ action: 'Get' })
      expect(Number(fromUtf8(answer.output))).toBe(receipts.size)
    }
    // What they signed together is checked by whoever has nothing but the feed in a file.
    const feed = await checkFeedFile(await feedOf(second, hits.id))
    expect(feed.slots).toBe(1 + receipts.size)
    expect([feed.process.policy.schedulers, feed.process.policy.schedulerQuorum]).toEqual([schedulers, 2])
    // Back again, it finds what it missed, and takes messages as before.
    const back = await startNode(`${folder.path}/a`, {
      listen: ['/ip4/127.0.0.1/tcp/0'],
      peer: nodes.slice(1).flatMap(node => node.addresses.slice(0, 1)),
    })
    nodes[0] = back
    const again = connect({ url: back.url, signer })
    await load(again, 3)
    const answer = await again.process(hits.id).query({ action: 'Get' })
    expect(Number(fromUtf8(answer.output))).toBe(receipts.size)
  } finally {
    await Promise.all(nodes.map(node => node[Symbol.asyncDispose]()))
  }
})

async function addCounter(client: Client): Promise<string> {
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  if (counter === undefined) throw new Error('expected the counter')
  const tags = counter.tags.filter(tag => tag.name !== 'Module-Format')
  return client.modules.add(counter.wasm, { format: 'actor', tags })
}

async function feedOf(client: Client, process: string): Promise<Uint8Array> {
  const source = sourceFromNode(client, asProcessId(process), {})
  return concatBytes(...(await Array.fromAsync(feedFile(source))))
}

async function waitUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise(resolve => setTimeout(resolve, 20))
}
