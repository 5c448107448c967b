import {
  type Attested,
  type CallOptions,
  type CertifiedResult,
  type Computer,
  concatBytes,
  Failure,
  type KeyId,
  type Lifecycle,
  leafHash,
  merkleLevels,
  pathIn,
  type ProcessDescription,
  type ProcessId,
  type Push,
  type PushProof,
  type QueryAnswer,
  type QueryMessage,
  type Result,
  type Slot,
  speaksAlone,
  type StateAnswer,
  type Timer,
  type UpgradeCheck,
  type UpgradeWish,
} from '../protocol/index.ts'
import type { Agreement } from './agreement.ts'
import { Among } from './among.ts'
import { Elsewhere } from './elsewhere.ts'
import { type AgreementParts, type OwnUnit, positionOf, type Way } from './parts.ts'
import { RemoteFrames } from './remote-frames.ts'
import { RemoteState } from './remote-state.ts'

/** One look ahead of a reader who follows, and the pause after one that failed. */
const FOLLOW_WAIT_MS = 20_000
const FOLLOW_AGAIN_MS = 1_000

export type AgreedComputerParts = Pick<
  AgreementParts,
  'key' | 'unit' | 'log' | 'clock' | 'peers' | 'evidence' | 'describe' | 'trouble'
> & {
  readonly agreement: Agreement
}

/**
 * What processes gave, as their own policies make it final, wherever their compute units are. Of what comes from
 * elsewhere, results are proven by certificates; answers about the state are given once enough units give the same.
 * Where this node's own word is enough, its own unit answers.
 */
export class AgreedComputer implements Computer {
  readonly #parts: AgreedComputerParts
  readonly #unit: OwnUnit
  readonly #frames: RemoteFrames | undefined

  constructor(parts: AgreedComputerParts) {
    this.#parts = parts
    this.#unit = parts.unit
    const { peers, clock, evidence, trouble } = parts
    this.#frames =
      peers &&
      new RemoteFrames({
        key: parts.unit.key,
        peers,
        clock,
        evidence,
        trouble: (process, failure) => trouble?.(process, failure),
      })
  }

  get key(): KeyId {
    return this.#unit.key
  }

  /** A process is in a new epoch. */
  moved(process: ProcessDescription): void {
    this.#frames?.forget(process.id)
  }

  async result(
    process: ProcessId,
    slot: Slot,
    options: CallOptions & { readonly early?: boolean | undefined } = {},
  ): Promise<Result> {
    const way = await this.#way(process)
    const isOwn = way === undefined || (options.early === true && way instanceof Among)
    return isOwn ? this.#unit.result(process, slot, options) : way.result(slot, options)
  }

  async attested(process: ProcessId, slot: Slot): Promise<Attested> {
    return (await this.#way(process))?.attested(slot) ?? this.#unit.attested(process, slot)
  }

  async certified(process: ProcessId, slot: Slot, options: CallOptions = {}): Promise<CertifiedResult> {
    return (await this.#way(process))?.certified(slot, options) ?? this.#unit.certified(process, slot, options)
  }

  async *results(process: ProcessId, from: Slot, to: Slot, options?: CallOptions): AsyncIterable<Result> {
    yield* (await this.#way(process))?.results(from, to, options) ?? this.#unit.results(process, from, to, options)
  }

  async *follow(process: ProcessId, from: Slot, options: CallOptions = {}): AsyncIterable<Result> {
    if ((await this.#way(process)) === undefined) return yield* this.#unit.follow(process, from, options)
    const { signal } = options
    for (let slot = from; signal?.aborted !== true; slot += 1) {
      const result = await this.#next(process, slot, signal)
      if (result === undefined) return
      yield result
    }
  }

  async evaluated(process: ProcessId): Promise<Slot> {
    return (await this.#way(process))?.evaluated() ?? this.#unit.evaluated(process)
  }

  attests(push: Push): boolean {
    return this.#unit.attests(push)
  }

  async proveOutbox(process: ProcessId, slot: Slot, indexes: readonly number[]): Promise<readonly PushProof[]> {
    const way = await this.#way(process)
    if (way === undefined) return this.#unit.proveOutbox(process, slot, indexes)
    if (indexes.length === 0) return []
    const { result, proof } = await way.certified(slot, { timeoutMs: 0 })
    const tree = merkleLevels(concatBytes(...result.outbox.map(push => leafHash(push.coreBytes))))
    return indexes.map(index => ({ ...proof, outboxPath: pathIn(tree, index) }))
  }

  query(
    process: ProcessId,
    message: QueryMessage,
    options: CallOptions & { at?: Slot | undefined } = {},
  ): Promise<QueryAnswer> {
    if (this.#isOwn(process)) return this.#unit.query(process, message, options)
    return this.#away(process).then(
      away => away?.query(message, options) ?? this.#unit.query(process, message, options),
    )
  }

  async state(process: ProcessId, slot?: Slot, options: CallOptions = {}): Promise<StateAnswer> {
    return (await this.#away(process))?.state(slot, options) ?? this.#unit.state(process, slot, options)
  }

  async lifecycle(process: ProcessId): Promise<Lifecycle> {
    return (await this.#away(process))?.lifecycle() ?? this.#unit.lifecycle(process)
  }

  async timers(process: ProcessId): Promise<readonly Timer[]> {
    return (await this.#away(process))?.timers() ?? this.#unit.timers(process)
  }

  async checkUpgrade(process: ProcessId, wish: UpgradeWish, options: CallOptions = {}): Promise<UpgradeCheck> {
    const away = await this.#away(process)
    return away?.checkUpgrade(wish, options) ?? this.#unit.checkUpgrade(process, wish, options)
  }

  async cell(process: ProcessId, key: Uint8Array): Promise<Uint8Array | undefined> {
    const away = await this.#away(process)
    return away === undefined ? this.#unit.cell(process, key) : away.cell(key)
  }

  /** Of processes that are evaluated here only: a memory is too large to be asked for k times. */
  async memory(process: ProcessId): Promise<{ slot: Slot; memory: Uint8Array }> {
    if ((await this.#away(process)) === undefined) return this.#unit.memory(process)
    throw new Failure('unreachable', { process }, { note: 'memory is told by its compute units alone' })
  }

  /** Goes on with what an earlier run left. */
  catchUp(process: ProcessId): void {
    this.#parts.describe(process).then(
      description => {
        if (description === undefined || positionOf(description, this.#parts.key) < 0) return
        this.#unit.catchUp(process)
        this.#parts.agreement.catchUp(description)
      },
      () => undefined,
    )
  }

  /** Whether this node is known to speak alone for a process, so that nothing has to be waited for. */
  #isOwn(id: ProcessId): boolean {
    const process = this.#parts.log.directory.processAtHand(id)
    return process !== undefined && speaksAlone(process.policy, this.#parts.key)
  }

  /** How results of a process are read; nothing if this node's own unit speaks for itself. */
  async #way(id: ProcessId): Promise<Way | undefined> {
    const { log, describe, agreement, peers } = this.#parts
    const process = log.directory.processAtHand(id) ?? (await describe(id))
    if (process === undefined) throw new Failure('unknown-process', { process: id })
    if (speaksAlone(process.policy, this.#parts.key)) return undefined
    if (positionOf(process, this.#parts.key) >= 0) {
      const among = await agreement.of(process)
      if (among.failure === undefined) return new Among(this.#parts, process, among)
    }
    // A node without others evaluates for itself what it schedules; nothing of it is final.
    if (this.#frames === undefined || peers === undefined) return undefined
    return new Elsewhere({ frames: this.#frames, peers, key: this.key }, process)
  }

  /** Who tells the state of a process; nothing if this node's own unit does. */
  async #away(id: ProcessId): Promise<RemoteState | undefined> {
    const { peers, clock, describe } = this.#parts
    if (peers === undefined || !((await this.#way(id)) instanceof Elsewhere)) return undefined
    const process = await describe(id)
    return process && new RemoteState({ peers, clock, key: this.key }, process)
  }

  /** The result of a slot, whenever it comes; nothing once the reader has gone. */
  async #next(process: ProcessId, slot: Slot, signal: AbortSignal | undefined): Promise<Result | undefined> {
    const hasGone = (): boolean => signal?.aborted === true
    while (!hasGone()) {
      try {
        return await this.result(process, slot, { signal, timeoutMs: FOLLOW_WAIT_MS })
      } catch (error) {
        if (hasGone()) return undefined
        if (Failure.is(error, 'unknown-slot')) await this.#growth(process, slot, signal)
        else if (!Failure.is(error) || error.blame !== 'transient') throw error
        else if (!Failure.is(error, 'timeout')) await this.#pause(signal)
      }
    }
    return undefined
  }

  /** Waits until the own unit has evaluated `slot`. */
  async #growth(process: ProcessId, slot: Slot, signal: AbortSignal | undefined): Promise<void> {
    for await (const _ of this.#unit.follow(process, slot, { signal })) return
  }

  #pause(signal: AbortSignal | undefined): Promise<void> {
    return this.#parts.clock.sleep(FOLLOW_AGAIN_MS, { signal, for: 'wait' }).catch(() => undefined)
  }
}
