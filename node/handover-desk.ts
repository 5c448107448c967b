import {
  type Clock,
  epochHash,
  Failure,
  type FeedPlace,
  FeedTree,
  HANDOVER_HOLD_MAX_MS,
  type HandoverStand,
  type KeyId,
  type Log,
  MalformedBytes,
  messagesFeed,
  NO_EPOCH,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  readEpochItem,
  readFrameHead,
  readHoldItem,
  refuteOwner,
} from '../protocol/index.ts'
import type { SchedulerUnit } from '../scheduler-unit/index.ts'
import type { Handovers } from './handovers.ts'

/** What one scheduler may take to say where its feed ends: one that is gone must not hold up its owner. */
const HOLD_WAIT_MS = 5_000

export interface HandoverDeskParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Pick<Clock, 'now'>
  readonly scheduler: Pick<SchedulerUnit, 'hold'>
  readonly handovers: Pick<Handovers, 'ownerOf' | 'itemsOf' | 'take'>
  readonly describe: (process: ProcessId) => Promise<ProcessDescription | undefined>
  /** Other nodes, if it knows any. */
  readonly peers:
    | (Pick<Peers, 'frames'> & {
        readonly connected: readonly KeyId[]
        hold(to: KeyId, item: Uint8Array, options: { readonly timeoutMs: number }): Promise<FeedPlace | undefined>
      })
    | undefined
}

/**
 * What a node does for an owner who hands a process over: it has the schedulers take nothing more, finds where the feed ends, and takes
 * all of it over, so that whoever schedules the process next can have it from here.
 */
export class HandoverDesk {
  readonly #parts: HandoverDeskParts

  constructor(parts: HandoverDeskParts) {
    this.#parts = parts
  }

  /** Takes a record; see `Handovers.take`. */
  take(item: Uint8Array): ReturnType<Handovers['take']> {
    return this.#parts.handovers.take(item)
  }

  itemsOf(process: ProcessId): readonly Uint8Array[] {
    return this.#parts.handovers.itemsOf(process)
  }

  /** Takes nothing more as a scheduler of the process, for as long as its owner says; where the feed ends. Nothing, if it is none. */
  async hold(bytes: Uint8Array): Promise<FeedPlace | undefined> {
    const { process, untilMs } = await this.#ordered(bytes)
    const { key, scheduler } = this.#parts
    if (!process.policy.schedulers.includes(key)) return undefined
    await scheduler.hold(process.id, untilMs)
    return this.#placeOf(process)
  }

  /** Has all schedulers of the process take nothing more, as far as they can be reached, and tells with what the next epoch may begin. */
  async prepare(bytes: Uint8Array): Promise<HandoverStand> {
    const { process } = await this.#ordered(bytes)
    const { schedulers, schedulerQuorum } = process.policy
    const answers = await Promise.all(schedulers.map(key => this.#holdAt(key, bytes)))
    const places = answers.filter(place => place !== undefined)
    // With as many of them still, no quorum can be had for anything more.
    const isHeld = places.length > schedulers.length - schedulerQuorum
    await this.#takeOver(process, Math.max(0, ...places.map(({ length }) => length)))
    const place = await this.#placeOf(process)
    if (place === undefined) throw new Failure('unreachable', { process: process.id }, { note: 'nobody in reach has blocks of its feed' })
    const last = this.itemsOf(process.id).at(-1)
    const previous = last === undefined ? NO_EPOCH : epochHash(readEpochItem(last).record)
    return { process: process.id, epoch: process.epoch, blocks: place.length, slots: place.slots, hash: place.hash, previous, held: isHeld }
  }

  async #ordered(bytes: Uint8Array): Promise<{ readonly process: ProcessDescription; readonly untilMs: number }> {
    const { describe, handovers, clock } = this.#parts
    const { item, hold } = readOrder(bytes)
    const process = await describe(hold.process)
    if (process === undefined) throw new Failure('unknown-process', { process: hold.process })
    const reason = hold.epoch === process.epoch ? refuteOwner(item, await handovers.ownerOf(process)) : `the process is in epoch ${process.epoch}`
    if (reason !== undefined) throw new Failure('bad-epoch', { process: process.id, epoch: hold.epoch, reason })
    const nowMs = clock.now()
    const isInTime = hold.untilMs > nowMs && hold.untilMs <= nowMs + HANDOVER_HOLD_MAX_MS
    if (!isInTime) throw new Failure('bad-epoch', { process: process.id, untilMs: hold.untilMs, nowMs }, { note: 'the time of the order is over, or too far away' })
    return { process, untilMs: hold.untilMs }
  }

  async #holdAt(scheduler: KeyId, bytes: Uint8Array): Promise<FeedPlace | undefined> {
    const { key, peers } = this.#parts
    if (scheduler === key) return this.hold(bytes)
    return peers?.hold(scheduler, bytes, { timeoutMs: HOLD_WAIT_MS }).catch(() => undefined)
  }

  /** Takes over what is held anywhere in reach: from the schedulers, then from whoever has more. */
  async #takeOver(process: ProcessDescription, wanted: number): Promise<void> {
    const { key, log, peers } = this.#parts
    const feed = messagesFeed(process)
    const { schedulers, computeUnits } = process.policy
    if (peers === undefined || (schedulers.includes(key) && schedulers.length === 1)) return
    const sources = new Set([...schedulers, ...computeUnits, ...peers.connected])
    sources.delete(key)
    for (const source of sources) {
      if (wanted > 0 && (await log.length(feed)) >= wanted) return
      await this.#takeFrom(source, process).catch(() => undefined)
    }
  }

  async #takeFrom(source: KeyId, process: ProcessDescription): Promise<void> {
    const { log, peers } = this.#parts
    const feed = messagesFeed(process)
    for (;;) {
      const before = await log.length(feed)
      const piece = await peers?.frames(source, process.id, before, { timeoutMs: HOLD_WAIT_MS })
      if (piece === undefined) return
      const { length } = await log.take(feed, piece)
      if (length <= before) return
    }
  }

  /** Where the feed ends as far as it is held here. */
  async #placeOf(process: ProcessDescription): Promise<FeedPlace | undefined> {
    const { log } = this.#parts
    const feed = messagesFeed(process)
    const length = await log.length(feed)
    const last = length === 0 ? undefined : await log.block(feed, length - 1)
    const prefix = last && (await log.prefix(feed, length))
    if (last === undefined || prefix === undefined) return undefined
    const { firstSlot, count } = readFrameHead(last)
    return { length, slots: firstSlot + count, hash: FeedTree.from(prefix.roots).hash() }
  }
}

/** @throws {Failure} `bad-epoch` */
function readOrder(bytes: Uint8Array): ReturnType<typeof readHoldItem> {
  try {
    return readHoldItem(bytes)
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    throw new Failure('bad-epoch', {}, { cause: error, note: error.message })
  }
}
