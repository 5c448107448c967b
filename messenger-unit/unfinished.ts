import {
  asProcessId,
  CborReader,
  CborWriter,
  concatBytes,
  fromBase64Url,
  type ProcessId,
  readSmall,
  type Slot,
  type Store,
  toBase64Url,
  toUtf8,
} from '../protocol/index.ts'
import { OpenSlots } from './open-slots.ts'

const PREFIX = toUtf8('messenger/unfinished/')
const PREFIX_END = toUtf8('messenger/unfinished0')
/** How far the kept mark may lag: what lies between is pushed again after a crash and found to be there. */
const MARK_EVERY_SLOTS = 32
/** Finished processes are struck off together, this many frames apart. */
const SWEEP_EVERY_FRAMES = 1024

interface Progress {
  scheduled: Slot
  evaluated: Slot
  /** Parts of outboxes that are not delivered yet. */
  readonly open: OpenSlots
  mark: Slot
}

/**
 * Which processes may still have something to push, and from which slot on. Only a hint of where to look after a
 * restart: everything can be found again in certified results, and pushing twice has no effect.
 */
export class Unfinished {
  readonly #store: Store
  readonly #processes = new Map<ProcessId, Progress>()
  #sinceSweep = 0

  constructor(store: Store) {
    this.#store = store
  }

  /** Marks left by an earlier run. */
  async kept(): Promise<Map<ProcessId, Slot>> {
    const marks = new Map<ProcessId, Slot>()
    for await (const { key, value } of this.#store.range({ gte: PREFIX, lt: PREFIX_END })) {
      const process = asProcessId(toBase64Url(key.subarray(PREFIX.length)))
      marks.set(process, readSmall(new CborReader(value)))
    }
    return marks
  }

  /** Slots up to `end` are in the feed. */
  scheduled(process: ProcessId, firstSlot: Slot, end: Slot): void {
    const known = this.#processes.get(process)
    if (known !== undefined) {
      known.scheduled = Math.max(known.scheduled, end)
      return
    }
    this.#processes.set(process, {
      scheduled: end,
      evaluated: firstSlot,
      open: new OpenSlots(),
      mark: firstSlot,
    })
    this.#write(process, firstSlot)
  }

  /** Slots up to `end` have results. */
  evaluated(process: ProcessId, end: Slot): void {
    const progress = this.#processes.get(process)
    if (progress === undefined) return
    progress.evaluated = Math.max(progress.evaluated, end)
    progress.scheduled = Math.max(progress.scheduled, end)
    const lowest = lowestOf(progress)
    if (lowest - progress.mark >= MARK_EVERY_SLOTS) {
      progress.mark = lowest
      this.#write(process, lowest)
    }
    this.#sinceSweep += 1
    if (this.#sinceSweep >= SWEEP_EVERY_FRAMES) this.sweep()
  }

  /** `count` parts of the outbox of `slot` are to be delivered. */
  opened(process: ProcessId, slot: Slot, count: number): void {
    this.#processes.get(process)?.open.add(slot, count)
  }

  /** One of them is. */
  delivered(process: ProcessId, slot: Slot): void {
    this.#processes.get(process)?.open.remove(slot)
  }

  /** From which slot on something may be left to do; of a process with much of that, an earlier one perhaps. */
  lowest(process: ProcessId): Slot | undefined {
    const progress = this.#processes.get(process)
    return progress && lowestOf(progress)
  }

  /** Forgets what is known of a process, but not that something may be left to do: should the node crash now, it begins there. */
  drop(process: ProcessId): void {
    this.#processes.delete(process)
  }

  /** Forgets a process, and the mark that an earlier run may have left of it. */
  strike(process: ProcessId): void {
    this.#processes.delete(process)
    this.#store.write([{ key: markKey(process), value: undefined }])
  }

  /** Strikes off processes with nothing left to do. */
  sweep(): void {
    this.#sinceSweep = 0
    for (const [process, { scheduled, evaluated, open }] of this.#processes) {
      if (open.isEmpty && evaluated >= scheduled) this.strike(process)
    }
  }

  #write(process: ProcessId, mark: Slot): void {
    const writer = new CborWriter()
    writer.uint(mark)
    this.#store.write([{ key: markKey(process), value: writer.finish() }])
  }
}

const markKey = (process: ProcessId): Uint8Array => concatBytes(PREFIX, fromBase64Url(process))

function lowestOf({ open, evaluated }: Progress): Slot {
  return Math.min(evaluated, open.lowest ?? evaluated)
}
