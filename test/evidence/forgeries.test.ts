import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { asProcessId, type Envelope, type ProcessDescription, type ProcessId } from '../../protocol/index.ts'
import { ComputeHarness } from '../compute-unit/compute-harness.ts'
import { forgeries, PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import type { MemoryLog } from '../fakes/memory-log.ts'
import { Harness, refusalOf } from '../scheduler-unit/scheduler-harness.ts'

/** The twelve forgeries of provenance, and what each is here. */
const TWELVE: readonly [string, string][] = [
  ['a wrong path', 'a wrong path in the outbox'],
  ['the certificate of another slot', 'the certificate of another slot'],
  ['one signature too few', 'too few signatures'],
  ['the same compute unit twice', 'one unit twice'],
  ['a compute unit outside of the policy', 'a unit outside of the policy'],
  ['another spawn message', 'the name of another process'],
  ['an index off by one', 'an index off by one'],
  ['a truncated path', 'a truncated path'],
  ['another network', 'signatures made for another network'],
  ['a replay to another receiver', 'a push to somebody else, sent here'],
  ['a second content', 'a second content with its own hash'],
  ['keys that count no more', 'keys that count no more'],
]

let scheduler: Harness
let compute: ComputeHarness
let [atScheduler, atCompute]: ProcessId[] = []
const sender = new PaperProcess(asProcessId(fakeId(21)), [31, 32, 33], 2)
const stranger = new PaperProcess(asProcessId(fakeId(22)), [34, 35, 36], 2)

/** The directory also knows processes that have no spawn message. */
function teach({ directory }: MemoryLog): void {
  const known: readonly ProcessDescription[] = [sender.description, stranger.description]
  const [process, atHand] = [directory.process.bind(directory), directory.processAtHand.bind(directory)]
  directory.process = async id => known.find(one => one.id === id) ?? process(id)
  directory.processAtHand = id => known.find(one => one.id === id) ?? atHand(id)
}

beforeAll(async () => {
  scheduler = await Harness.open()
  compute = await ComputeHarness.open()
  teach(scheduler.log)
  teach(compute.log)
  atScheduler = await scheduler.spawn()
  atCompute = await compute.spawn(await compute.addStandard('relay'))
}, 180_000)

afterAll(async () => {
  await compute[Symbol.asyncDispose]()
  await scheduler[Symbol.asyncDispose]()
})

const forged = (name: string, to: ProcessId | undefined): Envelope => {
  const envelope = forgeries(sender, stranger, to ?? asProcessId('')).get(name)
  if (envelope === undefined) throw new TypeError(`no forgery ${name}`)
  return envelope
}

describe.each(TWELVE)('a push with %s', (_, name) => {
  it('gets no slot from a scheduler', async () => {
    const process = atScheduler ?? asProcessId('')
    const [answer] = await scheduler.unit.schedule([{ process, envelope: forged(name, process) }])
    expect(answer && refusalOf(answer)).toMatch(/^(bad-certificate|wrong-target)$/)
    expect(await scheduler.envelopes(process)).toHaveLength(1)
  })

  it('has no effect where a colluding scheduler puts it into the signed feed', async () => {
    const process = atCompute ?? asProcessId('')
    expect(await compute.put(process, forged(name, process))).toMatchObject({ status: 'refused', gas: 0n, outbox: [] })
  })
})
