import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { standardModules } from '../../node/index.ts'
import {
  asMessageId,
  asProcessId,
  type AssignmentView,
  type ProcessId,
  signDataItemSync,
  type Tag,
} from '../../protocol/index.ts'
import { type Client, connect, ed25519Signer } from '../../sdk/index.ts'
import { keptPort } from './kept-port.ts'
import { type RunningNode, startNode } from './running-node.ts'

const SEED = new Uint8Array(32).fill(12)
const ROUNDS = 40
const STARTS = 6

const tags = (fields: Record<string, string>): Tag[] => Object.entries(fields).map(([name, value]) => ({ name, value }))

function item(fields: Record<string, string>, target?: string): { id: string; bytes: Uint8Array } {
  const all = tags({ 'Data-Protocol': 'ao', Variant: 'ao.TN.1', ...fields })
  return signDataItemSync(target === undefined ? { tags: all, data: ' ' } : { target, tags: all, data: ' ' }, SEED)
}

async function spawnRelay(node: RunningNode, client: Client): Promise<ProcessId> {
  const relay = (await standardModules()).find(({ name }) => name === 'relay')
  if (relay === undefined) throw new Error('no relay')
  const plain = relay.tags.filter(tag => tag.name !== 'Module-Format')
  const module = await client.modules.add(relay.wasm, { format: 'actor', tags: plain })
  const spawned = item({ Type: 'Process', Module: module, Scheduler: node.scheduler })
  await client.submit(spawned.bytes)
  return asProcessId(spawned.id)
}

async function pingsOf(client: Client, process: ProcessId): Promise<AssignmentView[]> {
  const slots = await Array.fromAsync(client.processes.slots(process))
  return slots.filter(slot => slot.envelope.kind === 'push')
}

it('two processes on two nodes talk to each other, exactly once, though one node is killed while they do', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atoll-two-nodes-'))
  const port = await keptPort()
  const startB = (): Promise<RunningNode> => startNode(join(folder, 'b'), { listen: [String(port)] })
  let b = await startB()
  const a = await startNode(join(folder, 'a'), { peer: [`/ip4/127.0.0.1/tcp/${port}`] })
  onTestFinished(async () => {
    await Promise.all([a.kill(), b.kill()])
    await rm(folder, { recursive: true })
  })
  const signer = ed25519Signer(SEED)
  const clientA = await connect({ url: a.url, signer })
  let clientB = await connect({ url: b.url, signer })
  const [onA, onB] = [await spawnRelay(a, clientA), await spawnRelay(b, clientB)]

  const starts: string[] = []
  const start = async (n: number): Promise<void> => {
    const started = item({ Type: 'Message', Action: 'Start', Peer: onB, Rounds: String(ROUNDS), Nth: String(n) }, onA)
    starts.push(started.id)
    await clientA.submit(started.bytes)
  }
  await start(0)
  await clientA.settled(asMessageId(starts[0] ?? ''), { process: onA, timeoutMs: 60_000 })
  for (let n = 1; n < STARTS; n++) await start(n)
  await b.kill()
  b = await startB()
  clientB = await connect({ url: b.url, signer })
  for (const id of starts) await clientA.settled(asMessageId(id), { process: onA, timeoutMs: 60_000 })

  const [pingsA, pingsB] = [await pingsOf(clientA, onA), await pingsOf(clientB, onB)]
  expect(pingsA.length + pingsB.length).toBe(STARTS * ROUNDS)
  for (const [pings, from] of [
    [pingsA, onB],
    [pingsB, onA],
  ] as const) {
    const seqs = pings.map(({ envelope }) => (envelope.kind === 'push' ? [envelope.from, envelope.seq] : []))
    expect(seqs).toEqual(pings.map((_, seq) => [from, seq]))
  }
})
