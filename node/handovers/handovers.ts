/**
 * Who schedules processes that were handed over, as far as this node knows.
 *
 * 1. A record counts if the owner of the process signed it and it goes on from the one before; nobody who brings it is believed.
 * 2. It is on disk before anything follows from it, and what follows can be done again: after a crash it is done at the start.
 * 3. What is new goes to all peers but the one that brought it; they take it if they have the process, or if it names them. Who is
 *    behind is told, or asks, when heads are compared, when a scheduler says `moved` or is not reached, and when a process is met for
 *    the first time.
 * 4. Two records of one epoch that differ, both signed by the owner, are the owner's fault: the process stands still for good.
 */
import {
  type Clock,
  EPOCHS_LEARNED_AT_ONCE_MAX,
  equalBytes,
  epochHash,
  type EpochRecord,
  Failure,
  type KeyId,
  type Log,
  MalformedBytes,
  NO_EPOCH,
  type ProcessDescription,
  type ProcessId,
  readEpochItem,
  refuteEpoch,
  refuteOwner,
  type SignedEpoch,
  verifyDataItem,
} from '../../protocol/index.ts'
import { EpochEffects, type MovingUnits } from './epoch-effects.ts'
import { EpochNews, type EpochPeers } from './epoch-news.ts'
import { OwnerConflicts } from './owner-conflicts.ts'
import { ProcessTurns } from '../following/process-turns.ts'

export interface HandoversParts {
  /** This node's own. */
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  /** A process, wherever it lives. */
  readonly describe: (process: ProcessId) => Promise<ProcessDescription | undefined>
  readonly peers: EpochPeers | undefined
  readonly trouble: (what: string, failure: Failure) => void
}

export class Handovers {
  readonly #parts: HandoversParts
  readonly #turns = new ProcessTurns()
  readonly #news: EpochNews
  readonly #conflicts: OwnerConflicts
  #effects: EpochEffects | undefined
  /** Processes that peers told of and that nobody knew here, and which are being learned. */
  #learning = 0
  /** Told of a process that is in a new epoch, once the units are. */
  moved: ((process: ProcessDescription) => void) | undefined

  constructor(parts: HandoversParts) {
    this.#parts = parts
    this.#conflicts = new OwnerConflicts(parts.log)
    const itemsOf = (process: ProcessId): readonly Uint8Array[] => this.allOf(process)
    this.#news = new EpochNews({ ...parts, itemsOf, take: async (item, from) => (await this.take(item, from)).isNew })
  }

  /** Does again what may have been left undone when this node was last up; call before the units evaluate or schedule. */
  async begin(units: MovingUnits): Promise<void> {
    const { log, trouble } = this.#parts
    const effects = new EpochEffects({
      ...this.#parts,
      turns: this.#turns,
      units,
      moved: process => this.moved?.(process),
    })
    this.#effects = effects
    for (const id of log.directory.handedOver) {
      const process = await log.directory.process(id)
      if (process !== undefined) await effects.follow(process)
    }
    // The log has forgotten why it was frozen.
    for await (const item of this.#conflicts.kept()) {
      await this.take(item).catch(error => {
        if (!Failure.is(error, 'owner-equivocated')) trouble('epochs', Failure.from(error))
      })
    }
  }

  /**
   * Takes a record that somebody brought: checks it, keeps it, acts upon it, hands it on.
   * @throws {Failure} `bad-epoch`, `unknown-process`, `owner-equivocated`
   */
  async take(
    bytes: Uint8Array,
    from?: KeyId,
  ): Promise<{ readonly process: ProcessId; readonly epoch: number; readonly isNew: boolean }> {
    const signed = readItem(bytes)
    const { process, epoch } = signed.record
    const isNew = await this.#turns.take(process, () => this.#take(signed, from))
    return { process, epoch, isNew }
  }

  /**
   * Takes a record that a peer tells of unasked, if it concerns this node: processes and records cost nothing to make.
   * @throws {Failure} as `take`; `busy`, if too many such processes are being learned
   */
  async told(bytes: Uint8Array, from: KeyId): Promise<void> {
    const { log, key } = this.#parts
    const { record, item } = readItem(bytes)
    const { process, policy } = record
    if ((await log.directory.process(process)) !== undefined) return void (await this.take(bytes, from))
    const isNamed = policy.schedulers.includes(key) || policy.computeUnits.includes(key)
    if (!isNamed) throw new Failure('unknown-process', { process })
    if (!verifyDataItem(item)) throw new Failure('bad-epoch', { process, reason: 'its signature does not hold' })
    if (this.#learning >= EPOCHS_LEARNED_AT_ONCE_MAX) throw new Failure('busy', { process })
    this.#learning += 1
    try {
      await this.take(bytes, from)
    } finally {
      this.#learning -= 1
    }
  }

  /** All records of a process, for whoever asks. */
  itemsOf(process: ProcessId): readonly Uint8Array[] {
    return this.#parts.log.directory.epochItems(process)
  }

  /** The same, and behind them what its owner signed against one of them. */
  allOf(process: ProcessId): readonly Uint8Array[] {
    const conflict = this.#conflicts.itemOf(process)
    return conflict === undefined ? this.itemsOf(process) : [...this.itemsOf(process), conflict]
  }

  /** The address of whoever may hand a process over: who signed the spawn message of its eldest ancestor. @throws {Failure} `unknown-process` */
  async ownerOf(process: ProcessDescription): Promise<string> {
    let eldest = process
    while (eldest.parent !== undefined) {
      const parent = await this.#parts.describe(eldest.parent)
      if (parent === undefined) throw new Failure('unknown-process', { process: eldest.parent })
      eldest = parent
    }
    return eldest.owner
  }

  /** See `EpochNews`. */
  look(process: ProcessId): Promise<boolean> {
    return this.#news.look(process)
  }

  /** See `EpochNews`. */
  confirm(process: ProcessId): Promise<void> {
    return this.#news.confirm(process)
  }

  /** A peer takes a process to be in epoch `there`: if that is another, whoever is behind is told; and all are of what speaks against its owner. */
  met(process: ProcessId, here: number, there: number, peer: KeyId): void {
    if (there > here) this.#news.ask(process, peer)
    else if (there < here || this.#conflicts.itemOf(process) !== undefined) this.#news.tell(process, peer, there)
  }

  async #take(signed: SignedEpoch, from: KeyId | undefined): Promise<boolean> {
    const { log, describe } = this.#parts
    const effects = this.#effects
    if (effects === undefined) throw new Failure('busy', {}, { note: 'the node is just starting' })
    const { record, item } = signed
    const process = await describe(record.process)
    if (process === undefined) throw new Failure('unknown-process', { process: record.process })
    const owner = await this.ownerOf(process)
    const items = this.itemsOf(process.id)
    if (record.epoch <= process.epoch) {
      const held = items[record.epoch - 1]
      if (held !== undefined && !isSame(held, record)) this.#refuseTwo(process, held, signed, owner)
      return false
    }
    const last = items.at(-1)
    const reason = refuteEpoch(signed, process, {
      owner,
      last: last === undefined ? NO_EPOCH : epochHash(readEpochItem(last).record),
    })
    if (reason !== undefined) throw new Failure('bad-epoch', { process: process.id, epoch: record.epoch, reason })
    await effects.units.hold(process.id)
    try {
      await log.directory.addEpoch(process.id, item.bytes)
    } catch (error) {
      effects.units.release(process.id)
      throw error
    }
    const now = await log.directory.process(process.id)
    if (now !== undefined) await effects.follow(now)
    // Who is not told goes on as if nothing was.
    await this.#news.share(item.bytes, from, [...record.policy.schedulers, ...process.policy.schedulers])
    return true
  }

  /** Nothing of two records of one epoch counts, if the owner signed both. @throws {Failure} in any case */
  #refuseTwo(process: ProcessDescription, held: Uint8Array, { item, record }: SignedEpoch, owner: string): never {
    const reason = refuteOwner(item, owner)
    if (reason !== undefined) throw new Failure('bad-epoch', { process: process.id, epoch: record.epoch, reason })
    const { failure, isNew } = this.#conflicts.add(process, held, item.bytes)
    if (isNew) {
      this.#parts.trouble('epochs', failure)
      void this.#news.share(item.bytes, undefined, [])
    }
    throw failure
  }
}

export function isSame(held: Uint8Array, record: EpochRecord): boolean {
  return equalBytes(epochHash(readEpochItem(held).record), epochHash(record))
}

/** @throws {Failure} `bad-epoch` */
export function readItem(bytes: Uint8Array): SignedEpoch {
  try {
    return readEpochItem(bytes)
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    throw new Failure('bad-epoch', {}, { cause: error, note: error.message })
  }
}
