import { expect, onTestFinished, test } from 'vitest'
import { ProloguePull } from '../../node/handovers/prologue-pull.ts'
import {
  asKeyId,
  asProcessId,
  Failure,
  type FeedSpec,
  type KeyId,
  type ProcessDescription,
  PROLOGUE_DIALS_MAX,
  PROLOGUES_AT_ONCE_MAX,
  type SignedBlocks,
  toBase64Url,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { ManualClock, settle } from '../fakes/manual-clock.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { seedOf } from '../fakes/signed-items.ts'

const OWN = asKeyId(keyOf(2))

/** Processes that were handed to this node, of feeds that nobody has, by whoever named so many nodes as their schedulers before. */
async function handed(count: number, named: readonly KeyId[]): Promise<ProcessDescription[]> {
  const { description } = await ProvenProcess.open([11], 1, [])
  const { policy } = description
  return Array.from({ length: count }, (_, at) => ({
    ...description,
    id: asProcessId(toBase64Url(seedOf(100 + at))),
    epoch: 1,
    policy: { ...policy, schedulers: [OWN], computeUnits: [OWN], computeQuorum: 1 },
    prologue: { length: 3, hash: new Uint8Array(32) },
    firstSlot: 3,
    earlier: [
      {
        epoch: 0,
        policy: { ...policy, schedulers: named, computeUnits: named },
        prologue: undefined,
        firstSlot: undefined,
      },
    ],
  }))
}

interface Asked {
  readonly source: KeyId
  readonly process: string
}

interface Net {
  readonly log?: MemoryLog
  readonly begun?: (process: ProcessDescription) => void
  readonly trouble?: (what: string, failure: Failure) => void
}

function pullOf(
  connected: readonly KeyId[],
  answer: (asked: Asked) => Promise<SignedBlocks | undefined>,
  {
    log = MemoryLog.open(),
    begun = () => expect.unreachable('nobody has it'),
    trouble = (what, failure) => expect.unreachable(`${what}: ${failure.message}`),
  }: Net = {},
): { pull: ProloguePull; clock: ManualClock } {
  const clock = new ManualClock()
  const pull = new ProloguePull({
    key: OWN,
    log,
    clock,
    peers: { frames: (source, process) => answer({ source, process }) },
    connected: () => connected,
    begun: async process => begun(process),
    trouble,
  })
  onTestFinished(() => pull[Symbol.dispose]())
  return { pull, clock }
}

test('of many processes whose feeds nobody has, few are looked for at once', async () => {
  const waiting: (() => void)[] = []
  let most = 0
  const { pull } = pullOf([asKeyId(keyOf(3))], () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    waiting.push(() => resolve(undefined))
    most = Math.max(most, waiting.length)
    return promise
  })
  for (const process of await handed(5 * PROLOGUES_AT_ONCE_MAX, [])) pull.want(process)
  for (let asked = 0; asked < 5 * PROLOGUES_AT_ONCE_MAX; asked++) {
    await settle()
    const answer = waiting.shift()
    expect(answer, `the question ${asked}`).toBeDefined()
    answer?.()
  }
  expect(most).toBe(PROLOGUES_AT_ONCE_MAX)
})

const PIECE: SignedBlocks = {
  from: 0,
  blocks: [new Uint8Array(1)],
  head: { length: 1, signature: new Uint8Array(0) },
  rest: [],
}

/** A log that believes whatever comes: each piece is one more block. */
function credulous(): MemoryLog {
  const lengths = new Map<string, number>()
  const length = async ({ process }: FeedSpec): Promise<number> => lengths.get(process) ?? 0
  return Object.assign(MemoryLog.open(), {
    length,
    take: async (feed: FeedSpec) => {
      lengths.set(feed.process, (await length(feed)) + 1)
      return { status: 'taken', length: await length(feed) }
    },
  })
}

test('processes whose feeds come block by block, slowly, give way to others, and go on where they were', async () => {
  const asked = new Map<string, number>()
  const whole: string[] = []
  const { pull, clock } = pullOf(
    [asKeyId(keyOf(3))],
    async ({ process }) => {
      await new Promise(resolve => setImmediate(resolve))
      asked.set(process, (asked.get(process) ?? 0) + 1)
      clock.advance(1_000)
      return PIECE
    },
    { log: credulous(), begun: ({ id }) => whole.push(id) },
  )
  const processes = await handed(PROLOGUES_AT_ONCE_MAX + 1, [])
  const last = processes.at(-1)?.id ?? ''
  for (const process of processes)
    pull.want(process.id === last ? process : { ...process, prologue: { length: 1_000_000, hash: new Uint8Array(32) } })
  await settle(200)
  expect(whole).toEqual([last])
  const before = [...asked.values()]
  clock.advance(60_000)
  await settle(200)
  for (const [at, count] of [...asked]
    .filter(([process]) => process !== last)
    .map(([, now]) => now)
    .entries())
    expect(count).toBeGreaterThan(before[at] ?? 0)
})

test('a node that gives little, slowly, holds up nobody who has all', async () => {
  const [slow, fast] = [asKeyId(keyOf(3)), asKeyId(keyOf(4))]
  const whole: string[] = []
  const { pull, clock } = pullOf(
    [slow, fast],
    async ({ source }) => {
      await new Promise(resolve => setImmediate(resolve))
      if (source === slow) clock.advance(4_000)
      return PIECE
    },
    { log: credulous(), begun: ({ id }) => whole.push(id) },
  )
  const [process] = await handed(1, [slow])
  if (process !== undefined) pull.want({ ...process, prologue: { length: 50, hash: new Uint8Array(32) } })
  for (let round = 0; round < 3; round++) {
    await settle(100)
    clock.advance(200)
  }
  expect(whole).toEqual([process?.id])
})

test('a disk that is full when all of it is there is tried again, and the process begins then', async () => {
  const [whole, troubles]: [string[], string[]] = [[], []]
  const log = credulous()
  let failing: Failure | undefined = new Failure('disk-full')
  Object.assign(log, {
    sync: async () => {
      if (failing !== undefined) throw failing
    },
  })
  const net = {
    log,
    begun: ({ id }: ProcessDescription) => whole.push(id),
    trouble: (_: string, { code }: Failure) => troubles.push(code),
  }
  const { pull, clock } = pullOf([asKeyId(keyOf(3))], async () => PIECE, net)
  const [process] = await handed(1, [])
  if (process !== undefined) pull.want(process)
  await settle()
  expect([whole, troubles]).toEqual([[], ['disk-full']])
  failing = undefined
  clock.advance(30_000)
  await settle()
  expect([whole, troubles]).toEqual([[process?.id], ['disk-full']])
})

test('who has all of it from those that are connected does not wait for those who must dial', async () => {
  const near = asKeyId(keyOf(3))
  const whole: string[] = []
  const log = credulous()
  const { pull } = pullOf(
    [near],
    async ({ source, process }) => {
      if (source !== near) return new Promise(() => undefined)
      return process === last.id ? PIECE : undefined
    },
    { log, begun: ({ id }) => whole.push(id) },
  )
  const [last, ...others] = (await handed(PROLOGUES_AT_ONCE_MAX + 1, [asKeyId(keyOf(20))])) as [
    ProcessDescription,
    ...ProcessDescription[],
  ]
  for (const process of others) pull.want(process)
  await settle()
  pull.want(last)
  await settle(40)
  expect(whole).toEqual([last.id])
})

test('of many nodes that must be dialled for one, a few are each time, others the next, and later each time', async () => {
  const named = Array.from({ length: 3 * PROLOGUE_DIALS_MAX }, (_, at) => asKeyId(keyOf(20 + at)))
  const near = asKeyId(keyOf(3))
  const asked: KeyId[] = []
  const { pull, clock } = pullOf([near], async ({ source }) => void asked.push(source))
  const [process] = await handed(1, named)
  if (process !== undefined) pull.want(process)
  for (let round = 0, pauseMs = 100; round < 6; round++, pauseMs *= 2) {
    await settle()
    const at = (round * PROLOGUE_DIALS_MAX) % named.length
    expect(asked.splice(0)).toEqual([near, ...named.slice(at, at + PROLOGUE_DIALS_MAX)])
    clock.advance(pauseMs - 1)
    await settle()
    expect(asked).toEqual([])
    clock.advance(1)
  }
})
