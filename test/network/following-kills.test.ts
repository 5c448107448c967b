import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { standardModules } from '../../node/index.ts'
import { asProcessId, decodeFeedPage, fromUtf8, type ProcessId, toHex } from '../../protocol/index.ts'
import { connect, ed25519Signer } from '../../sdk/index.ts'
import { keptPort } from './kept-port.ts'
import { type RunningNode, startNode } from './running-node.ts'

const signer = ed25519Signer(new Uint8Array(32).fill(12))
const PROCESSES = 4
const MESSAGES = 60

it('feeds are equal here and there after followers and schedulers were killed under load', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-kills-'))
  const port = await keptPort()
  const startA = (): Promise<RunningNode> => startNode(join(folder, 'a'), { listen: [String(port)] })
  const startB = (): Promise<RunningNode> => startNode(join(folder, 'b'), { peer: [`/ip4/127.0.0.1/tcp/${port}`] })
  let [a, b] = await Promise.all([startA(), startB()])
  onTestFinished(async () => {
    await Promise.all([a.kill(), b.kill()])
    await rm(folder, { recursive: true })
  })
  let client = connect({ url: a.url, signer })
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  const tags = (counter?.tags ?? []).filter(tag => tag.name !== 'Module-Format')
  const module = await client.modules.add(counter?.wasm ?? new Uint8Array(), { format: 'actor', tags })
  const processes: ProcessId[] = []
  for (let n = 0; n < PROCESSES; n++) {
    const spawned = await client.spawn({
      module,
      schedulers: [a.scheduler],
      computeUnits: [b.scheduler],
      tags: [{ name: 'N', value: String(n) }],
    })
    processes.push(asProcessId(spawned.id))
  }
  const kill = { 15: 'b', 30: 'a', 45: 'b' } as Record<number, 'a' | 'b'>
  let restarting: Promise<void> = Promise.resolve()
  for (let n = 0; n < MESSAGES; n++) {
    if (kill[n] === 'a') {
      await a.kill()
      a = await startA()
      client = connect({ url: a.url, signer })
    } else if (kill[n] === 'b') {
      await restarting
      // Messages go on meanwhile.
      restarting = b.kill().then(async () => {
        b = await startB()
      })
    }
    await client.send({ process: processes[n % PROCESSES] ?? '', action: 'Add' })
  }
  await restarting
  const blocksOn = async (node: RunningNode, process: ProcessId): Promise<string[]> => {
    const bytes = await connect({ url: node.url }).transport.request('frames', { process })
    return decodeFeedPage(bytes).blocks.map(toHex)
  }
  for (const process of processes) {
    // What is evaluated there was followed; reading a feed would fetch it.
    const last = MESSAGES / PROCESSES
    const output = (): Promise<string> =>
      connect({ url: b.url })
        .result(process, last)
        .then(result => fromUtf8(result.output), String)
    await expect.poll(output, { timeout: 60_000, interval: 500 }).toBe(String(last))
    const there = await blocksOn(a, process)
    expect(there.length).toBeGreaterThan(1)
    expect(await blocksOn(b, process)).toEqual(there)
  }
})
