import { beforeAll, describe, expect, it } from 'vitest'
import { verdictsOn } from '../../compute-unit/index.ts'
import {
  asProcessId,
  checkProof,
  decodeEnvelope,
  encodeEnvelope,
  encodeFrame,
  type Envelope,
  MalformedBytes,
  type ProcessDescription,
  type ProcessId,
  Failure,
} from '../../protocol/index.ts'
import { PaperProcess } from '../fakes/certified-pushes.ts'
import { fakeId } from '../fakes/guest-context.ts'
import { changed, MUTATIONS_SEED, mutationsOr } from '../fakes/mutations.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { seededRandom } from '../fakes/seeded-random.ts'
import { Harness } from '../scheduler-unit/scheduler-harness.ts'

/** For each of the three who must refuse them. */
const MUTATIONS = mutationsOr(7_000)
const LONG_MS = 3_600_000
/** Envelopes handed to a scheduler at once. */
const TOGETHER = 64

const sender = new PaperProcess(asProcessId(fakeId(21)), [31, 32, 33], 2)
const described = async (id: ProcessId): Promise<ProcessDescription | undefined> =>
  id === sender.id ? sender.description : undefined

/** A genuine push to `to`, and another one: what an attacker without keys has to work with. */
function genuine(to: ProcessId): [Uint8Array, Uint8Array] {
  const outbox = Array.from({ length: 20 }, (_, index) =>
    sender.push(to, { seq: index, slot: sender.slot, index, action: 'Echo' }),
  )
  const all = sender.certify([outbox, [sender.push(asProcessId(fakeId(78)), { slot: sender.slot + 1 })]])
  const [first, second] = [all[0], all[1]].map(one => one && encodeEnvelope(one))
  if (first === undefined || second === undefined) throw new TypeError('expected two pushes')
  return [first, second]
}

/** The envelope in bytes; nothing if there is none in them. */
function readable(bytes: Uint8Array): Envelope | undefined {
  try {
    return decodeEnvelope(bytes)
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** What is no push at all proves itself by other means: it is not about provenance. */
const isPush = (envelope: Envelope | undefined): envelope is Extract<Envelope, { kind: 'push' }> =>
  envelope?.kind === 'push'

describe(`${MUTATIONS.toLocaleString('en')} proofs with something changed: none is taken`, () => {
  it('by a scheduler', { timeout: LONG_MS }, async () => {
    await using harness = await Harness.open()
    const { directory } = harness.log
    const [process, atHand] = [directory.process.bind(directory), directory.processAtHand.bind(directory)]
    directory.process = async id => (await described(id)) ?? process(id)
    directory.processAtHand = id => (id === sender.id ? sender.description : atHand(id))
    const to = await harness.spawn()
    const [push, other] = genuine(to)
    const random = seededRandom(MUTATIONS_SEED + 11)
    let [tried, taken] = [0, 0]
    while (tried < MUTATIONS) {
      const made = Array.from({ length: TOGETHER }, () => readable(changed([push, other], random)))
      tried += made.length
      const answers = await harness.unit.schedule(made.filter(isPush).map(envelope => ({ process: to, envelope })))
      // A seq that is not next is told so without a look at the proof; it gets no slot either.
      taken += answers.filter(({ status }) => status === 'scheduled' || status === 'known').length
    }
    expect(taken).toBe(0)
    expect(await harness.envelopes(to)).toHaveLength(1)
    const [answer] = await harness.unit.schedule([{ process: to, envelope: decodeEnvelope(push) }])
    expect(answer?.status, 'the genuine one').toBe('scheduled')
  })

  it('by a compute unit that gets them in a signed feed', { timeout: LONG_MS }, async () => {
    const { description } = await ProvenProcess.open([11], 1, [])
    const [push, other] = genuine(description.id)
    const random = seededRandom(MUTATIONS_SEED + 12)
    const parts = { directory: { process: described }, messages: { slotsOf: async () => [] } }
    const statusOf = async (bytes: Uint8Array): Promise<string> => {
      const frame = encodeFrame(1, [{ timestampMs: 1, envelopeBytes: bytes }])
      try {
        const [verdict] = await verdictsOn(description, 1, frame, false, parts)
        return verdict?.status ?? 'none'
      } catch (error) {
        // A unit that no record known here names: whoever evaluates waits for the record, and believes nothing until then.
        if (Failure.is(error, 'moved')) return 'refused'
        throw error
      }
    }
    let good = 0
    for (let tried = 0; tried < MUTATIONS; tried++) {
      const bytes = changed([push, other], random)
      const envelope = readable(bytes)
      // Of a sender that nobody knows nothing is believed; whoever evaluates waits for its spawn message.
      if (!isPush(envelope) || envelope.push.core.from !== sender.id) continue
      if ((await statusOf(bytes)) !== 'refused') good += 1
    }
    expect(good).toBe(0)
    expect(await statusOf(push), 'the genuine one').toBe('ok')
  })

  describe('of results, by whoever checks them', () => {
    let [proof, other]: Uint8Array[] = []

    beforeAll(async () => {
      const process = await ProvenProcess.open([11, 12, 13], 2, [3, 1, 60, 40, 1])
      proof = await process.proof(37, { message: true, output: true })
      other = await process.proof(38, { message: true, output: true })
    })

    it('in a file', { timeout: LONG_MS }, () => {
      const random = seededRandom(MUTATIONS_SEED + 13)
      const whole = proof ?? new Uint8Array(0)
      let held = 0
      for (let tried = 0; tried < MUTATIONS; tried++) {
        if (checkProof(changed([whole, other ?? whole], random)).proven !== undefined) held += 1
      }
      expect(held).toBe(0)
      expect(checkProof(whole).proven, 'the genuine one').toBeDefined()
    })
  })
})
