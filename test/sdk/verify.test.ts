import { beforeAll, describe, expect, it } from 'vitest'
import {
  asKeyId,
  asMessageId,
  asProcessId,
  certificateMessage,
  type CertifiedView,
  childId,
  decodeCertificate,
  decodeFeedPage,
  ed25519PublicKey,
  ed25519Sign,
  ed25519Signer,
  EMPTY_ROOT,
  EPOCH_TAGS,
  encodeCertificate,
  encodeEnvelope,
  encodeEpochRecord,
  encodeResult,
  fromUtf8,
  keyId,
  leafHash,
  makePush,
  merklePath,
  merkleRoot,
  NO_EPOCH,
  policyTags,
  type Push,
  readPolicy,
  type Result,
  signDataItemSync,
} from '../../protocol/index.ts'
import { Client, inProcessTransport, verifyResult } from '../../sdk/index.ts'
import { fakeOperations } from '../fakes/fake-gateway.ts'
import { FakeUnits } from '../fakes/fake-units.ts'

const refused = expect.objectContaining({ code: 'verification-failed' })
const MODULE = `${'M'.repeat(42)}A`

describe('a certified result', () => {
  let certified: CertifiedView
  let spawn: Uint8Array
  let otherSpawn: Uint8Array
  let frames: readonly Uint8Array[]

  beforeAll(async () => {
    const units = new FakeUnits()
    const client = new Client({
      transport: inProcessTransport(fakeOperations(units)),
      signer: ed25519Signer(new Uint8Array(32).fill(6)),
    })
    const process = await client.spawn({ module: MODULE })
    const other = await client.spawn({ module: MODULE })
    const sent = await process.send({ data: 'pay 1' })
    certified = await client.certifiedResult(process.id, sent.slot)
    spawn = await client.processes.spawnEnvelope(process.id)
    otherSpawn = await client.processes.spawnEnvelope(other.id)
    frames = decodeFeedPage(await client.transport.request('frames', { process: process.id })).blocks
  })

  it('holds, and with its frame says which message it came of', () => {
    const verified = verifyResult(certified, spawn, { frame: frames[1] })
    expect(fromUtf8(verified.result.output)).toBe('pay 1')
    expect(verified.assignment?.envelope.kind).toBe('item')
  })

  it('holds by the units of an epoch for the slots of that epoch, not for those that a later one gave', () => {
    const { process } = verifyResult(certified, spawn)
    const epochFrom = (slots: number, secret = 6): Uint8Array => {
      const policy = { ...process.policy, computeUnits: [asKeyId(keyId(new Uint8Array(32).fill(3)))], computeQuorum: 1 }
      const data = encodeEpochRecord({
        process: process.id,
        epoch: 1,
        policy,
        slots,
        prologue: { length: 1, hash: new Uint8Array(32) },
        previous: NO_EPOCH,
      })
      return signDataItemSync({ target: process.id, tags: EPOCH_TAGS, data }, new Uint8Array(32).fill(secret)).bytes
    }
    expect(certified.slot).toBe(1)
    expect(verifyResult(certified, spawn, { epochs: [[epochFrom(2)]] }).process.epoch).toBe(1)
    expect(() => verifyResult(certified, spawn, { epochs: [[epochFrom(1)]] })).toThrow(refused)
    expect(() => verifyResult(certified, spawn, { epochs: [[epochFrom(2, 5)]] }), 'a stranger signed it').toThrow(
      refused,
    )
  })

  it('does not hold for another process, slot or frame', () => {
    expect(() => verifyResult(certified, otherSpawn)).toThrow(refused)
    expect(() => verifyResult({ ...certified, slot: 0 }, spawn)).toThrow(refused)
    expect(() => verifyResult({ ...certified, process: asProcessId(MODULE) }, spawn)).toThrow(refused)
    expect(() => verifyResult(certified, spawn, { frame: frames[0] })).toThrow(refused)
    expect(() => verifyResult(certified, [])).toThrow(refused)
  })

  it('does not hold without enough signatures, or with those of others', () => {
    expect(() => verifyResult({ ...certified, signatures: [] }, spawn)).toThrow(refused)
    const foreign = ed25519Sign(new Uint8Array(32).fill(8), certificateMessage(certified.certificate))
    expect(() => verifyResult({ ...certified, signatures: [{ unit: 0, signature: foreign }] }, spawn)).toThrow(refused)
    const [own] = certified.signatures
    expect(() =>
      verifyResult({ ...certified, signatures: [{ unit: 1, signature: own?.signature ?? foreign }] }, spawn),
    ).toThrow(refused)
  })

  it('does not survive the change of one bit anywhere, nor being cut short', () => {
    const fields = ['result', 'head', 'certificate'] as const
    let tried = 0
    for (const field of fields) {
      for (let at = 0; at < certified[field].length; at++) {
        const bytes = certified[field].slice()
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8))
        expect(() => verifyResult({ ...certified, [field]: bytes }, spawn), `${field} ${at}`).toThrow(refused)
        tried += 1
      }
      expect(() => verifyResult({ ...certified, [field]: certified[field].slice(0, -1) }, spawn)).toThrow(refused)
    }
    for (let at = 1; at < spawn.length; at += 7) {
      const bytes = spawn.slice()
      bytes[at] = (bytes[at] ?? 0) ^ 4
      expect(() => verifyResult(certified, bytes), `spawn ${at}`).toThrow(refused)
    }
    expect(tried).toBe(fields.reduce((sum, field) => sum + certified[field].length, 0))
  })
})

describe('a certified result of a child', () => {
  const seed = new Uint8Array(32).fill(7)
  const key = keyId(ed25519PublicKey(seed))
  const policy = readPolicy([{ name: 'Scheduler', value: key }])
  const parentItem = signDataItemSync(
    {
      data: '',
      tags: [{ name: 'Type', value: 'Process' }, { name: 'Module', value: MODULE }, ...policyTags(policy)],
    },
    seed,
  )
  const parent = asProcessId(parentItem.id)
  const parentEnvelope = encodeEnvelope({ kind: 'item', item: parentItem.bytes })

  const resultOf = (slot: number, outbox: readonly Push[]): Result => ({
    slot,
    message: undefined,
    status: 'ok',
    gas: 1n,
    error: undefined,
    output: new Uint8Array([slot]),
    log: '',
    outbox,
    assigns: [],
    dropped: [],
  })

  /** A certificate over `results`, and the proof of the one at `index`. */
  function certify(process: string, firstSlot: number, results: readonly Result[], index: number) {
    const encoded = results.map(encodeResult)
    const leaves = encoded.map(entry => leafHash(entry.head))
    const certificateBytes = encodeCertificate({
      process: asProcessId(process),
      firstSlot,
      count: results.length,
      frameHash: EMPTY_ROOT,
      resultsRoot: merkleRoot(leaves),
      stateRoot: EMPTY_ROOT,
      gas: 1n,
    })
    const { head: resultHead = new Uint8Array(0), bytes = new Uint8Array(0) } = encoded[index] ?? {}
    const signatures = [{ unit: 0, signature: ed25519Sign(seed, certificateMessage(certificateBytes)) }]
    return {
      bytes,
      proof: {
        resultHead,
        resultPath: merklePath(leaves, index),
        certificate: decodeCertificate(certificateBytes),
        certificateBytes,
        signatures,
      },
    }
  }

  const child = childId(parent, 5, 0)
  const push = makePush(
    {
      from: parent,
      slot: 5,
      index: 0,
      seq: 0,
      to: child,
      depth: 1,
      fuel: 9n,
      origin: asMessageId(parentItem.id),
    },
    {
      kind: 'spawn',
      tags: [{ name: 'Module', value: MODULE }, ...policyTags(policy)],
      data: new Uint8Array(0),
      anchor: undefined,
    },
  )
  const certifiedPush = certify(parent, 5, [resultOf(5, [push])], 0)
  const childEnvelope = encodeEnvelope({
    kind: 'push',
    push,
    proof: { ...certifiedPush.proof, outboxPath: [] },
  })
  const results = Array.from({ length: 40 }, (_, slot) => resultOf(slot, []))
  const viewOf = (slot: number): CertifiedView => {
    const { bytes, proof } = certify(child, 0, results, slot)
    return {
      process: child,
      slot,
      result: bytes,
      head: proof.resultHead,
      path: proof.resultPath,
      certificate: proof.certificateBytes,
      signatures: proof.signatures,
    }
  }

  it('holds with the spawn messages of its ancestors, in a tree of many slots', () => {
    for (const slot of [0, 15, 16, 39])
      expect(verifyResult(viewOf(slot), [childEnvelope, parentEnvelope]).result.output).toEqual(new Uint8Array([slot]))
  })

  it('does not hold without them, nor with those of others', () => {
    expect(() => verifyResult(viewOf(0), childEnvelope)).toThrow(refused)
    const stranger = signDataItemSync({ data: 'x', tags: parentItem.tags }, seed)
    expect(() =>
      verifyResult(viewOf(0), [childEnvelope, encodeEnvelope({ kind: 'item', item: stranger.bytes })]),
    ).toThrow(refused)
  })

  it('does not hold at another place of the tree', () => {
    const [first, second] = [viewOf(3), viewOf(4)]
    expect(() => verifyResult({ ...first, path: second.path }, [childEnvelope, parentEnvelope])).toThrow(refused)
    expect(() => verifyResult({ ...first, path: first.path.slice(1) }, [childEnvelope, parentEnvelope])).toThrow(
      refused,
    )
  })
})
