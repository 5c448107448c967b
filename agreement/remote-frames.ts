import {
  type CallOptions,
  type Certificate,
  type Clock,
  type Evidence,
  Failure,
  type FinalFrame,
  type KeyId,
  type ProcessDescription,
  type ProcessId,
  readFinalFrame,
  type Result,
  type Slot,
  unitAt,
  type UnitPeers,
} from '../protocol/index.ts'
import { disagreed } from './agreeing.ts'
import { unitsElsewhere } from './parts.ts'

/** A final frame of a process that is evaluated elsewhere; it was checked. */
export interface CheckedFrame {
  readonly frame: FinalFrame
  readonly certificate: Certificate
  readonly encoded: readonly Uint8Array[]
  readonly results: readonly Result[]
}

export interface RemoteFramesParts {
  /** This node's own: it is not asked. */
  readonly key: KeyId
  readonly peers: Pick<UnitPeers, 'finalFrames'>
  readonly clock: Clock
  readonly evidence?: Pick<Evidence, 'isExcluded'> | undefined
  trouble(process: ProcessId, failure: Failure): void
}

/** A few seconds of what clients of a busy node read. */
const BYTES_MAX = 16 * 1024 * 1024
const FRAME_OVERHEAD_BYTES = 1024
const FRAMES_OF_ONE_MAX = 256
/** How long one unit is waited for, so that a silent one does not hold up the others. */
const UNIT_WAIT_MS = 10_000
const PAUSE_MS = 200

/** Final frames of processes that are evaluated elsewhere: asked of their compute units, and checked. */
export class RemoteFrames {
  readonly #parts: RemoteFramesParts
  readonly #kept = new Map<ProcessId, CheckedFrame[]>()
  #bytes = 0

  constructor(parts: RemoteFramesParts) {
    this.#parts = parts
  }

  /** Slots that are known to be final. */
  end(process: ProcessId): Slot {
    const last = this.#kept.get(process)?.at(-1)?.certificate
    return last === undefined ? 0 : last.firstSlot + last.count
  }

  /** What is kept of a process may be of a feed that no longer is. */
  forget(process: ProcessId): void {
    const kept = this.#kept.get(process)
    this.#kept.delete(process)
    if (kept !== undefined) this.#drop(kept, kept.length)
  }

  /**
   * The frame that holds `slot`, once it is final; nothing if it is not before the time is over.
   * @throws {Failure} `no-agreement` if no unit can be reached
   */
  async at(
    process: ProcessDescription,
    slot: Slot,
    options: CallOptions & { readonly timeoutMs: number },
  ): Promise<CheckedFrame | undefined> {
    const { clock } = this.#parts
    const untilMs = clock.elapsed() + options.timeoutMs
    const units = unitsElsewhere(process, this.#parts.key).filter(unit => !this.#isExcluded(process, unit, slot))
    if (units.length === 0) throw disagreed(process, [])
    for (let turn = 0; ; turn++) {
      const known = this.#find(process.id, slot)
      if (known !== undefined && this.#counts(known, process)) return known
      if (options.signal?.aborted === true) throw new Failure('aborted')
      const beganMs = clock.elapsed()
      const leftMs = Math.max(0, untilMs - beganMs)
      const failures: Failure[] = []
      for (let i = 0; i < units.length; i++) {
        const unit = units[(turn + i) % units.length]
        if (unit === undefined) break
        const waitMs = Math.min(leftMs, UNIT_WAIT_MS)
        try {
          const found = await this.#ask(unit, process, slot, waitMs, options.signal)
          if (found !== undefined) return found
          break
        } catch (error) {
          failures.push(Failure.from(error))
        }
      }
      const isOver = clock.elapsed() >= untilMs
      if (isOver && failures.length === units.length) throw disagreed(process, failures)
      if (isOver) return undefined
      // A unit is to wait until there is something; one that answers at once and with nothing is not asked all the faster for it.
      if (failures.length > 0 || clock.elapsed() - beganMs < PAUSE_MS)
        await clock.sleep(Math.min(PAUSE_MS, leftMs), { signal: options.signal, for: 'wait' })
    }
  }

  async #ask(
    unit: KeyId,
    process: ProcessDescription,
    slot: Slot,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<CheckedFrame | undefined> {
    const { peers, trouble } = this.#parts
    const frames = await peers.finalFrames(unit, process.id, slot, waitMs, {
      signal,
      timeoutMs: waitMs + UNIT_WAIT_MS,
    })
    let found: CheckedFrame | undefined
    for (const frame of frames) {
      const read = this.#read(frame, process)
      if (typeof read === 'string') {
        const failure = new Failure('verification-failed', {
          process: process.id,
          unit,
          reason: read,
        })
        trouble(process.id, failure)
        throw failure
      }
      const { certificate, results: encoded, decoded: results } = read
      const checked = { frame, certificate, encoded, results }
      this.#keep(process.id, checked)
      if (holds(checked, slot)) found = checked
    }
    return found
  }

  /** What is in a frame, or why it proves nothing. */
  #read(frame: FinalFrame, process: ProcessDescription): ReturnType<typeof readFinalFrame> {
    const read = readFinalFrame(frame, process)
    if (typeof read === 'string' || this.#counts({ frame, certificate: read.certificate }, process)) return read
    return 'too few of the units that signed are without fault'
  }

  /** Whether enough of those who signed were not proven to be at fault by then. */
  #counts({ frame, certificate }: Pick<CheckedFrame, 'frame' | 'certificate'>, process: ProcessDescription): boolean {
    const { policy } = process
    const holding = frame.signatures.filter(({ unit }) => {
      const key = unitAt(policy, unit)
      return key === undefined || !this.#isExcluded(process, key, certificate.firstSlot)
    })
    return holding.length >= policy.computeQuorum
  }

  /**
   * Not where this node's own unit is one of those that must agree: it found the others at fault by what it evaluated itself, and
   * where as many as must agree say something else, the fault is its own as far as anybody can tell.
   */
  #isExcluded({ id, policy }: ProcessDescription, unit: KeyId, slot: Slot): boolean {
    const { key, evidence } = this.#parts
    return !policy.computeUnits.includes(key) && evidence?.isExcluded(id, unit, slot) === true
  }

  #find(process: ProcessId, slot: Slot): CheckedFrame | undefined {
    return this.#kept.get(process)?.findLast(frame => holds(frame, slot))
  }

  #keep(process: ProcessId, checked: CheckedFrame): void {
    const kept = this.#kept.get(process) ?? []
    this.#kept.delete(process)
    this.#kept.set(process, kept)
    // What was signed by others may count where what is kept does not any more.
    const same = kept.findIndex(one => one.frame.index === checked.frame.index)
    for (const before of same < 0 ? [] : kept.splice(same, 1)) this.#bytes -= sizeOf(before)
    kept.push(checked)
    kept.sort((a, b) => a.frame.index - b.frame.index)
    this.#bytes += sizeOf(checked)
    if (kept.length > FRAMES_OF_ONE_MAX) this.#drop(kept, FRAMES_OF_ONE_MAX / 2)
    while (this.#bytes > BYTES_MAX) {
      const [oldest] = this.#kept
      if (oldest === undefined) return
      this.#kept.delete(oldest[0])
      this.#drop(oldest[1], oldest[1].length)
    }
  }

  #drop(frames: CheckedFrame[], count: number): void {
    for (const frame of frames.splice(0, count)) this.#bytes -= sizeOf(frame)
  }
}

function holds({ certificate: { firstSlot, count } }: CheckedFrame, slot: Slot): boolean {
  return slot >= firstSlot && slot < firstSlot + count
}

const sizeOf = ({ frame }: CheckedFrame): number => 3 * frame.resultsBytes.length + FRAME_OVERHEAD_BYTES
