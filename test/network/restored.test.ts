import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { restoreBackup, standardModules } from '../../node/index.ts'
import { type Client, connect, ed25519Signer, fromUtf8, generateEd25519Seed, httpTransport } from '../../sdk/index.ts'
import { tempFolder } from '../log/temp-folder.ts'
import { type RunningNode, startNode } from './running-node.ts'
import { readFile } from 'node:fs/promises'

const LISTEN = ['/ip4/127.0.0.1/tcp/0']
const firstOf = (node: RunningNode): string[] => node.addresses.slice(0, 1)

async function addCounter(client: Client): Promise<string> {
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  if (counter === undefined) throw new Error('expected the counter')
  const tags = counter.tags.filter(tag => tag.name !== 'Module-Format')
  return client.modules.add(counter.wasm, { format: 'actor', tags })
}

test('a backup of a running node that is restored refuses to fork: it takes back what it missed, or writes nothing', async () => {
  await using folder = await tempFolder()
  const [home, backup, restored, copy] = ['home', 'backup', 'restored', 'copy'].map(name =>
    join(folder.path, name),
  ) as [string, string, string, string]
  let b = await startNode(join(folder.path, 'b'), { listen: LISTEN })
  let a = await startNode(home, { listen: LISTEN, peer: firstOf(b) })
  try {
    const signer = ed25519Signer(generateEd25519Seed())
    let client = connect({ url: a.url, signer })
    const computeUnits = [a.scheduler, b.scheduler]
    const hits = await client.spawn({ module: await addCounter(client), computeUnits })
    const receipts = new Map<number, string>()
    const send = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        const item = await client.prepare({ process: hits.id, action: 'Add' })
        const answer = await client.submit(item.bytes, { timeoutMs: 60_000 })
        if ('slot' in answer) receipts.set(answer.slot, item.id)
      }
    }
    await send(10)
    // Under load: messages go on being taken while the folder is copied.
    const adminToken = (await readFile(join(home, 'keys', 'admin-token'), 'utf8')).trim()
    const admin = httpTransport({ url: a.url, adminToken })
    const [backed] = await Promise.all([admin.request('adminBackup', { folder: backup }), send(20)])
    expect(backed.folder).toBe(backup)
    await send(10)
    // The other unit has all of it before the disk is lost.
    await expect
      .poll(async () => (await connect({ url: b.url, signer }).processes.get(hits.id)).scheduled, { timeout: 60_000 })
      .toBe(41)
    await a.kill()

    await restoreBackup(backup, restored)
    await cp(restored, copy, { recursive: true, preserveTimestamps: true })
    await expect(startNode(restored)).rejects.toThrow('copy or was restored')

    // Where nobody who follows the feed can be reached, it serves and writes nothing. It ends in good order: what a
    // follower took over in its last second is not on its disk, and it is the only one that has it.
    await b[Symbol.asyncDispose]()
    const alone = await startNode(copy, { peer: ['/ip4/127.0.0.1/tcp/1'] })
    try {
      const lonely = connect({ url: alone.url, signer })
      const item = await lonely.prepare({ process: hits.id, action: 'Add' })
      await expect(lonely.submit(item.bytes, { timeoutMs: 60_000 })).rejects.toMatchObject({ code: 'feed-behind' })
      expect((await lonely.processes.get(hits.id)).scheduled).toBeLessThan(41)
    } finally {
      await alone[Symbol.asyncDispose]()
    }

    b = await startNode(join(folder.path, 'b'), { listen: LISTEN })
    a = await startNode(restored, { listen: LISTEN, peer: firstOf(b) })
    client = connect({ url: a.url, signer })
    await send(5)
    expect([...receipts.keys()].sort((x, y) => x - y)).toEqual(Array.from({ length: 45 }, (_, i) => i + 1))
    const slots = await Array.fromAsync(client.processes.slots(hits.id))
    for (const [slot, id] of receipts) expect(slots.find(one => one.slot === slot)?.id, `slot ${slot}`).toBe(id)
    // All of the feed is evaluated again first.
    const total = async (): Promise<number> =>
      Number(fromUtf8((await client.process(hits.id).query({ action: 'Get' })).output))
    await expect.poll(total, { timeout: 90_000 }).toBe(45)
    // Whoever followed sees no break.
    await expect
      .poll(async () => (await connect({ url: b.url, signer }).processes.get(hits.id)).scheduled, { timeout: 60_000 })
      .toBe(46)
  } finally {
    await Promise.all([a[Symbol.asyncDispose](), b[Symbol.asyncDispose]()])
  }
})
