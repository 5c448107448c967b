import {
  type Attested,
  type CallOptions,
  type CertifiedResult,
  type Clock,
  type Computer,
  concatBytes,
  decodeResult,
  decodeUnitReading,
  Failure,
  findFrame,
  type KeyId,
  type Lifecycle,
  leafHash,
  merkleLevels,
  messagesFeed,
  pathIn,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type PushProof,
  type QueryAnswer,
  type QueryMessage,
  type Result,
  resultHeadOf,
  type Slot,
  speaksAlone,
  type StateAnswer,
  type Timer,
  type UpgradeCheck,
  type UpgradeWish,
  waitFor,
} from '../protocol/index.ts'
import type { Agreement } from './agreement.ts'
import { type AgreementParts, type OwnUnit, positionOf } from './parts.ts'
import type { ProcessAgreement } from './process-agreement.ts'
import { type CheckedFrame, RemoteFrames } from './remote-frames.ts'
import { RemoteState } from './remote-state.ts'

/** A result is waited for as long, unless the caller says otherwise. */
const RESULT_WAIT_MS = 30_000
/** One look ahead of a reader who follows. */
const FOLLOW_WAIT_MS = 20_000
const FOLLOW_AGAIN_MS = 1_000

/** How a process is read here: by this node's own word, by its word once others agree, or by the word of others. */
type Way =
  | { readonly kind: 'alone' }
  | {
      readonly kind: 'among'
      readonly process: ProcessDescription
      readonly agreement: ProcessAgreement
    }
  | {
      readonly kind: 'elsewhere'
      readonly process: ProcessDescription
      readonly frames: RemoteFrames
    }

export type AgreedComputerParts = Pick<
  AgreementParts,
  'unit' | 'log' | 'clock' | 'peers' | 'describe' | 'trouble'
> & {
  readonly agreement: Agreement
}

/**
 * What processes gave, as their own policies make it final, wherever their compute units are. Of what comes from
 * elsewhere, results are proven by certificates; answers about the state are given once enough units give the same.
 */
export class AgreedComputer implements Computer {
  readonly #parts: AgreedComputerParts
  readonly #unit: OwnUnit
  readonly #clock: Clock
  readonly #frames: RemoteFrames | undefined

  constructor(parts: AgreedComputerParts) {
    this.#parts = parts
    this.#unit = parts.unit
    this.#clock = parts.clock
    const { peers, clock, trouble } = parts
    this.#frames =
      peers &&
      new RemoteFrames({ peers, clock, trouble: (process, failure) => trouble?.(process, failure) })
  }

  get key(): KeyId {
    return this.#unit.key
  }

  async result(process: ProcessId, slot: Slot, options: CallOptions = {}): Promise<Result> {
    const way = await this.#way(process)
    if (way.kind === 'alone') return this.#unit.result(process, slot, options)
    if (way.kind === 'elsewhere') {
      const { certificate, results } = await this.#frameAt(way, slot, options)
      return at(results, slot - certificate.firstSlot)
    }
    await this.#final(way, slot, options)
    return this.#unit.result(process, slot, options)
  }

  async attested(process: ProcessId, slot: Slot): Promise<Attested> {
    const way = await this.#way(process)
    if (way.kind === 'alone') return this.#unit.attested(process, slot)
    if (way.kind === 'elsewhere') {
      const { frame } = await this.#frameAt(way, slot, { timeoutMs: 0 })
      const { computeUnits, computeQuorum } = way.process.policy
      const by = frame.signatures
        .map(({ unit }) => computeUnits[unit])
        .filter(key => key !== undefined)
      return { by, needed: computeQuorum, of: computeUnits.length }
    }
    const index = await this.#indexOf(way.process, slot)
    return way.agreement.attested(index)
  }

  async certified(
    process: ProcessId,
    slot: Slot,
    options: CallOptions = {},
  ): Promise<CertifiedResult> {
    const way = await this.#way(process)
    if (way.kind === 'alone') return this.#unit.certified(process, slot, options)
    if (way.kind === 'elsewhere') return certifiedIn(await this.#frameAt(way, slot, options), slot)
    await this.#final(way, slot, options)
    const { proof, ...rest } = await this.#unit.certified(process, slot, options)
    const words = await way.agreement.agreeing(await this.#indexOf(way.process, slot))
    return {
      ...rest,
      proof: { ...proof, signatures: words.map(({ unit, signature }) => ({ unit, signature })) },
    }
  }

  async *results(
    process: ProcessId,
    from: Slot,
    to: Slot,
    options?: CallOptions,
  ): AsyncIterable<Result> {
    const way = await this.#way(process)
    if (way.kind === 'alone') return yield* this.#unit.results(process, from, to, options)
    if (way.kind === 'among') {
      return yield* this.#unit.results(process, from, Math.min(to, way.agreement.slots), options)
    }
    for (let slot = from; slot < to; ) {
      const found = await way.frames.at(way.process, slot, { ...options, timeoutMs: 0 })
      if (found === undefined) return
      const { firstSlot } = found.certificate
      for (const result of found.results.slice(slot - firstSlot, to - firstSlot)) yield result
      slot = firstSlot + found.results.length
    }
  }

  async *follow(process: ProcessId, from: Slot, options: CallOptions = {}): AsyncIterable<Result> {
    const way = await this.#way(process)
    if (way.kind === 'alone') return yield* this.#unit.follow(process, from, options)
    const { signal } = options
    for (let slot = from; signal?.aborted !== true; slot += 1) {
      const result = await this.#next(process, slot, signal)
      if (result === undefined) return
      yield result
    }
  }

  async evaluated(process: ProcessId): Promise<Slot> {
    const way = await this.#way(process)
    if (way.kind === 'alone') return this.#unit.evaluated(process)
    if (way.kind === 'among') return way.agreement.slots
    return Math.max(way.frames.end(process), await this.#farthest(way.process))
  }

  attests(push: Push): boolean {
    return this.#unit.attests(push)
  }

  async proveOutbox(
    process: ProcessId,
    slot: Slot,
    indexes: readonly number[],
  ): Promise<readonly PushProof[]> {
    const way = await this.#way(process)
    if (way.kind === 'alone') return this.#unit.proveOutbox(process, slot, indexes)
    if (indexes.length === 0) return []
    const { result, proof } = await this.certified(process, slot, { timeoutMs: 0 })
    const tree = merkleLevels(concatBytes(...result.outbox.map(push => leafHash(push.coreBytes))))
    return indexes.map(index => ({ ...proof, outboxPath: pathIn(tree, index) }))
  }

  async query(
    process: ProcessId,
    message: QueryMessage,
    options: CallOptions & { at?: Slot | undefined } = {},
  ): Promise<QueryAnswer> {
    const away = await this.#away(process)
    return away?.query(message, options) ?? this.#unit.query(process, message, options)
  }

  async state(process: ProcessId, slot?: Slot, options: CallOptions = {}): Promise<StateAnswer> {
    const away = await this.#away(process)
    return away?.state(slot, options) ?? this.#unit.state(process, slot, options)
  }

  async lifecycle(process: ProcessId): Promise<Lifecycle> {
    return (await this.#away(process))?.lifecycle() ?? this.#unit.lifecycle(process)
  }

  async timers(process: ProcessId): Promise<readonly Timer[]> {
    return (await this.#away(process))?.timers() ?? this.#unit.timers(process)
  }

  async checkUpgrade(
    process: ProcessId,
    wish: UpgradeWish,
    options: CallOptions = {},
  ): Promise<UpgradeCheck> {
    const away = await this.#away(process)
    return away?.checkUpgrade(wish, options) ?? this.#unit.checkUpgrade(process, wish, options)
  }

  async cell(process: ProcessId, key: Uint8Array): Promise<Uint8Array | undefined> {
    return (await this.#away(process))?.cell(key) ?? this.#unit.cell(process, key)
  }

  /** Of processes that are evaluated here only: a memory is too large to be asked for k times. */
  async memory(process: ProcessId): Promise<{ slot: Slot; memory: Uint8Array }> {
    if ((await this.#away(process)) === undefined) return this.#unit.memory(process)
    throw new Failure(
      'unreachable',
      { process },
      { note: 'memory is told by its compute units alone' },
    )
  }

  /** Goes on with what an earlier run left. */
  catchUp(process: ProcessId): void {
    void this.#parts.describe(process).then(description => {
      if (description === undefined || positionOf(description, this.key) < 0) return
      this.#unit.catchUp(process)
      this.#parts.agreement.catchUp(description)
    }, ignore)
  }

  /** Who tells the state of a process; nothing if the own unit does. */
  async #away(process: ProcessId): Promise<RemoteState | undefined> {
    const way = await this.#way(process)
    const { peers, clock } = this.#parts
    return way.kind === 'elsewhere' && peers !== undefined
      ? new RemoteState({ peers, clock }, way.process)
      : undefined
  }

  async #way(id: ProcessId): Promise<Way> {
    const { log, describe, agreement } = this.#parts
    const process = log.directory.processAtHand(id) ?? (await describe(id))
    if (process === undefined) throw new Failure('unknown-process', { process: id })
    if (speaksAlone(process.policy, this.key)) return { kind: 'alone' }
    if (positionOf(process, this.key) >= 0) {
      const among = await agreement.of(process)
      if (among.failure === undefined) return { kind: 'among', process, agreement: among }
    }
    const frames = this.#frames
    // A node without others evaluates for itself what it schedules; nothing of it is final.
    return frames === undefined ? { kind: 'alone' } : { kind: 'elsewhere', process, frames }
  }

  async #final(
    { agreement, process }: Way & { kind: 'among' },
    slot: Slot,
    options: CallOptions,
  ): Promise<void> {
    if (slot < agreement.slots) return
    const { signal } = options
    const untilMs = this.#clock.now() + (options.timeoutMs ?? RESULT_WAIT_MS)
    const left = (): CallOptions => ({
      signal,
      timeoutMs: Math.max(0, untilMs - this.#clock.now()),
    })
    // Fails at once for a slot beyond the feed.
    await this.#unit.result(process.id, slot, left())
    try {
      await waitFor(agreement.reached(slot), this.#clock, left())
    } catch (error) {
      if (!Failure.is(error, 'timeout')) throw error
      const { by, needed, of } = await agreement.attested(await this.#indexOf(process, slot))
      throw new Failure(
        'no-agreement',
        { process: process.id, slot, agree: by.length, needed, of },
        { cause: error },
      )
    }
  }

  async #frameAt(
    { frames, process }: Way & { kind: 'elsewhere' },
    slot: Slot,
    options: CallOptions,
  ): Promise<CheckedFrame> {
    const timeoutMs = options.timeoutMs ?? RESULT_WAIT_MS
    const found = await frames.at(process, slot, { ...options, timeoutMs })
    if (found !== undefined) return found
    throw new Failure(
      'timeout',
      { process: process.id, slot, timeoutMs },
      { note: 'it is not final yet' },
    )
  }

  /** The result of a slot, whenever it comes; nothing once the reader has gone. */
  async #next(
    process: ProcessId,
    slot: Slot,
    signal: AbortSignal | undefined,
  ): Promise<Result | undefined> {
    const hasGone = (): boolean => signal?.aborted === true
    while (!hasGone()) {
      try {
        return await this.result(process, slot, { signal, timeoutMs: FOLLOW_WAIT_MS })
      } catch (error) {
        if (hasGone()) return undefined
        if (Failure.is(error, 'unknown-slot')) await this.#growth(process, slot, signal)
        else if (!Failure.is(error) || error.blame !== 'transient') throw error
        else if (!Failure.is(error, 'timeout'))
          await this.#clock.sleep(FOLLOW_AGAIN_MS, { signal, for: 'wait' }).catch(ignore)
      }
    }
    return undefined
  }

  /** Waits until the own unit has evaluated `slot`. */
  async #growth(process: ProcessId, slot: Slot, signal: AbortSignal | undefined): Promise<void> {
    for await (const _ of this.#unit.follow(process, slot, { signal })) return
  }

  async #farthest({ id, policy }: ProcessDescription): Promise<Slot> {
    const { peers } = this.#parts
    for (const unit of policy.computeUnits) {
      const answer = await peers?.read(unit, id, { kind: 'evaluated' }).then(readSlots, ignore)
      if (answer !== undefined) return answer
    }
    return 0
  }

  async #indexOf(process: ProcessDescription, slot: Slot): Promise<number> {
    const frame = await findFrame(this.#parts.log, messagesFeed(process), slot)
    if (frame === undefined) throw new Failure('unknown-slot', { process: process.id, slot })
    return frame.index
  }
}

function certifiedIn({ frame, certificate, encoded }: CheckedFrame, slot: Slot): CertifiedResult {
  const position = slot - certificate.firstSlot
  const bytes = at(encoded, position)
  const tree = merkleLevels(concatBytes(...encoded.map(one => leafHash(resultHeadOf(one)))))
  const { certificateBytes, signatures } = frame
  const proof = {
    resultHead: resultHeadOf(bytes),
    resultPath: pathIn(tree, position),
    certificate,
    certificateBytes,
    signatures,
  }
  return { result: decodeResult(bytes), bytes, proof }
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index]
  if (found === undefined) throw new Failure('internal', { index })
  return found
}

const readSlots = (bytes: Uint8Array): Slot => decodeUnitReading('evaluated', bytes).slots
const ignore = (): undefined => undefined
