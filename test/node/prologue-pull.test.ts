import { expect, onTestFinished, test } from 'vitest'
import { ProloguePull } from '../../node/prologue-pull.ts'
import { asKeyId, asProcessId, type KeyId, type ProcessDescription, PROLOGUE_DIALS_MAX, PROLOGUES_AT_ONCE_MAX, toBase64Url } from '../../protocol/index.ts'
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
    earlier: [{ epoch: 0, policy: { ...policy, schedulers: named, computeUnits: named }, prologue: undefined, firstSlot: undefined }],
  }))
}

interface Asked {
  readonly source: KeyId
  readonly process: string
}

function pullOf(connected: readonly KeyId[], answer: (asked: Asked) => Promise<undefined>): { pull: ProloguePull; clock: ManualClock } {
  const clock = new ManualClock()
  const pull = new ProloguePull({
    key: OWN,
    log: MemoryLog.open(),
    clock,
    peers: { frames: (source, process) => answer({ source, process }) },
    connected: () => connected,
    begun: async () => expect.unreachable('nobody has it'),
    trouble: (what, failure) => expect.unreachable(`${what}: ${failure.message}`),
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
