import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type ProcessSource,
  type SourcedCertificate,
  sourceFromLog,
  type VerifyReport,
  verifyProcess,
} from '../../node/index.ts'
import {
  certificateMessage,
  decodeCertificate,
  decodeFrame,
  ed25519Sign,
  type Envelope,
  encodeCertificate,
  encodeEnvelope,
  encodeFrame,
  type ProcessId,
  toHex,
} from '../../protocol/index.ts'
import { messageItem, seedOf } from '../fakes/signed-items.ts'
import { TestNode } from '../fakes/test-node.ts'

/** What a source gives, to be changed before it is given. */
interface Held {
  readonly frames: Uint8Array[]
  readonly certificates: SourcedCertificate[]
}

let node: TestNode
let source: ProcessSource
let receiver: ProcessId

beforeAll(async () => {
  node = await TestNode.open()
  const counter = await node.addStandard('counter')
  const relay = await node.addStandard('relay')
  const process = await node.spawn(counter)
  for (let i = 1; i <= 6; i++) await node.ask(process, { Action: 'Add', Quantity: String(i) })
  await node.ask(process, { Action: 'Nonsense' })
  source = await sourceFromLog(node.log, process)
  const sender = await node.spawn(relay)
  receiver = await node.spawn(relay)
  const { id } = await node.send(sender, { Action: 'Fan-Out', Peer: receiver, Count: '5' })
  await node.node.messenger.trace(id, { settled: true })
})

afterAll(() => node[Symbol.asyncDispose]())

async function hold(from: ProcessSource = source): Promise<Held> {
  return {
    frames: await Array.fromAsync(from.frames()),
    certificates: await Array.fromAsync(from.certificates()),
  }
}

async function* each<T>(list: readonly T[]): AsyncIterable<T> {
  yield* list
}

function verifyHeld(held: Held, from: ProcessSource = source): Promise<VerifyReport> {
  return verifyProcess({
    ...from,
    frames: () => each(held.frames),
    certificates: () => each(held.certificates),
  })
}

/** Replaces what stands in a slot, and its frame's certificate so that it names the new frame. */
function replaceFrame(held: Held, index: number, change: (frame: ReturnType<typeof decodeFrame>) => Uint8Array): void {
  const bytes = held.frames[index]
  if (bytes === undefined) throw new Error('no such frame')
  held.frames[index] = change(decodeFrame(bytes))
}

function put(
  frame: ReturnType<typeof decodeFrame>,
  at: number,
  change: { envelope?: Envelope; timestampMs?: number },
): Uint8Array {
  return encodeFrame(
    frame.firstSlot,
    frame.assignments.map((assignment, i) => {
      const { envelope, timestampMs } = i === at ? { ...assignment, ...change } : assignment
      return { timestampMs, envelopeBytes: encodeEnvelope(envelope) }
    }),
  )
}

describe('offline verification', () => {
  it('finds nothing wrong with an honest process, and gives its state root and gas', async () => {
    const progress: number[] = []
    const report = await verifyProcess(source, {
      onProgress: ({ slots }) => progress.push(slots),
      steps: true,
    })
    expect(report).toMatchObject({ ok: true, process: source.process, slots: 8 })
    expect(report.firstFault).toBeUndefined()
    expect(report.certified).toBe(report.frames)
    expect(report.steps.map(step => step.slot)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(progress.at(-1)).toBe(8)
    const held = await hold()
    const last = decodeCertificate(held.certificates.at(-1)?.bytes ?? new Uint8Array())
    expect(toHex(report.stateRoot)).toBe(toHex(last.stateRoot))
    expect(report.gas).toBe(held.certificates.reduce((sum, one) => sum + decodeCertificate(one.bytes).gas, 0n))
  })

  it('verifies a process that got pushes, from the spawn messages of their senders', async () => {
    const report = await verifyProcess(await sourceFromLog(node.log, receiver))
    expect(report).toMatchObject({ ok: true, slots: 6 })
  })

  it('cannot verify a push without the spawn message of its sender', async () => {
    const from = await sourceFromLog(node.log, receiver)
    const blind = {
      ...from,
      spawnEnvelope: async (id: ProcessId) => (id === receiver ? from.spawnEnvelope(id) : undefined),
    }
    const report = await verifyProcess(blind)
    expect(report).toMatchObject({ ok: false, firstFault: { slot: 1 } })
    expect(report.firstFault?.what).toContain('sender')
  })

  it('believes no push without a proof where nobody signed the feed', async () => {
    const from = await sourceFromLog(node.log, receiver)
    const report = await verifyProcess({ ...from, head: async () => undefined })
    expect(report).toMatchObject({ ok: false, slots: 1, firstFault: { slot: 1 } })
    expect(report.firstFault?.what).toContain('no proof')
  })

  it('finds a feed that is not the one its scheduler signed', async () => {
    const from = await sourceFromLog(node.log, receiver)
    const held = { ...(await hold(from)), certificates: [] }
    const last = held.frames.length - 1
    const later: Held = { ...held, frames: [...held.frames] }
    // A later time changes nothing else, and no certificate is there to contradict it.
    replaceFrame(later, last, frame => put(frame, frame.assignments.length - 1, { timestampMs: 9_000_000_000_000 }))
    const forged = await verifyHeld(later, from)
    expect(forged.firstFault?.what).toContain('signature of the scheduler')
    const short = await verifyHeld({ ...held, frames: held.frames.slice(0, -1) }, from)
    expect(short.firstFault?.what).toContain('blocks are missing')
    const more = await verifyHeld({ ...held, frames: [...held.frames, new Uint8Array(9)] }, from)
    expect(more).toMatchObject({ ok: true, slots: 6 })
  })

  it('finds every flipped bit in a frame', async () => {
    const original = (await hold()).frames[3] ?? new Uint8Array()
    for (let at = 1; at < original.length; at += Math.ceil(original.length / 5)) {
      const held = await hold()
      const flipped = original.slice()
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8))
      held.frames[3] = flipped
      const report = await verifyHeld(held)
      expect(report, `byte ${at}`).toMatchObject({ ok: false, frames: 3 })
    }
  })

  it('finds a certificate with another state root, results root, gas or frame', async () => {
    const changes = [
      { stateRoot: new Uint8Array(32).fill(9) },
      { resultsRoot: new Uint8Array(32).fill(9) },
      { frameHash: new Uint8Array(32).fill(9) },
      { gas: 1n },
      { process: receiver },
      { count: 2 },
    ]
    for (const change of changes) {
      const held = await hold()
      const certificate = decodeCertificate(held.certificates[2]?.bytes ?? new Uint8Array())
      held.certificates[2] = { bytes: encodeCertificate({ ...certificate, ...change }) }
      const report = await verifyHeld(held)
      expect(report).toMatchObject({
        ok: false,
        frames: 2,
        firstFault: { slot: certificate.firstSlot },
      })
    }
  })

  it('finds a frame that is missing, repeated or out of order', async () => {
    const missing = await hold()
    missing.frames.splice(2, 1)
    missing.certificates.splice(2, 1)
    expect((await verifyHeld(missing)).firstFault).toMatchObject({
      slot: 2,
      what: expect.stringContaining('missing'),
    })
    const reordered = await hold()
    reordered.frames.splice(2, 2, ...reordered.frames.slice(2, 4).reverse())
    expect((await verifyHeld(reordered)).firstFault?.slot).toBe(2)
    const repeated = await hold()
    repeated.frames.splice(3, 0, ...repeated.frames.slice(2, 3))
    expect((await verifyHeld(repeated)).firstFault).toMatchObject({
      slot: 3,
      what: expect.stringContaining('order'),
    })
    const headless = await hold()
    headless.frames.shift()
    expect((await verifyHeld(headless)).firstFault?.slot).toBe(0)
  })

  it('finds a timestamp before the one of the slot before', async () => {
    const held = await hold()
    replaceFrame(held, 4, frame => put(frame, 0, { timestampMs: 1 }))
    expect((await verifyHeld(held)).firstFault).toMatchObject({
      slot: 4,
      what: expect.stringContaining('timestamp'),
    })
  })

  it('finds a message with a foreign signature, and one signed for another process', async () => {
    const genuine = messageItem(source.process, { tags: { Action: 'Add' } }).bytes
    const foreign = genuine.slice()
    foreign.set(messageItem(source.process).bytes.subarray(2, 66), 2)
    for (const item of [foreign, messageItem(receiver, { tags: { Action: 'Add' } }).bytes, new Uint8Array(3)]) {
      const held = await hold()
      replaceFrame(held, 5, frame => put(frame, 0, { envelope: { kind: 'item', item } }))
      expect((await verifyHeld(held)).firstFault).toMatchObject({ slot: 5 })
    }
  })

  it('finds another process behind the id, and another module behind its id', async () => {
    const other = await node.log.directory.spawnEnvelope(receiver)
    const swapped = await verifyProcess({ ...source, spawnEnvelope: async () => other })
    expect(swapped).toMatchObject({ ok: false, slots: 0, firstFault: { slot: 0 } })
    const relay = (await node.log.directory.process(receiver))?.module
    const item = relay && (await node.log.directory.moduleItem(relay))
    const module = await verifyProcess({ ...source, moduleItem: async () => item })
    expect(module.firstFault).toMatchObject({ slot: 0, what: expect.stringContaining('module') })
  })

  it('checks signatures on certificates when they are given', async () => {
    const held = await hold()
    const signed = (seed: Uint8Array): SourcedCertificate[] =>
      held.certificates.map(({ bytes }) => ({
        bytes,
        signatures: [{ unit: 0, signature: ed25519Sign(seed, certificateMessage(bytes)) }],
      }))
    const wrong = await verifyHeld({ ...held, certificates: signed(seedOf(99)) })
    expect(wrong.firstFault?.what).toContain('signature')
    const { signatures } = (await node.node.computer.certified(source.process, 0)).proof
    const right = await verifyHeld({
      ...held,
      certificates: [
        {
          ...held.certificates[0],
          bytes: held.certificates[0]?.bytes ?? new Uint8Array(),
          signatures,
        },
        ...held.certificates.slice(1),
      ],
    })
    expect(right.ok).toBe(true)
  })

  it('takes a results feed that is behind for what it is', async () => {
    const held = await hold()
    const report = await verifyHeld({ ...held, certificates: held.certificates.slice(0, 3) })
    expect(report).toMatchObject({ ok: true, certified: 3, slots: 8 })
  })

  it('ends when it is told to', async () => {
    await expect(verifyProcess(source, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})
