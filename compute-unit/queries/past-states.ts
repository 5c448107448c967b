import {
  asProcessId,
  type CallOptions,
  type Clock,
  decodeFrame,
  encodeFrame,
  equalBytes,
  Failure,
  type Log,
  messagesFeed,
  PAST_STATES_MAX,
  type ProcessId,
  QUERY_WALL_MAX_MS,
  readFrameHead,
  type Slot,
  toBase64Url,
  waitFor,
} from '../../protocol/index.ts'
import type { Checkpoints } from '../kept/checkpoints.ts'
import type { FrameOutcome } from '../evaluation/index.ts'
import { damaged } from '../hosts/faults.ts'
import type { Follower } from '../following/follower.ts'
import type { HostSeat } from '../hosts/host-pool.ts'
import { loadModules, modulesNamedIn, modulesOf } from '../kept/named-modules.ts'
import { type VerdictParts, verdictsOn } from '../following/verdicts.ts'

/** A copy of a process at a slot, in the query host; whoever holds it has it alone. */
export interface Copy {
  /** By this the host knows it. */
  readonly key: ProcessId
  readonly process: ProcessId
  /** Slots it has seen. */
  slots: Slot
  /** The block in which the next slot stands. */
  block: number
  readonly generation: number
  /** What it costs the host, roughly. */
  sizeBytes: number
}

export interface PastOptions extends CallOptions {
  /** What is done to the copy leaves it changed: it is thrown away. */
  readonly isSpent?: boolean
}

export interface PastStatesParts {
  readonly seat: HostSeat
  readonly log: Log
  /** Where senders of pushes are looked up. */
  readonly senders: VerdictParts
  readonly checkpoints: Checkpoints
  readonly clock: Clock
}

/** Copies kept for whoever asks next: stepping through slots one by one goes on from the last. */
const KEPT_MAX = 8
const KEPT_MAX_BYTES = 256 * 1024 * 1024

/**
 * States of processes at slots that have passed, in the query host: the nearest checkpoint before the slot, or a copy
 * that is there already, and what stands between evaluated again. Frames go to the host one by one, so the longest way
 * holds up nobody; a wait that ends on the way leaves the copy where it was, and whoever asks again goes on from there.
 */
export class PastStates {
  readonly #seat: HostSeat
  readonly #log: Log
  readonly #senders: VerdictParts
  readonly #checkpoints: Checkpoints
  readonly #clock: Clock
  readonly #kept: Copy[] = []
  #active = 0
  #opened = 0

  constructor(parts: PastStatesParts) {
    this.#seat = parts.seat
    this.#log = parts.log
    this.#senders = parts.senders
    this.#checkpoints = parts.checkpoints
    this.#clock = parts.clock
  }

  /**
   * Gives a copy that has seen slot `slot` and nothing after it.
   * @throws {Failure} `unknown-slot`, `busy`, `timeout` with how far it came, `aborted`, `host-fault`
   */
  async at<T>(follower: Follower, slot: Slot, use: (copy: Copy) => Promise<T>, options: PastOptions = {}): Promise<T> {
    const { id } = follower.process
    if (slot >= follower.scheduled)
      throw new Failure('unknown-slot', { process: id, slot, scheduled: follower.scheduled })
    if (this.#active >= PAST_STATES_MAX) throw new Failure('busy', { pastStates: this.#active })
    this.#active += 1
    using _follower = follower.hold()
    using _seat = this.#seat.hold()
    try {
      const limits = { ...options, timeoutMs: options.timeoutMs ?? QUERY_WALL_MAX_MS }
      if (slot >= follower.evaluated) await waitFor(follower.reached(slot), this.#clock, limits)
      const copy = this.#take(id, slot) ?? (await this.#open(follower, slot))
      let isWhole = false
      let isLost = false
      try {
        await this.advance(follower, copy, slot, limits)
        isWhole = true
        return await use(copy)
      } catch (error) {
        isLost = Failure.is(error, 'host-fault')
        throw error
      } finally {
        if (isLost || (isWhole && options.isSpent === true)) await this.#drop(copy)
        else await this.#keep(copy)
      }
    } finally {
      this.#active -= 1
    }
  }

  /** Has a copy see what stands after it, up to `slot`. @throws {Failure} `timeout`, `aborted`, `host-fault` */
  async advance(
    follower: Follower,
    copy: Copy,
    slot: Slot,
    { signal, timeoutMs = QUERY_WALL_MAX_MS }: CallOptions,
    each?: (outcome: FrameOutcome) => void,
  ): Promise<void> {
    const deadlineMs = this.#clock.elapsed() + timeoutMs
    const feed = messagesFeed(follower.process)
    while (copy.slots <= slot) {
      if (signal?.aborted === true) throw new Failure('aborted', {}, { cause: signal.reason })
      if (this.#clock.elapsed() > deadlineMs) throw new Failure('timeout', { timeoutMs, reached: copy.slots, slot })
      const frame = await this.#log.block(feed, copy.block)
      if (frame === undefined) throw new Failure('unknown-slot', { process: copy.process, slot: copy.slots })
      const { firstSlot, count } = readFrameHead(frame)
      const end = Math.min(firstSlot + count, slot + 1)
      const { outcome, sizeBytes } = await this.#evaluate(follower, copy, cutFrame(frame, copy.slots, end))
      copy.slots = end
      copy.sizeBytes = sizeBytes
      if (end === firstSlot + count) copy.block += 1
      each?.(outcome)
    }
  }

  async #evaluate(
    follower: Follower,
    copy: Copy,
    frame: Uint8Array,
  ): Promise<{ outcome: FrameOutcome; sizeBytes: number }> {
    const { process } = follower
    using _modules = await loadModules(this.#seat, modulesNamedIn(frame, process), modulesOf(this.#log.directory))
    const verdicts = await verdictsOn(process, copy.block, frame, follower.trusted, this.#senders)
    const { key } = copy
    const answer = await this.#seat.ask({
      kind: 'evaluate',
      process: key,
      frame,
      verdicts,
      steps: false,
    })
    if (answer.kind !== 'evaluated') throw new Failure('host-fault', { answer: answer.kind })
    return answer
  }

  /** What there is of a process is of a feed that no longer is. */
  forget(process: ProcessId): void {
    for (const copy of this.#kept.filter(one => one.process === process)) {
      this.#kept.splice(this.#kept.indexOf(copy), 1)
      void this.#drop(copy)
    }
  }

  /** The newest copy at hand that has not seen too much. */
  #take(process: ProcessId, slot: Slot): Copy | undefined {
    let best: Copy | undefined
    for (const copy of this.#kept) {
      const fits = copy.process === process && copy.slots <= slot + 1 && this.#isThere(copy)
      if (fits && copy.slots > (best?.slots ?? 0)) best = copy
    }
    if (best !== undefined) this.#kept.splice(this.#kept.indexOf(best), 1)
    return best
  }

  #isThere({ generation }: Copy): boolean {
    return generation === this.#seat.generation
  }

  async #open(follower: Follower, slot: Slot): Promise<Copy> {
    const { id: process, module: spawned } = follower.process
    const spawn = await this.#log.directory.spawnEnvelope(process)
    if (spawn === undefined) throw new Failure('unknown-process', { process })
    const find = modulesOf(this.#log.directory)
    const key = this.#nextKey()
    for (const head of (await this.#checkpoints.list(process)).reverse()) {
      if (head.slots > slot + 1) continue
      const snapshot = await this.#checkpoints.read(process, head.slots)
      using _module = await loadModules(this.#seat, [head.module], find)
      const { generation } = this.#seat
      const answer = await this.#seat
        .ask({ kind: 'open', process: key, module: head.module, spawn, snapshot })
        .catch(damaged)
      if (answer?.kind !== 'opened' || !equalBytes(answer.stateRoot, head.stateRoot)) continue
      const { sizeBytes } = answer
      return { key, process, slots: head.slots, block: head.blocks, generation, sizeBytes }
    }
    using _own = await loadModules(this.#seat, [spawned], find)
    const { generation } = this.#seat
    await this.#seat.ask({
      kind: 'open',
      process: key,
      module: spawned,
      spawn,
      snapshot: undefined,
    })
    return { key, process, slots: 0, block: 0, generation, sizeBytes: 0 }
  }

  /** A number: ids of processes are hashes, so it is nobody's. */
  #nextKey(): ProcessId {
    const bytes = new Uint8Array(32)
    new DataView(bytes.buffer).setUint32(0, ++this.#opened)
    return asProcessId(toBase64Url(bytes))
  }

  async #keep(copy: Copy): Promise<void> {
    if (!this.#isThere(copy)) return
    this.#kept.push(copy)
    let bytes = this.#kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    while (this.#kept.length > KEPT_MAX || bytes > KEPT_MAX_BYTES) {
      const oldest = this.#kept.shift()
      if (oldest === undefined) return
      bytes -= oldest.sizeBytes
      await this.#drop(oldest)
    }
  }

  async #drop(copy: Copy): Promise<void> {
    if (!this.#isThere(copy)) return
    await this.#seat.ask({ kind: 'close', process: copy.key }).catch(() => undefined)
  }
}

/** The part of a frame with slots [from, to), as a frame of its own. */
function cutFrame(bytes: Uint8Array, from: Slot, to: Slot): Uint8Array {
  const { firstSlot, count } = readFrameHead(bytes)
  if (from === firstSlot && to === firstSlot + count) return bytes
  const assignments = decodeFrame(bytes).assignments.slice(from - firstSlot, to - firstSlot)
  return encodeFrame(from, assignments)
}
