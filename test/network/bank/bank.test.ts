import { expect, it } from 'vitest'
import { compileProcess } from '../../../processes/standard/build.mjs'
import { asProcessId, decodeFeedPage, Failure, type OperationInput, type ProcessId } from '../../../protocol/index.ts'
import { type Client, connect, ed25519Signer } from '../../../sdk/index.ts'
import type { UnitName } from '../../../node/index.ts'
import { SeveralNodes } from '../several-nodes.ts'
import { BRANCH } from './branch.ts'
import { cutOff } from './cut-off.ts'
import { checkBank, type ReplayedBranch, replayBranch, unreadBranch } from './replay-bank.ts'

/** `ATOLL_TEST_BANK_S=600` is the long run. */
const SECONDS = Number(process.env['ATOLL_TEST_BANK_S'] ?? 60)
const BRANCHES = 10
const KILL_EVERY_MS = 2_000
/** Programs that are down or starting at once, at most: a slow machine kills less often than it should, and not all of them. */
const DOWN_MAX = 3
const CUT_EVERY_MS = 20_000
const CUT_MS = 4_000
/** After the last healing all must have come to rest within this long; the machine may be slow. */
const CONVERGE_MAX_MS = 120_000
const LOADS = 48
const SEED = new Uint8Array(32).fill(21)
const SCHEDULERS = ['s1', 's2', 's3'] as const
const COMPUTERS = ['c1', 'c2', 'c3'] as const
const MESSENGERS = ['m1', 'm2'] as const
type Name = (typeof SCHEDULERS)[number] | (typeof COMPUTERS)[number] | (typeof MESSENGERS)[number]
const UNITS: Record<Name, readonly UnitName[]> = {
  s1: ['scheduler'],
  s2: ['scheduler'],
  s3: ['scheduler'],
  c1: ['compute'],
  c2: ['compute'],
  c3: ['compute'],
  m1: ['messenger'],
  m2: ['messenger'],
}
const NAMES: readonly Name[] = [...SCHEDULERS, ...COMPUTERS, ...MESSENGERS]

interface Acknowledged {
  readonly process: ProcessId
  readonly slot: number
}

it(`a bank over three schedulers, three compute units and two messengers, ${SECONDS} s of kills and cuts`, {
  timeout: (SECONDS + 600) * 1_000,
}, async () => {
  await using cuts = await cutOff(NAMES.length)
  await using nodes = await SeveralNodes.start(NAMES, { cutOff: cuts, units: UNITS })
  const random = numbers(20_262)
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const clientOf = (name: Name): Client => connect({ url: nodes.of(name).url, signer: ed25519Signer(SEED) })

  const client = clientOf('m1')
  const tags = [{ name: 'Actor-Memory', value: 'scratch' }]
  const module = await client.modules.add(await compileProcess(BRANCH), { format: 'actor', tags })
  const branches: ProcessId[] = []
  for (let n = 0; n < BRANCHES; n++) {
    const spawned = await client.spawn({
      module,
      schedulers: [nodes.key(SCHEDULERS[n % SCHEDULERS.length] ?? 's1')],
      computeUnits: COMPUTERS.map(name => nodes.key(name)),
      computeQuorum: 2,
    })
    branches.push(spawned.id)
  }
  await Promise.all(branches.map(id => client.result(id, 0, { timeoutMs: 60_000 })))

  const acknowledged = new Map<string, Acknowledged>()
  const refused = new Map<string, number>()
  const untilMs = Date.now() + SECONDS * 1_000
  const load = async (): Promise<void> => {
    while (Date.now() < untilMs) {
      const messenger = any(MESSENGERS)
      const [from, to] = [any(branches), any(branches)]
      if (from === to) continue
      const fields = [
        { name: 'To', value: to },
        { name: 'Quantity', value: String(1 + Math.floor(random() * 100)) },
      ]
      try {
        const item = await clientOf(messenger).prepare({
          process: from,
          action: 'Transfer',
          tags: fields,
        })
        // Without the client's own retries: what was not acknowledged may be lost.
        const input: OperationInput<'send'> = { bytes: item.bytes }
        const receipt = await clientOf(messenger).transport.request('send', input, {
          timeoutMs: 10_000,
        })
        if ('slot' in receipt) acknowledged.set(item.id, { process: asProcessId(receipt.process), slot: receipt.slot })
      } catch (error) {
        const code = Failure.from(error).code
        refused.set(code, (refused.get(code) ?? 0) + 1)
        await pause(50)
      }
    }
  }
  let kills = 0
  const killing = async (): Promise<void> => {
    const restarts = new Set<Promise<void>>()
    // By the clock, and not from the end of one kill on.
    for (let nextMs = Date.now(); nextMs < untilMs; nextMs += KILL_EVERY_MS) {
      await pause(nextMs - Date.now())
      const up = NAMES.filter(one => nodes.isUp(one))
      if (NAMES.length - up.length >= DOWN_MAX) continue
      const name = any(up)
      kills += 1
      const restart = nodes
        .kill(name)
        .then(() => pause(random() * 500))
        .then(() => nodes.start(name))
      restarts.add(restart)
      restart.then(
        () => restarts.delete(restart),
        () => undefined,
      )
    }
    await Promise.all(restarts)
  }
  let cutsMade = 0
  const cutting = async (): Promise<void> => {
    for (let nextMs = Date.now() + CUT_EVERY_MS / 4; nextMs < untilMs; nextMs += CUT_EVERY_MS) {
      await pause(nextMs - Date.now())
      const name = any(NAMES.filter(one => nodes.isUp(one)))
      await nodes.cut(name).catch(() => undefined)
      cutsMade += 1
      await pause(CUT_MS)
      await nodes.heal(name).catch(() => undefined)
    }
  }
  await Promise.all([...Array.from({ length: LOADS }, load), killing(), cutting()])
  const healedMs = Date.now()

  const replayed = await convergedBank(nodes, branches, random)
  const convergedMs = Date.now() - healedMs
  console.log(
    JSON.stringify({
      acknowledged: acknowledged.size,
      refused: Object.fromEntries(refused),
      kills,
      cuts: cutsMade,
      by: cuts.how,
      convergedMs,
      idle: sum([...replayed.values()].map(({ idle }) => idle)),
    }),
  )
  expect(convergedMs).toBeLessThan(CONVERGE_MAX_MS)
  // No acknowledged message lost: each stands where its receipt says, and took effect once, there.
  for (const [id, { process, slot }] of acknowledged) expect(replayed.get(process)?.transfers.get(id)).toBe(slot)
  // A machine that is slow does less of all this, but not nothing.
  expect(acknowledged.size).toBeGreaterThan(SECONDS)
  expect(kills).toBeGreaterThan(SECONDS / 12)
  await compareUnits(nodes, replayed)
})

/** Waits until no deposit is on its way; gives what the feeds say, once they make one bank. */
async function convergedBank(
  nodes: SeveralNodes<Name>,
  branches: readonly ProcessId[],
  random: () => number,
): Promise<ReadonlyMap<string, ReplayedBranch>> {
  const replayed = new Map<string, ReplayedBranch>(branches.map(id => [id, unreadBranch(id)]))
  // Each feed is read once, and then only what is new: the machine is there for the nodes.
  for (const startedMs = Date.now(); ; await pause(500)) {
    for (const [n, branch] of [...replayed.values()].entries()) {
      const home = connect({ url: nodes.of(SCHEDULERS[n % SCHEDULERS.length] ?? 's1').url })
      replayBranch(branch, await framesOf(home, asProcessId(branch.id), branch.blocks))
    }
    const isAtRest = [...replayed.values()].every(({ id, sent }) =>
      [...sent].every(([to, list]) => (replayed.get(to)?.taken.get(id)?.length ?? 0) >= list.length),
    )
    if (!isAtRest && Date.now() - startedMs < CONVERGE_MAX_MS) continue
    checkBank(replayed, random)
    return replayed
  }
}

async function framesOf(client: Client, process: ProcessId, from: number): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = []
  for (;;) {
    const input: OperationInput<'frames'> = { process, from_block: from + blocks.length }
    const page = decodeFeedPage(await onceReached(() => client.transport.request('frames', input)))
    blocks.push(...page.blocks)
    if (page.blocks.length === 0 || from + blocks.length >= page.length) return blocks
  }
}

/** Every compute unit, and whoever asks through a messenger, has what the replayer has; and units certify the same. */
async function compareUnits(nodes: SeveralNodes<Name>, replayed: ReadonlyMap<string, ReplayedBranch>): Promise<void> {
  for (const { id, balance, slots } of replayed.values()) {
    const process = asProcessId(id)
    for (const name of [...COMPUTERS, ...MESSENGERS]) {
      const client = connect({ url: nodes.of(name).url })
      const last = await resultOnceThere(client, process, slots - 1)
      expect(last).toMatchObject({ final: true, slot: slots - 1 })
      const cell = await client.cell(process, 'balance')
      expect(cell && new DataView(cell.buffer, cell.byteOffset).getBigInt64(0, true)).toBe(balance)
      expect(await client.cell(process, 'wrong')).toBeUndefined()
    }
    const certificates = await Promise.all(COMPUTERS.map(name => certificatesOf(nodes, name, process)))
    expect(certificates[1]).toEqual(certificates[0])
    expect(certificates[2]).toEqual(certificates[0])
  }
}

/** A node that has just started may be slow to take connections. */
async function onceReached<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (const startedMs = Date.now(); ; await pause(500)) {
    try {
      return await ask()
    } catch (error) {
      if (Failure.from(error).blame !== 'transient' || Date.now() - startedMs > CONVERGE_MAX_MS) throw error
    }
  }
}

/** The result of a slot, from a node that may still have to take over the feed as far as that. */
async function resultOnceThere(client: Client, process: ProcessId, slot: number) {
  for (const startedMs = Date.now(); ; await pause(500)) {
    try {
      return await client.result(process, slot, { timeoutMs: 60_000 })
    } catch (error) {
      const isBehind = Failure.is(error, 'unknown-slot') || Failure.from(error).blame === 'transient'
      if (!isBehind || Date.now() - startedMs > CONVERGE_MAX_MS) throw error
    }
  }
}

async function certificatesOf(nodes: SeveralNodes<Name>, name: Name, process: ProcessId): Promise<string[]> {
  const client = connect({ url: nodes.of(name).url })
  const found: string[] = []
  for (;;) {
    const input: OperationInput<'certificates'> = { process, from_block: found.length }
    const { certificates, length } = await client.transport.request('certificates', input)
    found.push(...certificates.map(({ certificate }) => Buffer.from(certificate).toString('hex')))
    if (certificates.length === 0 || found.length >= length) return found
  }
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, Math.max(0, ms)))
const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

/** A generator that gives the same numbers for the same seed. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
