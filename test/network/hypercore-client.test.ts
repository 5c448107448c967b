import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { createNode, standardModules } from '../../node/index.ts'
import { asProcessId, decodeEnvelope, describeProcess, feedKey, messagesFeed, toHex } from '../../protocol/index.ts'
import { connect, ed25519Signer } from '../../sdk/index.ts'

const PROGRAM = fileURLToPath(new URL('programs/hypercore-program.ts', import.meta.url))

it('an ordinary Corestore elsewhere replicates a feed whose key it computed from the spawn message', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-hypercores-'))
  const node = await createNode({ data: join(folder, 'node'), port: 0, listen: ['0'], hosts: 1 })
  onTestFinished(async () => {
    await node[Symbol.asyncDispose]()
    await rm(folder, { recursive: true })
  })
  const client = await connect({ url: node.url, signer: ed25519Signer(new Uint8Array(32).fill(12)) })
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  const tags = (counter?.tags ?? []).filter(tag => tag.name !== 'Module-Format')
  const module = await client.modules.add(counter?.wasm ?? new Uint8Array(), { format: 'actor', tags })
  const spawned = await client.spawn({ module })
  const add = (): Promise<unknown> => client.send({ process: spawned.id, action: 'Add' })
  for (let n = 0; n < 3; n++) await add()

  // All that is known of the feed is the spawn message.
  const process_ = describeProcess(decodeEnvelope(await client.processes.spawnEnvelope(asProcessId(spawned.id))))
  const key = toHex(feedKey(messagesFeed(process_)))
  const child = spawn(process.execPath, [PROGRAM, join(folder, 'client'), node.network?.addresses[0] ?? '', key, '6'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const hashes: string[] = []
  const lines = createInterface({ input: child.stdout })
  lines.on('line', line => hashes.push(line))
  await expect.poll(() => hashes.length, { timeout: 60_000 }).toBe(4)
  // What is new comes by itself.
  for (let n = 0; n < 2; n++) await add()
  await expect.poll(() => hashes.length, { timeout: 60_000 }).toBe(6)
  const blocks = await Array.fromAsync(node.log.blocks(messagesFeed(process_), 0))
  expect(hashes).toEqual(blocks.map(block => createHash('sha256').update(block).digest('hex')))
})
