import { type Verdict, verdictsOn } from '../../compute-unit/index.ts'
import {
  decodeEnvelope,
  decodeFrame,
  type Envelope,
  encodeEnvelope,
  envelopeId,
  equalBytes,
  Failure,
  type FeedHead,
  feedHeadHolds,
  FeedTree,
  type Frame,
  MalformedBytes,
  type MessageId,
  messagesFeed,
  type ProcessDescription,
  type Slot,
} from '../../protocol/index.ts'
import type { KnownProcesses } from '../learning/known-processes.ts'

/** What is wrong, and in which slot. */
export class VerifyFault extends Error {
  override readonly name = 'VerifyFault'
  readonly slot: Slot

  constructor(slot: Slot, what: string) {
    super(what)
    this.slot = slot
  }

  static from(slot: Slot, error: unknown): VerifyFault {
    if (error instanceof VerifyFault) return error
    return new VerifyFault(slot, error instanceof Error ? error.message : String(error))
  }
}

/** A frame whose place and envelopes hold. */
export interface CheckedFrame {
  readonly bytes: Uint8Array
  readonly firstSlot: Slot
  readonly verdicts: readonly Verdict[]
}

/** Checks the frames of one feed in order: what a scheduler must not get wrong. */
export class FeedCheck {
  readonly #process: ProcessDescription
  readonly #spawn: Envelope
  readonly #known: KnownProcesses
  readonly #slots = new Map<MessageId, Slot>()
  readonly #head: FeedHead | undefined
  readonly #tree = new FeedTree()
  #nextSlot: Slot = 0
  #lastMs = 0

  /** `spawn` is the encoded envelope by which the process is known; `head`, what its scheduler is said to have signed. */
  constructor(process: ProcessDescription, spawn: Uint8Array, known: KnownProcesses, head: FeedHead | undefined) {
    this.#process = process
    this.#spawn = decodeEnvelope(spawn)
    this.#known = known
    this.#head = head
  }

  /** All that the scheduler signed has been looked at. */
  get isComplete(): boolean {
    return this.#tree.length === this.#head?.length
  }

  /** Takes a frame that nobody asks about, for the sake of the signature over all of them. */
  skip(bytes: Uint8Array): void {
    this.#tree.append(bytes)
  }

  /** After the last frame: what is wrong with the feed as a whole. */
  end(): VerifyFault | undefined {
    if (this.#head === undefined) return undefined
    const { length } = this.#tree
    const last = Math.max(0, this.#nextSlot - 1)
    if (length < this.#head.length) {
      return new VerifyFault(this.#nextSlot, `blocks are missing: ${this.#head.length} were signed, ${length} are here`)
    }
    if (feedHeadHolds(messagesFeed(this.#process), this.#tree, this.#head)) return undefined
    return new VerifyFault(last, 'the signature of the scheduler over the feed does not hold')
  }

  /** @throws {VerifyFault} */
  async next(bytes: Uint8Array): Promise<CheckedFrame> {
    const frame = this.#decode(bytes)
    this.#checkPlace(frame)
    this.#checkTimes(frame)
    this.#checkVouched(frame)
    this.#remember(frame)
    const index = this.#tree.length
    this.#checkPrologue(index, frame)
    this.#tree.append(bytes)
    const verdicts = await this.#verdicts(index, bytes, frame.firstSlot)
    const refused = verdicts.findIndex(verdict => verdict.status === 'refused')
    if (refused >= 0) {
      throw new VerifyFault(frame.firstSlot + refused, 'the signature or certificate of the message does not hold')
    }
    this.#nextSlot += frame.assignments.length
    return { bytes, firstSlot: frame.firstSlot, verdicts }
  }

  #decode(bytes: Uint8Array): Frame {
    try {
      return decodeFrame(bytes)
    } catch (error) {
      throw VerifyFault.from(this.#nextSlot, error)
    }
  }

  #checkPlace({ firstSlot, assignments }: Frame): void {
    const next = this.#nextSlot
    if (firstSlot > next) throw new VerifyFault(next, `slots are missing: after ${next - 1} comes ${firstSlot}`)
    if (firstSlot < next) throw new VerifyFault(next, `slots are out of order: after ${next - 1} comes ${firstSlot}`)
    const [first] = assignments
    if (firstSlot === 0 && first !== undefined && !sameMessage(first.envelope, this.#spawn)) {
      throw new VerifyFault(0, 'slot 0 does not hold the spawn message')
    }
  }

  #checkTimes({ firstSlot, assignments }: Frame): void {
    for (const [i, { timestampMs }] of assignments.entries()) {
      if (timestampMs < this.#lastMs)
        throw new VerifyFault(firstSlot + i, 'the timestamp is before the one of the slot before')
      this.#lastMs = timestampMs
    }
  }

  /** Without a signature over the feed nobody vouches for anything in it. */
  /** What its present schedulers signed begins with what the owner's record says. */
  #checkPrologue(index: number, { firstSlot }: Frame): void {
    const { prologue } = this.#process
    if (index !== prologue?.length || equalBytes(this.#tree.hash(), prologue.hash)) return
    throw new VerifyFault(firstSlot, 'the feed does not begin with the blocks that its owner handed over')
  }

  #checkVouched({ firstSlot, assignments }: Frame): void {
    if (this.#head !== undefined) return
    const at = assignments.findIndex(({ envelope }) => envelope.kind === 'push' && envelope.proof === undefined)
    if (at >= 0)
      throw new VerifyFault(firstSlot + at, 'the message has no proof, and the feed no signature of its scheduler')
  }

  #remember({ firstSlot, assignments }: Frame): void {
    for (const [i, { envelope }] of assignments.entries()) {
      try {
        const id = envelopeId(envelope, this.#process.id, firstSlot + i)
        if (!this.#slots.has(id)) this.#slots.set(id, firstSlot + i)
      } catch (error) {
        if (error instanceof MalformedBytes) throw VerifyFault.from(firstSlot + i, error)
        throw error
      }
    }
  }

  async #verdicts(index: number, bytes: Uint8Array, firstSlot: Slot): Promise<Verdict[]> {
    const messages = {
      slotsOf: async (_: unknown, ids: readonly MessageId[]) => ids.map(id => this.#slots.get(id)),
    }
    try {
      return await verdictsOn(this.#process, index, bytes, false, { directory: this.#known, messages })
    } catch (error) {
      if (!Failure.is(error, 'unknown-process')) throw VerifyFault.from(firstSlot, error)
      throw new VerifyFault(
        firstSlot,
        `the spawn message of a sender is not at hand: ${String(error.details['process'])}`,
      )
    }
  }
}

function sameMessage(a: Envelope, b: Envelope): boolean {
  // Who carried a push may have brought other signatures; what it says is in its core.
  if (a.kind === 'push' && b.kind === 'push') return equalBytes(a.push.coreBytes, b.push.coreBytes)
  return equalBytes(encodeEnvelope(a), encodeEnvelope(b))
}
