import {
  CborReader,
  type Clock,
  concatBytes,
  type ProcessId,
  type Slot,
  type Store,
  type StoreChange,
} from '../../protocol/index.ts'
import { FrameResults } from './frame-results.ts'
import { bigEndian64, lastNumber, rangeOf, storeKey } from './keys.ts'

/** Frames, and bytes of their results, that are worth a key of their own. */
const WORTH_FRAMES = 16
const WORTH_BYTES = 32 * 1024
/** Runs of frames that one look gives, if those behind the first are wanted, too. */
const AHEAD_RUNS = 8
/** What gathers goes to the store when it is so much, and no later than this. */
const GATHERED_MAX_BYTES = 8 * 1024 * 1024
const LINGER_MS = 500
/** What a frame costs in memory besides the bytes of its results. */
const FRAME_OVERHEAD_BYTES = 512

/** Results of consecutive frames, oldest first. */
interface Run {
  readonly frames: FrameResults[]
  /** Slot behind the last. */
  end: Slot
  bytes: number
}

/**
 * Results lie beside the certificates, those of several frames together: writing one costs as much as writing all. Under the
 * first slot stand the frames one behind the other, as hosts give them. They can be made again, from the last checkpoint
 * on, so they are a cache: but before a checkpoint is written, what stands behind it must be `flush`ed.
 */
export class ResultStore implements Disposable {
  readonly #store: Store
  /** What is not in the store yet. */
  readonly #runs = new Map<ProcessId, Run>()
  #bytes = 0
  readonly #clock: Pick<Clock, 'sleep'>
  #lingering: AbortController | undefined
  #closed = false

  constructor(store: Store, clock: Pick<Clock, 'sleep'>) {
    this.#store = store
    this.#clock = clock
  }

  write(process: ProcessId, results: FrameResults): void {
    const { firstSlot, count, bytes } = results
    // A replay begins elsewhere.
    if (this.#runs.get(process)?.end !== firstSlot) this.flush(process)
    let run = this.#runs.get(process)
    if (run === undefined) this.#runs.set(process, (run = { frames: [], end: firstSlot, bytes: 0 }))
    run.frames.push(results)
    run.end = firstSlot + count
    run.bytes += bytes.length
    this.#bytes += bytes.length + FRAME_OVERHEAD_BYTES
    if (this.#closed || run.frames.length >= WORTH_FRAMES || run.bytes >= WORTH_BYTES) this.flush(process)
    else if (this.#bytes > GATHERED_MAX_BYTES) this.#flushAll()
    else if (this.#lingering === undefined) void this.#linger()
  }

  async #linger(): Promise<void> {
    const lingering = new AbortController()
    this.#lingering = lingering
    await this.#clock.sleep(LINGER_MS, { signal: lingering.signal, for: 'upkeep' }).catch(() => undefined)
    if (this.#lingering === lingering) this.#flushAll()
  }

  /** Gives the store what there is of a process. */
  flush(process: ProcessId): void {
    const run = this.#runs.get(process)
    if (run === undefined) return
    this.#runs.delete(process)
    this.#bytes -= run.bytes + run.frames.length * FRAME_OVERHEAD_BYTES
    this.#store.write(changeOf(process, run.frames))
  }

  /** Forgets the frames that begin at `slot` or later. */
  async dropFrom(process: ProcessId, slot: Slot): Promise<void> {
    this.flush(process)
    const dropped: StoreChange[] = []
    for await (const { key } of this.#store.range(keysFrom(process, slot))) dropped.push({ key, value: undefined })
    for await (const frames of this.#runsBefore(process, slot, WORTH_FRAMES)) {
      const left = frames.filter(({ firstSlot }) => firstSlot < slot)
      if (left.length < frames.length) dropped.push(...changeOf(process, left))
    }
    if (dropped.length > 0) this.#store.write(dropped)
  }

  /** The results of the frame that holds `slot`. */
  async frameOf(process: ProcessId, slot: Slot): Promise<FrameResults | undefined> {
    return (await this.#runWith(process, slot))[0]
  }

  /** The frame that holds `slot`, and some of those right behind it that begin before `end`: a look for each would cost more than they do. */
  async framesFrom(process: ProcessId, slot: Slot, end: Slot): Promise<readonly FrameResults[]> {
    const frames = [...(await this.#runWith(process, slot))]
    let next = endOf(frames)
    if (frames.length === 0 || next >= end) return frames
    const [gte, lt] = [next, end].map(one => storeKey('results', process, bigEndian64(one))) as [Uint8Array, Uint8Array]
    for await (const { key, value } of this.#store.range({ gte, lt, limit: AHEAD_RUNS })) {
      const firstSlot = lastNumber(key)
      if (firstSlot > next) break
      if (firstSlot === next) frames.push(...framesIn(firstSlot, value))
      next = endOf(frames)
    }
    return frames
  }

  /** The frame that holds `slot`, and those behind it in the same run. */
  async #runWith(process: ProcessId, slot: Slot): Promise<readonly FrameResults[]> {
    const here = framesSince(slot, this.#runs.get(process)?.frames ?? [])
    if (here.length > 0) return here
    // Nearly always it is in the last; an iterator reads ahead.
    for (const limit of [1, WORTH_FRAMES]) {
      for await (const run of this.#runsBefore(process, slot + 1, limit)) {
        const frames = framesSince(slot, run)
        if (frames.length > 0) return frames
      }
    }
    return []
  }

  /** Gives the store all that there is; from now on nothing gathers. */
  [Symbol.dispose](): void {
    this.#closed = true
    this.#flushAll()
  }

  #flushAll(): void {
    this.#lingering?.abort()
    this.#lingering = undefined
    try {
      for (const process of [...this.#runs.keys()]) this.flush(process)
    } catch {
      // The store is closed: they can be made again.
    }
  }

  /**
   * The last runs in the store that begin before `slot`, latest first. `WORTH_FRAMES` are all that may reach so far: after a
   * replay, shorter ones from before may stand between the beginning of a run and its end, one at each of its frames.
   */
  async *#runsBefore(process: ProcessId, slot: Slot, limit: number): AsyncGenerator<readonly FrameResults[]> {
    const { gte } = rangeOf(storeKey('results', process))
    const lt = storeKey('results', process, bigEndian64(slot))
    for await (const { key, value } of this.#store.range({ gte, lt, limit, reverse: true }))
      yield framesIn(lastNumber(key), value)
  }
}

/** The frame that holds `slot`, and those behind it; none, if it is not among them. */
function framesSince(slot: Slot, frames: readonly FrameResults[]): readonly FrameResults[] {
  const at = frames.findIndex(({ firstSlot, count }) => slot >= firstSlot && slot < firstSlot + count)
  return at < 0 ? [] : frames.slice(at)
}

/** Slot behind the last of them. */
function endOf(frames: readonly FrameResults[]): Slot {
  const last = frames.at(-1)
  return last === undefined ? 0 : last.firstSlot + last.count
}

function changeOf(process: ProcessId, frames: readonly FrameResults[]): StoreChange[] {
  const [first] = frames
  if (first === undefined) return []
  const value = frames.length === 1 ? first.bytes : concatBytes(...frames.map(({ bytes }) => bytes))
  return [{ key: storeKey('results', process, bigEndian64(first.firstSlot)), value }]
}

function keysFrom(process: ProcessId, slot: Slot): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  const { lt } = rangeOf(storeKey('results', process))
  return { gte: storeKey('results', process, bigEndian64(slot)), lt }
}

function framesIn(firstSlot: Slot, value: Uint8Array): FrameResults[] {
  const frames: FrameResults[] = []
  const reader = new CborReader(value)
  for (let [slot, start] = [firstSlot, 0]; start < value.length; start = reader.offset) {
    const count = reader.array()
    reader.pass(count)
    frames.push(new FrameResults(slot, value.subarray(start, reader.offset)))
    slot += count
  }
  return frames
}
