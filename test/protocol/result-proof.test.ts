import { beforeAll, describe, expect, it } from 'vitest'
import {
  checkProof,
  decodeResultProof,
  ed25519Sign,
  encodeEpochRecord,
  encodeResultProof,
  EPOCH_TAGS,
  messagesFeed,
  type MessageId,
  NO_EPOCH,
  parseDataItem,
  PROOF_STEPS,
  proveInclusion,
  provenEpochs,
  type ResultProof,
  signDataItemSync,
  treeAt,
  verifyProof,
} from '../../protocol/index.ts'
import { keyOf } from '../fakes/certified-pushes.ts'
import { MemoryLog } from '../fakes/memory-log.ts'
import { ProvenProcess } from '../fakes/proven-process.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'

const SLOT = 137
let process: ProvenProcess
let stranger: ProvenProcess
let parts: ResultProof

beforeAll(async () => {
  process = await ProvenProcess.open([11, 12, 13], 2, [3, 1, 120, 40, 1, 1, 1])
  stranger = await ProvenProcess.open([11, 12, 13], 2, [3, 1, 120, 40])
  parts = await process.parts(SLOT, { message: true, output: true })
})

const messageId = (): MessageId =>
  parseDataItem(parts.message?.kind === 'item' ? parts.message.item : new Uint8Array(0)).id as MessageId

describe('a proof of one result', () => {
  it('shows process, feed, block, certificate, result, message and output, and asks nobody', () => {
    const { steps, proven } = checkProof(encodeResultProof(parts), { trusted: process.id, message: messageId() })
    expect(steps.map(({ name, holds }) => [name, holds])).toEqual(PROOF_STEPS.map(name => [name, true]))
    expect(proven).toMatchObject({
      slot: SLOT,
      message: messageId(),
      block: 4,
      signedBlocks: 8,
      units: [keyOf(11), keyOf(12)],
    })
    expect(new TextDecoder().decode(proven?.result?.output)).toBe(`answer ${SLOT}`)
  })

  it('goes there and back as bytes, whatever it brings', async () => {
    for (const message of [true, false])
      for (const output of [true, false]) {
        const bytes = await process.proof(SLOT, { message, output })
        expect(encodeResultProof(decodeResultProof(bytes))).toEqual(bytes)
        expect(verifyProof(bytes).slot).toBe(SLOT)
      }
  })

  it('brings epoch records of the process and of its ancestors, in one form', () => {
    const [one, other] = [new Uint8Array(7).fill(1), new Uint8Array(9).fill(2)]
    const spawns = [process.spawn, process.spawn, process.spawn]
    const forms: [number, Uint8Array[][], Uint8Array[][] | undefined][] = [
      [10, [], undefined],
      [10, [[], [], []], undefined],
      [11, [[one]], [[one]]],
      [11, [[one, other], [], []], [[one, other]]],
      [12, [[], [other], []], [[], [other]]],
      [12, [[one], [], [other, one]], [[one], [], [other, one]]],
    ]
    for (const [fields, given, epochs] of forms) {
      const bytes = encodeResultProof({ ...parts, spawns, epochs: given })
      expect(bytes[0]).toBe(0x80 + fields)
      expect(decodeResultProof(bytes).epochs).toEqual(epochs)
    }
    // What stands for nothing is refused: 12 fields with no ancestor, or with none that was handed over.
    const bare = encodeResultProof({ ...parts, spawns })
    for (const [fields, end] of [
      [11, [0x80]],
      [12, [0x80, 0x80]],
      [12, [0x80, 0x81, 0x80]],
    ] as const) {
      const bent = new Uint8Array([0x80 + fields, ...bare.subarray(1), ...end])
      expect(() => decodeResultProof(bent), String(end)).toThrow('epochs of nobody')
    }
    const ofMore = encodeResultProof({ ...parts, spawns, epochs: [[one], [], [], [other]] })
    expect(() => decodeResultProof(ofMore)).toThrow('epochs of nobody')
  })

  it('has less than 4 KB where two of three units must agree, with message and output', async () => {
    expect((await process.proof(SLOT)).length).toBeLessThan(4096)
    expect((await process.proof(SLOT, { message: true, output: true })).length).toBeLessThan(4096)
  })

  it('is about the process or key that is trusted, and the message that is asked for', () => {
    const bytes = encodeResultProof(parts)
    const failing = (trust: Parameters<typeof checkProof>[1]): string | undefined =>
      checkProof(bytes, trust).steps.find(step => !step.holds)?.name
    for (const trusted of [process.id, process.description.owner, keyOf(1), keyOf(11)])
      expect(failing({ trusted })).toBeUndefined()
    // Unit 13 is of the policy, but has not signed.
    for (const trusted of [stranger.id, keyOf(13), keyOf(99), 'x']) expect(failing({ trusted })).toBe('trust')
    expect(failing({ message: messageItem(process.id).id })).toBe('result')
  })

  it.each<[string, string, (other: ResultProof) => Partial<ResultProof>]>([
    ['the spawn message of another process', 'feed', () => ({ spawns: [stranger.spawn] })],
    ['no spawn message of the process itself', 'spawn', () => ({ spawns: [process.spawn, stranger.spawn] })],
    ['the signature over another feed', 'feed', other => ({ headSignature: other.headSignature })],
    ['a signature by another key', 'feed', () => ({ headSignature: ed25519Sign(seedOf(9), new Uint8Array(9)) })],
    ['another length', 'feed', () => ({ inclusion: { ...parts.inclusion, length: 7 } })],
    ['another block', 'feed', () => ({ inclusion: { ...parts.inclusion, index: 5 } })],
    [
      'the certificate of another process',
      'feed',
      other => ({ certificateBytes: other.certificateBytes, signatures: other.signatures }),
    ],
    [
      'the block of another process, which its own scheduler signed',
      'feed',
      other => ({ ...other, spawns: parts.spawns }),
    ],
    ['one signature too few', 'certificate', () => ({ signatures: parts.signatures.slice(1) })],
    ['no signature', 'certificate', () => ({ signatures: [] })],
    [
      'one unit twice',
      'certificate',
      () => ({
        signatures: parts.signatures.map(() => parts.signatures[0] ?? { unit: 0, signature: new Uint8Array(64) }),
      }),
    ],
    [
      'a unit that is not of the policy',
      'certificate',
      () => ({ signatures: parts.signatures.map(({ signature }, i) => ({ unit: i + 2, signature })) }),
    ],
    ['the result of another process', 'certificate', other => ({ resultHead: other.resultHead, result: undefined })],
    ['the way of another slot', 'certificate', () => ({ resultPath: parts.resultPath.toReversed() })],
    ['another message', 'message', () => ({ message: { kind: 'item', item: messageItem(process.id).bytes } })],
    [
      'a push in place of the message',
      'message',
      () => ({ message: { kind: 'push', coreBytes: new Uint8Array(3), bodyBytes: new Uint8Array(3) } }),
    ],
  ])('does not hold with %s: it fails at %s', async (_, name, change) => {
    const other = await stranger.parts(SLOT, { message: true, output: true })
    const { steps, proven } = checkProof(encodeResultProof({ ...parts, ...change(other) }))
    expect(proven).toBeUndefined()
    expect(steps.at(-1)).toMatchObject({ name, holds: false })
  })

  it('of a slot that a later epoch gave does not hold by the units of an earlier one', async () => {
    const tree = await treeAt(process.log.trees, process.feed, 4)
    const record = encodeEpochRecord({
      process: process.id,
      epoch: 1,
      policy: { ...process.description.policy, computeUnits: [keyOf(21)], computeQuorum: 1 },
      slots: 125,
      prologue: { length: 4, hash: tree?.hash() ?? seedOf(0) },
      previous: NO_EPOCH,
    })
    const epochs = [signDataItemSync({ target: process.id, tags: EPOCH_TAGS, data: record }, seedOf(7)).bytes]
    const elsewhere = MemoryLog.open()
    elsewhere.signWith(seedOf(1))
    const handed = provenEpochs(process.description, epochs, process.description.owner)
    const feed = messagesFeed(handed)
    let index = 0
    for await (const bytes of process.log.blocks(process.feed, 0))
      await elsewhere.commit([{ feed, index: index++, bytes, ids: [], firstSlot: 0 }])
    const { signature = new Uint8Array(0), length = 0 } = (await elsewhere.head(feed)) ?? {}
    const inclusion = await proveInclusion(elsewhere.trees, feed, 4, length)
    if (inclusion === undefined) throw new TypeError('no such block')
    const proof = { ...parts, epochs: [epochs], inclusion, headSignature: signature }
    expect(checkProof(encodeResultProof(proof)).steps.at(-1)).toMatchObject({
      name: 'certificate',
      holds: false,
      what: 'its compute units were others when that slot was given',
    })
  })

  it('is refused with the step that does not hold', () => {
    expect(() => verifyProof(encodeResultProof({ ...parts, signatures: [] }))).toThrow(
      expect.objectContaining({ code: 'verification-failed', details: { step: 'certificate' } }),
    )
    expect(() => verifyProof(new Uint8Array(9))).toThrow(expect.objectContaining({ code: 'verification-failed' }))
  })
})
