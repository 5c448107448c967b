import {
  asModuleId,
  certificateMessage,
  decodeEnvelope,
  describeProcess,
  ed25519Sign,
  encodeCertificate,
  encodeEnvelope,
  encodeFrame,
  encodeResult,
  type EncodedResult,
  encodeResultProof,
  type Envelope,
  envelopeId,
  type FeedSpec,
  frameHash,
  fromBase64Url,
  leafHash,
  merklePath,
  merkleRoot,
  messagesFeed,
  type ProcessDescription,
  proveInclusion,
  type Result,
  type ResultProof,
  type Slot,
  toUtf8,
} from '../../protocol/index.ts'
import { keyOf } from './certified-pushes.ts'
import { fakeId } from './guest-context.ts'
import { MemoryLog } from './memory-log.ts'
import { messageItem, seedOf, spawnItem, tagsOf } from './signed-items.ts'

const SCHEDULER = 1

interface Certified {
  readonly firstSlot: Slot
  readonly results: readonly EncodedResult[]
  readonly certificateBytes: Uint8Array
  readonly envelopes: readonly Envelope[]
}

/** A process with a real feed, whose compute units are keys in this test: it answers every message with its number. */
export class ProvenProcess {
  readonly description: ProcessDescription
  readonly spawn: Uint8Array
  readonly log = MemoryLog.open()
  readonly units: readonly number[]
  readonly #frames: Certified[] = []
  #slots = 0

  private constructor(units: readonly number[], quorum: number) {
    this.units = units
    const { bytes } = spawnItem(asModuleId(fakeId(4)), keyOf(SCHEDULER), {
      tags: { 'Compute-Quorum': String(quorum) },
      extraTags: units.flatMap(unit => tagsOf({ 'Compute-Unit': keyOf(unit) })),
    })
    const envelope: Envelope = { kind: 'item', item: bytes }
    this.description = describeProcess(envelope)
    this.spawn = encodeEnvelope(envelope)
    this.log.signWith(seedOf(SCHEDULER))
  }

  /** A process of `units` compute units, `quorum` of which must agree, with its spawn message and then frames of `sizes` messages. */
  static async open(units: readonly number[], quorum: number, sizes: readonly number[]): Promise<ProvenProcess> {
    const made = new ProvenProcess(units, quorum)
    await made.add([{ kind: 'item', item: parseSpawn(made.spawn) }])
    for (const size of sizes) {
      await made.add(
        Array.from(
          { length: size },
          (): Envelope => ({ kind: 'item', item: messageItem(made.id, { data: 'pay 1' }).bytes }),
        ),
      )
    }
    return made
  }

  get id(): ProcessDescription['id'] {
    return this.description.id
  }

  get feed(): FeedSpec {
    return messagesFeed(this.description)
  }

  /** Schedules a frame and certifies it. */
  async add(envelopes: readonly Envelope[]): Promise<void> {
    const firstSlot = this.#slots
    this.#slots += envelopes.length
    const frame = encodeFrame(
      firstSlot,
      envelopes.map((envelope, i) => ({ timestampMs: 1000 + firstSlot + i, envelopeBytes: encodeEnvelope(envelope) })),
    )
    const ids = envelopes.map((envelope, i) => envelopeId(envelope, this.id, firstSlot + i))
    await this.log.commit([{ feed: this.feed, index: this.#frames.length, bytes: frame, ids, firstSlot }])
    const results = envelopes.map((_, i) => encodeResult(resultOf(firstSlot + i, fromBase64Url(ids[i] ?? ''))))
    const certificateBytes = encodeCertificate({
      process: this.id,
      firstSlot,
      count: envelopes.length,
      frameHash: frameHash(frame),
      resultsRoot: merkleRoot(results.map(({ head }) => leafHash(head))),
      stateRoot: new Uint8Array(32).fill(firstSlot + 1),
      gas: 1n,
    })
    this.#frames.push({ firstSlot, results, certificateBytes, envelopes })
  }

  sign(certificateBytes: Uint8Array, positions: readonly number[]): { unit: number; signature: Uint8Array }[] {
    return positions.map(unit => ({
      unit,
      signature: ed25519Sign(seedOf(this.units[unit] ?? 250), certificateMessage(certificateBytes)),
    }))
  }

  async parts(slot: Slot, bring: { message?: boolean; output?: boolean } = {}): Promise<ResultProof> {
    const index = this.#frames.findLastIndex(({ firstSlot }) => firstSlot <= slot)
    const frame = this.#frames[index]
    const head = await this.log.head(this.feed)
    const inclusion = head && (await proveInclusion(this.log.trees, this.feed, index, head.length))
    const at = slot - (frame?.firstSlot ?? 0)
    const [result, envelope] = [frame?.results[at], frame?.envelopes[at]]
    if (frame === undefined || head === undefined || inclusion === undefined || result === undefined)
      throw new TypeError('no such slot')
    const { computeQuorum } = this.description.policy
    return {
      spawns: [this.spawn],
      inclusion,
      headSignature: head.signature,
      certificateBytes: frame.certificateBytes,
      signatures: this.sign(
        frame.certificateBytes,
        Array.from({ length: computeQuorum }, (_, unit) => unit),
      ),
      resultHead: result.head,
      result: bring.output === true ? result.bytes : undefined,
      resultPath: merklePath(
        frame.results.map(one => leafHash(one.head)),
        at,
      ),
      message: bring.message === true && envelope?.kind === 'item' ? envelope : undefined,
    }
  }

  async proof(slot: Slot, bring: { message?: boolean; output?: boolean } = {}): Promise<Uint8Array> {
    return encodeResultProof(await this.parts(slot, bring))
  }
}

function parseSpawn(envelope: Uint8Array): Uint8Array {
  const decoded = decodeEnvelope(envelope)
  if (decoded.kind !== 'item') throw new TypeError('expected an item')
  return decoded.item
}

function resultOf(slot: Slot, message: Uint8Array): Result {
  return {
    slot,
    message,
    status: 'ok',
    gas: 7n,
    error: undefined,
    output: toUtf8(`answer ${slot}`),
    log: '',
    outbox: [],
    assigns: [],
    dropped: [],
  }
}
