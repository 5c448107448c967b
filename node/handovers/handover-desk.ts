import {
  type Clock,
  decodeFrame,
  epochHash,
  Failure,
  type FeedPlace,
  type FeedSpec,
  FeedTree,
  HANDOVER_HOLD_MAX_MS,
  type HeadWatch,
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
  readHoldItem,
  refuteOwner,
  treeAt,
} from '../../protocol/index.ts'
import type { SchedulerUnit } from '../../scheduler-unit/index.ts'
import { type Handovers, isSame, readItem } from './handovers.ts'

/** What one scheduler may take to say where its feed ends: one that is gone must not hold up its owner. */
const HOLD_WAIT_MS = 5_000

export interface HandoverDeskParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Pick<Clock, 'now'>
  readonly scheduler: Pick<SchedulerUnit, 'hold'>
  readonly handovers: Pick<Handovers, 'ownerOf' | 'itemsOf' | 'take' | 'look'>
  readonly describe: (process: ProcessId) => Promise<ProcessDescription | undefined>
  readonly watch?: HeadWatch | undefined
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

  /**
   * Takes a record; see `Handovers.take`. One that its owner signed without knowing of another, which only other nodes have heard of,
   * goes no further: the owner means well. @throws {Failure} `bad-epoch`
   */
  async take(item: Uint8Array): ReturnType<Handovers['take']> {
    const { handovers } = this.#parts
    const { record } = readItem(item)
    if (this.itemsOf(record.process).length < record.epoch && (await handovers.look(record.process))) {
      const held = this.itemsOf(record.process)[record.epoch - 1]
      const reason = 'it was handed over through another node meanwhile'
      if (held !== undefined && !isSame(held, record))
        throw new Failure('bad-epoch', { process: record.process, epoch: record.epoch, reason })
    }
    return handovers.take(item)
  }

  itemsOf(process: ProcessId): readonly Uint8Array[] {
    return this.#parts.handovers.itemsOf(process)
  }

  /** Takes nothing more as a scheduler of the process, for as long as its owner says; where the feed ends. Nothing, if it is none. */
  async hold(bytes: Uint8Array): Promise<FeedPlace | undefined> {
    const { process, untilMs } = await this.#ordered(bytes)
    const { key, scheduler } = this.#parts
    if (!process.policy.schedulers.includes(key)) return undefined
    const isStill = await scheduler.hold(process.id, untilMs)
    if (!isStill)
      throw new Failure('busy', { process: process.id }, { note: 'something that it voted for has not settled' })
    return this.#placeOf(process)
  }

  /** Has all schedulers of the process take nothing more, as far as they can be reached, and tells with what the next epoch may begin. */
  async prepare(bytes: Uint8Array): Promise<HandoverStand> {
    // Another node may have heard of a handover that this one has not.
    await this.#parts.handovers.look(readOrder(bytes).hold.process)
    const { process } = await this.#ordered(bytes)
    const { schedulers, schedulerQuorum } = process.policy
    const answers = await Promise.all(schedulers.map(key => this.#holdAt(key, bytes)))
    const places = answers.filter(place => place !== undefined)
    // With as many of them still, no quorum can be had for anything more; but what they have must be here, too.
    const isHeld = places.length > schedulers.length - schedulerQuorum
    const acknowledged = Math.max(0, ...places.map(({ length }) => length))
    await this.#takeOver(process, acknowledged)
    const place = await this.#placeOf(process)
    if (place === undefined)
      throw new Failure('unreachable', { process: process.id }, { note: 'nobody in reach has blocks of its feed' })
    const last = this.itemsOf(process.id).at(-1)
    const previous = last === undefined ? NO_EPOCH : epochHash(readEpochItem(last).record)
    return {
      process: process.id,
      epoch: process.epoch,
      blocks: place.length,
      slots: place.slots,
      hash: place.hash,
      previous,
      held: isHeld && place.length >= acknowledged,
    }
  }

  async #ordered(bytes: Uint8Array): Promise<{ readonly process: ProcessDescription; readonly untilMs: number }> {
    const { describe, handovers, clock } = this.#parts
    const { item, hold } = readOrder(bytes)
    const process = await describe(hold.process)
    if (process === undefined) throw new Failure('unknown-process', { process: hold.process })
    const reason =
      hold.epoch === process.epoch
        ? refuteOwner(item, await handovers.ownerOf(process))
        : `the process is in epoch ${process.epoch}`
    if (reason !== undefined) throw new Failure('bad-epoch', { process: process.id, epoch: hold.epoch, reason })
    const nowMs = clock.now()
    const isInTime = hold.untilMs > nowMs && hold.untilMs <= nowMs + HANDOVER_HOLD_MAX_MS
    if (!isInTime)
      throw new Failure(
        'bad-epoch',
        { process: process.id, untilMs: hold.untilMs, nowMs },
        { note: 'the time of the order is over, or too far away' },
      )
    return { process, untilMs: hold.untilMs }
  }

  async #holdAt(scheduler: KeyId, bytes: Uint8Array): Promise<FeedPlace | undefined> {
    const { key, peers } = this.#parts
    if (scheduler === key) return this.hold(bytes).catch(() => undefined)
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
    const { log, peers, watch } = this.#parts
    const feed = messagesFeed(process)
    for (;;) {
      const before = await log.length(feed)
      const piece = await peers?.frames(source, process.id, before, { timeoutMs: HOLD_WAIT_MS })
      if (piece === undefined) return
      const answer = await log.take(feed, piece)
      if (answer.status === 'conflict') watch?.conflict(answer.conflict, source)
      if (answer.length <= before) return
    }
  }

  /** Where the feed ends as far as it is held here, without what is no frame at its end. */
  async #placeOf(process: ProcessDescription): Promise<FeedPlace | undefined> {
    const { log } = this.#parts
    const feed = messagesFeed(process)
    let length = await log.length(feed)
    let slots: number | undefined
    while (length > 0 && slots === undefined) {
      const before = length === 1 ? 0 : slotsBehind(await log.block(feed, length - 2))
      slots = before === undefined ? undefined : slotsBehind(await log.block(feed, length - 1), before)
      if (slots === undefined) length -= 1
    }
    const hash = slots === undefined ? undefined : await this.#hashOf(feed, length)
    return slots === undefined || hash === undefined ? undefined : { length, slots, hash }
  }

  async #hashOf(feed: FeedSpec, length: number): Promise<Uint8Array | undefined> {
    const { log } = this.#parts
    const prefix = await log.prefix(feed, length)
    if (prefix !== undefined) return FeedTree.from(prefix.roots).hash()
    // Trees are read from disk.
    await log.sync()
    return (await treeAt(log.trees, feed, length))?.hash()
  }
}

/** The slot behind a block's last; nothing, if it is no frame, or does not begin with `first`. */
function slotsBehind(block: Uint8Array | undefined, first?: number): number | undefined {
  if (block === undefined) return undefined
  try {
    const { firstSlot, assignments } = decodeFrame(block)
    return first === undefined || first === firstSlot ? firstSlot + assignments.length : undefined
  } catch (error) {
    if (!(error instanceof MalformedBytes)) throw error
    return undefined
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
