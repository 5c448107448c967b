import { Ed25519KeyIdentity } from '@icp-sdk/core/identity'
import { bls12_381 } from '@noble/curves/bls12-381.js'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ThreadedClerk } from '../../gateway/index.ts'
import { clerkProgram } from '../../node/index.ts'
import {
  asProcessId,
  blsKeyToDer,
  blsPublicKey,
  blsSecret,
  Failure,
  type Refusal,
  decodeEnvelope,
  decodeRequestEnvelope,
  encodeEnvelope,
  envelopeId,
  fromHex,
  principalOf,
  type ProcessId,
  refuteIngress,
  decodeIngress,
  toBase64Url,
  toHex,
} from '../../protocol/index.ts'
import { signedByCanister } from '../fakes/canister-signed.ts'
import { spawnItem } from '../fakes/signed-items.ts'
import { callContent, NOW_MS, NS, signedBy, envelopeOf, asIc } from '../fakes/signed-requests.ts'
import { ManualClock } from '../fakes/manual-clock.ts'
import { Harness, NO_MODULE, receiptOf, refusalOf, SCHEDULER } from './scheduler-harness.ts'

// What this thread verifies; the notary's has a module of its own.
vi.mock('@noble/curves/bls12-381.js', async original => {
  const { bls12_381 } = await original<typeof import('@noble/curves/bls12-381.js')>()
  const shortSignatures = { ...bls12_381.shortSignatures, verify: vi.fn(bls12_381.shortSignatures.verify) }
  return { bls12_381: { ...bls12_381, shortSignatures } }
})
beforeEach(() => vi.clearAllMocks())

const alice = Ed25519KeyIdentity.generate(new Uint8Array(32).fill(1))

const request = (process: ProcessId, fields: Record<string, unknown> = {}): Promise<Uint8Array> =>
  signedBy(alice, callContent({ canister_id: principalOf(process), ...fields }))

const open = (): Promise<Harness> => Harness.open({ clock: new ManualClock(NOW_MS) })

const schedule = async (harness: Harness, process: ProcessId, bytes: Uint8Array) => {
  const [answer] = await harness.unit.schedule([{ process, envelope: { kind: 'ingress', bytes } }])
  if (answer === undefined) throw new Error('no answer')
  return answer
}

describe('requests of the IC in a feed', () => {
  it('stand there byte for byte, known by their request id', async () => {
    await using harness = await open()
    const process = await harness.spawn()
    const bytes = await request(process)
    const receipt = receiptOf(await schedule(harness, process, bytes))
    expect(receipt.id).toBe(toBase64Url(decodeRequestEnvelope(bytes).id))
    const envelope = (await harness.envelopes(process))[receipt.slot]
    expect(envelope).toEqual({ kind: 'ingress', bytes })
  })

  it('have one place, however often they come, waiting or durable, with whatever signature', async () => {
    await using harness = await open()
    const process = await harness.spawn()
    const bytes = await request(process)
    const answers = await harness.unit.schedule(
      [bytes, bytes].map(one => ({ process, envelope: { kind: 'ingress' as const, bytes: one } })),
    )
    expect(answers.map(({ status }) => status)).toEqual(['scheduled', 'known'])
    const again = await schedule(harness, process, bytes)
    expect(again.status).toBe('known')
    expect(receiptOf(again).slot).toBe(answers[0] && receiptOf(answers[0]).slot)
    expect(await harness.envelopes(process)).toHaveLength(2)
  })

  it('are refused for another canister, when forged, and when they have expired', async () => {
    await using harness = await open()
    const [process, other] = [await harness.spawn(), await harness.spawn()]
    const bytes = await request(process)
    expect(refusalOf(await schedule(harness, other, bytes))).toBe('bad-signature')
    const forged = bytes.slice()
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    expect(refusalOf(await schedule(harness, process, forged))).toMatch(/bad-signature|malformed-item/)
    const late = await request(process, { ingress_expiry: BigInt(NOW_MS - 1) * NS })
    expect(refusalOf(await schedule(harness, process, late))).toBe('bad-signature')
    const query = envelopeOf({
      content: asIc(callContent({ request_type: 'query', canister_id: principalOf(process) })),
    })
    expect(refusalOf(await schedule(harness, process, query))).toBe('malformed-item')
    expect(await harness.envelopes(process)).toHaveLength(1)
  })

  it('hold at the time of their slot, or get none', async () => {
    const clock = new ManualClock(NOW_MS)
    await using harness = await Harness.open({ clock })
    const process = await harness.spawn()
    const bytes = await request(process, { ingress_expiry: BigInt(NOW_MS + 10) * NS })
    const answer = schedule(harness, process, bytes)
    const description = await harness.log.directory.process(process)
    const receipt = receiptOf(await answer)
    if (description === undefined) throw new Error('no description')
    expect(refuteIngress(decodeIngress(bytes), description, receipt.timestampMs)).toBeUndefined()
    expect(refuteIngress(decodeIngress(bytes), description, NOW_MS + 11)).toMatch(/time/)
  })
})

describe('a request that a canister may have signed', () => {
  const by = {
    canister: new Uint8Array(10).fill(3),
    seed: new Uint8Array(32).fill(7),
    root: blsSecret(new Uint8Array(32), 'test'),
  }
  const signed = (process: ProcessId): Uint8Array =>
    signedByCanister(callContent({ canister_id: principalOf(process) }), by)

  it('is looked at elsewhere: what comes with it or after it has its slot meanwhile', async () => {
    const asked = Promise.withResolvers<Refusal | undefined>()
    await using harness = await Harness.open({
      clock: new ManualClock(NOW_MS),
      notary: { refute: () => asked.promise },
    })
    const process = await harness.spawn()
    const ingress = (bytes: Uint8Array) => ({ process, envelope: { kind: 'ingress' as const, bytes } })
    const together = harness.unit.schedule([ingress(signed(process)), ingress(await request(process))])
    const after = await schedule(harness, process, await request(process, { method_name: 'other' }))
    expect(after.status).toBe('scheduled')
    expect(await harness.envelopes(process)).toHaveLength(3)
    asked.resolve({ reason: 'signature', text: 'Invalid signature' })
    const [refused, taken] = await together
    expect(refused && refusalOf(refused)).toBe('bad-signature')
    expect(taken?.status).toBe('scheduled')
    expect(await harness.envelopes(process)).toHaveLength(3)
  })

  it('has no slot because somebody found nothing wrong with it: that is for the scheduler to say', async () => {
    await using harness = await Harness.open({
      clock: new ManualClock(NOW_MS),
      notary: { refute: async () => undefined },
    })
    const process = await harness.spawn()
    expect(refusalOf(await schedule(harness, process, signed(process)))).toBe('bad-signature')
  })

  it('has its slot once the notary found that it holds, and the scheduler verifies nothing again', async () => {
    await using notary = new ThreadedClerk(clerkProgram(), undefined)
    await using harness = await Harness.open({ clock: new ManualClock(NOW_MS), notary })
    const root = toBase64Url(blsKeyToDer(blsPublicKey(by.root)))
    const item = spawnItem(NO_MODULE, SCHEDULER, { tags: { 'IC-Root-Key': root } })
    const process = asProcessId(item.id)
    receiptOf(await harness.item(process, item.bytes))
    receiptOf(await schedule(harness, process, signed(process)))
    expect(bls12_381.shortSignatures.verify).not.toHaveBeenCalled()
  })

  it('waits for its turn in no queue that is full', async () => {
    await using harness = await Harness.open({
      clock: new ManualClock(NOW_MS),
      notary: { refute: () => Promise.reject(new Failure('busy')) },
    })
    const process = await harness.spawn()
    expect(refusalOf(await schedule(harness, process, signed(process)))).toBe('busy')
  })
})

describe('the envelope of a request of the IC', () => {
  it('has its golden bytes', () => {
    const bytes = fromHex('d9d9f7a0')
    const encoded = encodeEnvelope({ kind: 'ingress', bytes })
    expect(toHex(encoded)).toBe('820544d9d9f7a0')
    expect(decodeEnvelope(encoded)).toEqual({ kind: 'ingress', bytes })
  })

  it('is known by an id that is told by what was asked for, not by how it was signed', async () => {
    const process = 'A'.repeat(43) as ProcessId
    const bytes = await request(process)
    const envelope = { kind: 'ingress' as const, bytes }
    expect(envelopeId(envelope, process, 1)).toBe(toBase64Url(decodeIngress(bytes).id))
  })
})
