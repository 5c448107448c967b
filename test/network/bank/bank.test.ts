import { beforeAll, expect, it } from 'vitest'
import { compileProcess } from '../../../processes/standard/build.mjs'
import {
  asProcessId,
  decodeFeedPage,
  Failure,
  installCrypto,
  type OperationInput,
  type ProcessId,
} from '../../../protocol/index.ts'
import { type Client, connect, ed25519Signer } from '../../../sdk/index.ts'
import type { UnitName } from '../../../node/index.ts'
import { nativeCrypto } from '../../../node/crypto/native-crypto.ts'
import { SeveralNodes } from '../several-nodes.ts'
import { BRANCH } from './branch.ts'
import { cutOff } from './cut-off.ts'
import { load } from './load.ts'
import { checkBank, type ReplayedBranch, replayBranch, unreadBranch } from './replay-bank.ts'

/** `ATOLL_TEST_BANK_S=600` is the long run. */
const SECONDS = Number(process.env['ATOLL_TEST_BANK_S'] ?? 60)
const BRANCHES = 10
const KILL_EVERY_MS = 2_000
/** Programs that are down or starting at once, at most: a slow machine kills less often than it should, and not all of them. */
const DOWN_MAX = 3
const CUT_EVERY_MS = 20_000
const CUT_MS = 4_000
/** What is asked for of the long run; a machine of CI may be slow. */
const IS_LONG = SECONDS >= 600
const TRANSFERS = Math.ceil(SECONDS * (IS_LONG ? 100_000 / 600 : 80))
/** After the last healing all must have come to rest within this long. */
const CONVERGE_MAX_MS = IS_LONG ? 30_000 : 120_000
const READ_EVERY_MS = 5_000
/** It is waited for longer, so that what is told is how long it took. */
const REST_MAX_MS = 120_000
/** What is asked afterwards is waited for so long. */
const ANSWER_MAX_MS = 120_000
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

// What the replayer checks, it checks with the libraries that nodes use: a hundred thousand signatures.
beforeAll(() => installCrypto(nativeCrypto))

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

  const untilMs = Date.now() + SECONDS * 1_000
  const messengers = (): string[] => MESSENGERS.flatMap(name => (nodes.isUp(name) ? [nodes.of(name).url] : []))
  const loading = load({ branches, messengers, transfers: TRANSFERS, seconds: SECONDS, random })
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
  const replayed = new Map<string, ReplayedBranch>(branches.map(id => [id, unreadBranch(id)]))
  // Most of it is read while it grows: at the end the machine is there for the nodes.
  const reading = async (): Promise<void> => {
    for (; Date.now() < untilMs; await pause(READ_EVERY_MS)) await readOn(nodes, replayed).catch(unlessFailure)
  }
  const [{ acknowledged, refused }] = await Promise.all([loading, killing(), cutting(), reading()])
  const healedMs = Date.now()

  await untilAtRest(nodes, replayed)
  const convergedMs = Date.now() - healedMs
  checkBank(replayed, random)
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
  expect(acknowledged.size).toBeGreaterThanOrEqual(IS_LONG ? TRANSFERS : SECONDS)
  expect(kills).toBeGreaterThan(SECONDS / 12)
  await compareUnits(nodes, replayed)
})

/** Waits until no deposit is on its way, or it has been too long. */
async function untilAtRest(nodes: SeveralNodes<Name>, replayed: ReadonlyMap<string, ReplayedBranch>): Promise<void> {
  for (const startedMs = Date.now(); ; await pause(500)) {
    await onceReached(() => readOn(nodes, replayed))
    const isAtRest = [...replayed.values()].every(({ id, sent }) =>
      [...sent].every(([to, list]) => (replayed.get(to)?.taken.get(id)?.length ?? 0) >= list.length),
    )
    if (isAtRest || Date.now() - startedMs >= REST_MAX_MS) return
  }
}

/** Reads what is new in the feeds, each at its scheduler. */
async function readOn(nodes: SeveralNodes<Name>, replayed: ReadonlyMap<string, ReplayedBranch>): Promise<void> {
  for (const [n, branch] of [...replayed.values()].entries()) {
    const name = SCHEDULERS[n % SCHEDULERS.length] ?? 's1'
    if (!nodes.isUp(name)) continue
    const home = connect({ url: nodes.of(name).url })
    replayBranch(branch, await framesOf(home, asProcessId(branch.id), branch.blocks))
  }
}

/** What a node does not give now is read later. @throws what is wrong with what it gave */
function unlessFailure(error: unknown): void {
  if (!Failure.is(error)) throw error
}

async function framesOf(client: Client, process: ProcessId, from: number): Promise<Uint8Array[]> {
  const blocks: Uint8Array[] = []
  for (;;) {
    const input: OperationInput<'frames'> = { process, from_block: from + blocks.length }
    const page = decodeFeedPage(await client.transport.request('frames', input, { timeoutMs: 10_000 }))
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
      if (Failure.from(error).blame !== 'transient' || Date.now() - startedMs > ANSWER_MAX_MS) throw error
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
      if (!isBehind || Date.now() - startedMs > ANSWER_MAX_MS) throw error
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
