import {
  type CallOptions,
  type CertifiedResult,
  type Clock,
  concatBytes,
  decodeCertificate,
  decodeResult,
  Failure,
  findFrame,
  type KeyId,
  leafHash,
  type Log,
  merkleLevels,
  messagesFeed,
  pathIn,
  type ProcessDescription,
  type ProcessId,
  type PushProof,
  type Result,
  resultsFeed,
  type Slot,
  unitPosition,
  waitFor,
} from '../../protocol/index.ts'
import type { Follower } from '../following/follower.ts'
import type { FrameResults } from './frame-results.ts'
import { type ProvenFrame, RecentFrames } from './recent-frames.ts'
import type { ResultStore } from './result-store.ts'

export interface ResultReaderParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  /** See `ComputeUnitParts`. */
  readonly recentFramesMax?: number | undefined
  readonly stored: ResultStore
  /** Who follows a process. @throws {Failure} `unknown-process` */
  followerOf(process: ProcessId): Promise<Follower>
  sign(certificateBytes: Uint8Array): Uint8Array
  /** A result as it is given away. */
  read(bytes: Uint8Array, process: ProcessDescription): Result
}

const RESULT_WAIT_MS = 30_000

/** What processes gave, and its proof: from memory, from the store, or evaluated once more. */
export class ResultReader {
  readonly #parts: ResultReaderParts
  /** Frames that were evaluated lately. */
  readonly #recent: RecentFrames
  /** Frames that were looked up: what one push is proven by proves the next ones too. */
  readonly #lookedUp = new RecentFrames()
  /** Of one process one after the other: the next is often in the same frame, or right behind it. */
  readonly #looking = new Map<ProcessId, Promise<unknown>>()

  constructor(parts: ResultReaderParts) {
    this.#parts = parts
    this.#recent = new RecentFrames(parts.recentFramesMax)
  }

  /** A frame was just evaluated. */
  remember(process: ProcessId, frame: ProvenFrame): void {
    this.#recent.remember(process, frame)
  }

  /** The encoded result of a slot, which is waited for. @throws {Failure} `unknown-slot`, `timeout` */
  async bytes(process: ProcessId, slot: Slot, options: CallOptions = {}): Promise<Uint8Array> {
    await this.#reached(process, slot, options)
    return resultIn(await this.#resultsAt(process, slot), slot)
  }

  /** Results that are there, in slot order. */
  async *range(process: ProcessId, from: Slot, to: Slot): AsyncIterable<Result> {
    const follower = await this.#parts.followerOf(process)
    const end = Math.min(to, follower.evaluated)
    for (let slot = from; slot < end; ) {
      for (const frame of await this.#framesFrom(process, slot, end)) {
        for (const bytes of frame.results.slice(slot - frame.firstSlot)) {
          if (slot >= end) return
          yield this.#parts.read(bytes, follower.process)
          slot += 1
        }
      }
    }
  }

  async certified(process: ProcessId, slot: Slot, options?: CallOptions): Promise<CertifiedResult> {
    const follower = await this.#reached(process, slot, options)
    const frame = await this.frameAt(follower.process, slot)
    const bytes = resultIn(frame.results, slot)
    return { result: decodeResult(bytes), bytes, proof: this.#proof(follower.process, frame, slot) }
  }

  async proveOutbox(process: ProcessId, slot: Slot, indexes: readonly number[]): Promise<readonly PushProof[]> {
    const follower = await this.#parts.followerOf(process)
    const frame = await this.frameAt(follower.process, slot)
    const base = this.#proof(follower.process, frame, slot)
    if (base.signatures.length < follower.process.policy.computeQuorum) {
      throw new Failure('bad-certificate', { process }, { note: 'other compute units must agree first' })
    }
    if (indexes.length === 0) return []
    const { outbox } = decodeResult(resultIn(frame.results, slot))
    const tree = merkleLevels(concatBytes(...outbox.map(push => leafHash(push.coreBytes))))
    return indexes.map(index => ({ ...base, outboxPath: pathIn(tree, index) }))
  }

  /** The certified frame that holds `slot`, from memory or from the feeds. @throws {Failure} `unknown-slot` */
  async frameAt(process: ProcessDescription, slot: Slot): Promise<ProvenFrame> {
    const known = this.#known(process.id, slot)
    if (known !== undefined) return known
    const before = this.#looking.get(process.id)
    const looking = (async () => {
      await before?.catch(() => undefined)
      return this.#known(process.id, slot) ?? this.#lookUp(process, slot)
    })()
    this.#looking.set(process.id, looking)
    try {
      return await looking
    } finally {
      if (this.#looking.get(process.id) === looking) this.#looking.delete(process.id)
    }
  }

  #known(process: ProcessId, slot: Slot): ProvenFrame | undefined {
    return this.#recent.find(process, slot) ?? this.#lookedUp.find(process, slot)
  }

  async #lookUp(process: ProcessDescription, slot: Slot): Promise<ProvenFrame> {
    const { log, key } = this.#parts
    const found = await findFrame(log, messagesFeed(process), slot, this.#lookedUp.near(process.id, slot))
    if (found === undefined) throw new Failure('unknown-slot', { process: process.id, slot })
    // Before its results, for whose sake the process might be opened.
    const certificateBytes = await log.block(resultsFeed(process, key), found.index)
    if (certificateBytes === undefined) throw new Failure('unknown-slot', { process: process.id, slot })
    const results = await this.#resultsAt(process.id, slot)
    const frame = { index: found.index, certificateBytes, results, count: results.count }
    // It may have been handed over meanwhile.
    const { epoch } = (await this.#parts.followerOf(process.id)).process
    if (epoch === process.epoch) this.#lookedUp.remember(process.id, frame)
    return frame
  }

  /** Frames of a process are at hand no more: nobody asks for it, or they are of an epoch that is over. */
  forget(process: ProcessId): void {
    this.#recent.forget(process)
    this.#lookedUp.forget(process)
  }

  /** Waits until a slot is evaluated. @throws {Failure} `unknown-slot`, `timeout` */
  async #reached(process: ProcessId, slot: Slot, options: CallOptions = {}): Promise<Follower> {
    const follower = await this.#parts.followerOf(process)
    if (slot >= follower.scheduled) throw new Failure('unknown-slot', { process, slot, scheduled: follower.scheduled })
    if (slot >= follower.evaluated) {
      await waitFor(follower.reached(slot), this.#parts.clock, { timeoutMs: RESULT_WAIT_MS, ...options })
    }
    return follower
  }

  /** The frame that holds an evaluated slot, and some of those behind it that begin before `end`. */
  async #framesFrom(process: ProcessId, slot: Slot, end: Slot): Promise<readonly FrameResults[]> {
    const known = this.#inMemory(process, slot)
    if (known !== undefined) return [known]
    const stored = await this.#parts.stored.framesFrom(process, slot, end)
    return stored.length > 0 ? stored : [await this.#resultsAt(process, slot)]
  }

  #inMemory(process: ProcessId, slot: Slot): FrameResults | undefined {
    return this.#known(process, slot)?.results
  }

  /** The results of the frame that holds an evaluated slot. */
  async #resultsAt(process: ProcessId, slot: Slot): Promise<FrameResults> {
    const { stored, followerOf } = this.#parts
    const kept = this.#inMemory(process, slot) ?? (await stored.frameOf(process, slot))
    if (kept !== undefined) return kept
    // The store lost it: evaluating the feed again brings it back.
    await (await followerOf(process)).replayed()
    const again = await stored.frameOf(process, slot)
    if (again === undefined) throw new Failure('internal', { process, slot })
    return again
  }

  #proof(process: ProcessDescription, frame: ProvenFrame, slot: Slot): Omit<PushProof, 'outboxPath'> {
    const { certificateBytes, results } = frame
    const position = slot - results.firstSlot
    const resultHead = results.heads[position]
    if (resultHead === undefined) throw new Failure('unknown-slot', { process: process.id, slot })
    const unit = unitPosition(process.policy, this.#parts.key)
    frame.signature ??= this.#parts.sign(certificateBytes)
    return {
      resultHead,
      resultPath: pathIn(results.tree, position),
      certificate: decodeCertificate(certificateBytes),
      certificateBytes,
      signatures: unit < 0 ? [] : [{ unit, signature: frame.signature }],
    }
  }
}

function resultIn(results: FrameResults, slot: Slot): Uint8Array {
  const bytes = results.at(slot)
  if (bytes === undefined) throw new Failure('internal', { slot })
  return bytes
}
