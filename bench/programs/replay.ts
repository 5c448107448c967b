/** Makes the feed of a process in a folder, replays it with a fresh compute unit, or verifies it. */
import { mkdir } from 'node:fs/promises'
import { childProcessHosts, ComputeUnit } from '../../compute-unit/index.ts'
import { HypercoreLog } from '../../log/index.ts'
import { hostProgram, nativeCrypto, sourceFromLog, standardModules, verifyProcess } from '../../node/index.ts'
import {
  asKeyId,
  asProcessId,
  type Clock,
  describeSpawnItem,
  ed25519PublicKey,
  encodeEnvelope,
  Failure,
  installCrypto,
  keyId,
  messagesFeed,
  parseDataItem,
  type ProcessId,
  type ScheduleRequest,
  slotCount,
} from '../../protocol/index.ts'
import { SchedulerUnit } from '../../scheduler-unit/index.ts'
import { cpuMsOf } from '../peer-programs/cpu-time.ts'
import { report, runProgram } from '../peer-programs/program.ts'
import { messageTo, signedItem } from '../rows/items.ts'

interface Input {
  readonly folder: string
  readonly make?: { readonly slots: number }
  readonly replay?: string
  readonly verify?: string
}

const SEED = new Uint8Array(32).fill(5)
/** Messages that wait for the scheduler at the same time: it cuts full frames of them. */
const AT_ONCE = 2_048
const REPLAY_MAX_MS = 240_000
const US_PER_MS = 1_000

installCrypto(nativeCrypto)
const key = asKeyId(keyId(ed25519PublicKey(SEED)))

const clock: Clock = {
  now: () => Date.now(),
  elapsed: () => Math.floor(performance.now()),
  sleep: ms => new Promise(resolve => setTimeout(resolve, ms)),
}

const openLog = (directory: string): Promise<HypercoreLog> => HypercoreLog.open({ directory, keySeed: SEED })

async function makeFolder(folder: string, slots: number): Promise<ProcessId> {
  await mkdir(folder, { recursive: true })
  await using log = await openLog(folder)
  await using scheduler = await SchedulerUnit.open({
    key,
    log,
    clock,
    assignable: async () => false,
    committed: () => undefined,
    signerRatePerSecond: 1e9,
  })
  const standard = (await standardModules()).find(one => one.name === 'counter')
  if (standard === undefined) throw new Error('no counter')
  const tags = Object.fromEntries(standard.tags.map(tag => [tag.name, tag.value]))
  const item = parseDataItem(signedItem({ Type: 'Module', ...tags }, undefined, standard.wasm))
  const { id: module } = await log.directory.addModule(item)
  const process = await makeFeed(log, scheduler, module, slots)
  report(`a feed of ${slots} slots is made`)
  await log.drain()
  return process
}

async function makeFeed(
  log: HypercoreLog,
  scheduler: SchedulerUnit,
  module: string,
  slots: number,
): Promise<ProcessId> {
  const spawn = signedItem({ Type: 'Process', Module: module, Scheduler: key })
  const process = describeSpawnItem(parseDataItem(spawn))
  await log.directory.addProcess(process, encodeEnvelope({ kind: 'item', item: spawn }))
  await schedule(scheduler, [{ process: process.id, envelope: { kind: 'item', item: spawn } }])
  for (let at = 1; at < slots; at += AT_ONCE) {
    const requests = Array.from({ length: Math.min(AT_ONCE, slots - at) }, () => {
      const item = messageTo(process.id, { Action: 'Add', Quantity: '1' })
      return { process: process.id, envelope: { kind: 'item', item } as const }
    })
    await schedule(scheduler, requests)
  }
  return process.id
}

async function schedule(scheduler: SchedulerUnit, requests: readonly ScheduleRequest[]): Promise<void> {
  for (const answer of await scheduler.schedule(requests))
    if (answer.status !== 'scheduled') throw new Error(`not scheduled: ${JSON.stringify(answer)}`)
}

async function replay(folder: string, process: ProcessId) {
  await using log = await openLog(folder)
  const description = await log.directory.process(process)
  if (description === undefined) throw new Failure('unknown-process', { process })
  const slots = await slotCount(log, messagesFeed(description))
  const troubles: Failure[] = []
  await using unit = await ComputeUnit.open({
    key,
    seed: SEED,
    log,
    clock,
    openHost: childProcessHosts(hostProgram()),
    hosts: 1,
    evaluated: () => undefined,
    timers: () => undefined,
    trouble: (_, failure) => void troubles.push(failure),
  })
  if ((await unit.evaluated(process)) !== 0) throw new Error('this feed was evaluated before')
  const before = globalThis.process.cpuUsage()
  const start = performance.now()
  unit.catchUp(process)
  const last = await unit.result(process, slots - 1, { timeoutMs: REPLAY_MAX_MS })
  const elapsedMs = performance.now() - start
  const { user, system } = globalThis.process.cpuUsage(before)
  const hostMs = unit.hostPids.reduce((sum, pid) => sum + (cpuMsOf(pid) ?? 0), 0)
  const counted = new TextDecoder().decode(last.output)
  if (counted !== String(slots - 1)) throw new Error(`expected ${slots - 1}, got ${counted}`)
  if (troubles.length > 0) throw new Error('replay had trouble', { cause: troubles[0] })
  return { slots, elapsedMs, cpuUsPerSlot: (user + system + hostMs * US_PER_MS) / slots }
}

async function verify(folder: string, process: ProcessId) {
  await using log = await openLog(folder)
  const { ok, slots, certified, ms, firstFault } = await verifyProcess(await sourceFromLog(log, process))
  if (!ok) throw new Error(`not verified: slot ${firstFault?.slot}, ${firstFault?.what}`)
  return { slots, elapsedMs: ms, certified }
}

await runProgram<Input>(async ({ folder, make, replay: replayed, verify: verified }) => {
  if (make !== undefined) return await makeFolder(folder, make.slots)
  if (replayed !== undefined) return await replay(folder, asProcessId(replayed))
  return await verify(folder, asProcessId(verified ?? ''))
})
