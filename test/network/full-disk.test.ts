import { execFileSync } from 'node:child_process'
import { appendFile, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { standardModules } from '../../node/index.ts'
import {
  asProcessId,
  type DataItem,
  Failure,
  fromUtf8,
  type ProcessId,
  signDataItemSync,
  type Tag,
} from '../../protocol/index.ts'
import { type Client, connect } from '../../sdk/index.ts'
import { startNode } from './running-node.ts'

const MIB = 1024 * 1024
const DISK_BYTES = 64 * MIB
/** What is left on the disk before messages come. */
const LEFT_BYTES = 4 * MIB
const SENDERS = 16
/** Refusals that are waited for: by then the databases have failed too, not the journal alone. */
const REFUSALS = 600
const PROCESSES = 4
const SEED = new Uint8Array(32).fill(23)
const PADDING = 'x'.repeat(8 * 1024)

/** A disk of its own, if this user may mount one. */
async function smallDisk(): Promise<string | undefined> {
  const path = await mkdtemp(join(tmpdir(), 'atoll-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', path], {
      stdio: 'ignore',
    })
    return path
  } catch {
    await rm(path, { recursive: true })
    return undefined
  }
}

async function remove(disk: string): Promise<void> {
  execFileSync('umount', ['-l', disk])
  await rm(disk, { recursive: true })
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path)
  return bavail * bsize
}

function item(fields: Record<string, string>, rest: { target?: string; data?: Uint8Array | string } = {}): DataItem {
  const tags: Tag[] = Object.entries({ 'Data-Protocol': 'ao', Variant: 'ao.TN.1', ...fields }).map(([name, value]) => ({
    name,
    value,
  }))
  return signDataItemSync({ tags, data: PADDING, ...rest }, SEED)
}

interface Outcome {
  readonly acknowledged: Map<string, { readonly process: ProcessId; readonly slot: number }>
  /** Times each code was answered. */
  readonly refused: Map<string, number>
}

async function send(client: Client, sent: DataItem, { acknowledged, refused }: Outcome): Promise<void> {
  try {
    const receipt = await client.transport.request('send', { bytes: sent.bytes }, { timeoutMs: 60_000 })
    if (!('slot' in receipt)) throw new Error('no receipt')
    acknowledged.set(sent.id, { process: asProcessId(receipt.process), slot: receipt.slot })
  } catch (error) {
    const code = Failure.is(error) ? error.code : String(error)
    refused.set(code, (refused.get(code) ?? 0) + 1)
  }
}

/** Fills the disk but for a little. */
async function fill(disk: string, ballast: string): Promise<void> {
  const chunk = new Uint8Array(MIB)
  while ((await freeBytes(disk)) > LEFT_BYTES) await appendFile(ballast, chunk)
}

async function spawnCounters(client: Client, scheduler: string): Promise<ProcessId[]> {
  const counter = (await standardModules()).find(({ name }) => name === 'counter')
  if (counter === undefined) throw new Error('no counter')
  const module = item({ Type: 'Module', 'Module-Format': 'actor' }, { data: counter.wasm })
  await client.submit(module.bytes)
  const processes: ProcessId[] = []
  for (let n = 0; n < PROCESSES; n++) {
    const spawned = item({ Type: 'Process', Module: module.id, Scheduler: scheduler, Name: `counter ${n}` })
    await client.submit(spawned.bytes)
    processes.push(asProcessId(spawned.id))
  }
  return processes
}

const tried = await smallDisk()
const canMount = tried !== undefined
if (tried !== undefined) await remove(tried)

it.skipIf(canMount)('a full disk: not shown, no disk of its own can be mounted here', () => undefined)

it.skipIf(!canMount)(
  'a full disk refuses messages with its code; once there is room the node goes on, and nothing acknowledged is lost',
  { timeout: 240_000 },
  async () => {
    const disk = await smallDisk()
    if (disk === undefined) throw new Error('no disk')
    onTestFinished(() => remove(disk))
    const [data, ballast] = [join(disk, 'data'), join(disk, 'ballast')]
    let node = await startNode(data)
    onTestFinished(() => node.kill())
    let client = await connect({ url: node.url })
    const processes = await spawnCounters(client, node.scheduler)
    const outcome: Outcome = { acknowledged: new Map(), refused: new Map() }
    let count = 0
    const until = async (isEnough: () => boolean): Promise<void> => {
      const senders = Array.from({ length: SENDERS }, async () => {
        while (!isEnough()) {
          const target = processes[count % PROCESSES] ?? ''
          await send(
            client,
            item({ Type: 'Message', Action: 'Add', Quantity: '1', Nth: String(count++) }, { target }),
            outcome,
          )
        }
      })
      await Promise.all(senders)
    }

    await fill(disk, ballast)
    await until(() => [...outcome.refused.values()].reduce((sum, times) => sum + times, 0) >= REFUSALS)
    expect([...outcome.refused.keys()]).toEqual(['disk-full'])

    await rm(ballast)
    const before = outcome.acknowledged.size
    await until(() => outcome.acknowledged.size >= before + 100)
    // The journal takes messages at once; the databases are opened anew a moment later.
    await vi.waitFor(() => checkAll(client, processes, outcome), { timeout: 60_000, interval: 500 })
    await node.kill()
    node = await startNode(data)
    client = await connect({ url: node.url })
    await checkAll(client, processes, outcome)
  },
)

/** Every acknowledged message stands in its slot, once, and each counter shows as many as stand in its feed. */
async function checkAll(client: Client, processes: readonly ProcessId[], { acknowledged }: Outcome): Promise<void> {
  for (const process of processes) {
    const ids: string[] = []
    for await (const slot of client.processes.slots(process)) ids.push(slot.id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [id, place] of acknowledged) if (place.process === process) expect(ids[place.slot]).toBe(id)
    const last = await client.result(process, ids.length - 1, { timeoutMs: 60_000 })
    expect(fromUtf8(last.output)).toBe(String(ids.length - 1))
  }
}
