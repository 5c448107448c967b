import type { Neighbours, ProcessId, Slot } from '../../protocol/index.ts'
import type { FrameResults } from './frame-results.ts'

/** A certified frame, with what proofs of its results are made of. */
export interface ProvenFrame {
  /** Where in its feed it stands. */
  readonly index: number
  readonly certificateBytes: Uint8Array
  readonly results: FrameResults
  readonly count: number
  /** This unit's signature; made when the first proof is asked for. */
  signature?: Uint8Array
}

/** A second of a busy node. */
const BYTES_MAX = 16 * 1024 * 1024
const FRAMES_OF_ONE_MAX = 256
const FRAME_OVERHEAD_BYTES = 1000

/** The last certified frames: what was just evaluated is likely to be read, pushed and proved at once. */
export class RecentFrames {
  readonly #frames = new Map<ProcessId, ProvenFrame[]>()
  readonly #ofOneMax: number
  #bytes = 0

  /** Keeps so many frames of one process; half of them are forgotten at once. */
  constructor(ofOneMax = FRAMES_OF_ONE_MAX) {
    this.#ofOneMax = ofOneMax
  }

  remember(process: ProcessId, frame: ProvenFrame): void {
    const frames = this.#frames.get(process) ?? []
    // Processes in order of their last frame, so that the first is the one to forget.
    this.#frames.delete(process)
    this.#frames.set(process, frames)
    frames.push(frame)
    this.#bytes += sizeOf(frame)
    if (frames.length > this.#ofOneMax) this.#drop(frames, Math.ceil(this.#ofOneMax / 2))
    while (this.#bytes > BYTES_MAX) {
      const [oldest] = this.#frames
      if (oldest === undefined) return
      this.#frames.delete(oldest[0])
      this.#drop(oldest[1], oldest[1].length)
    }
  }

  forget(process: ProcessId): void {
    const frames = this.#frames.get(process)
    this.#frames.delete(process)
    if (frames !== undefined) this.#drop(frames, frames.length)
  }

  /** The frame that holds `slot`, if it is remembered. */
  find(process: ProcessId, slot: Slot): ProvenFrame | undefined {
    return this.#frames
      .get(process)
      ?.findLast(({ results: { firstSlot }, count }) => slot >= firstSlot && slot < firstSlot + count)
  }

  /** The nearest remembered frames before `slot` and behind it. */
  near(process: ProcessId, slot: Slot): Neighbours {
    let [below, above]: [ProvenFrame?, ProvenFrame?] = []
    for (const frame of this.#frames.get(process) ?? []) {
      const { firstSlot } = frame.results
      if (firstSlot > slot) above = above !== undefined && above.results.firstSlot < firstSlot ? above : frame
      else if (firstSlot + frame.count <= slot)
        below = below !== undefined && below.results.firstSlot > firstSlot ? below : frame
    }
    return { below: placeOf(below), above: placeOf(above) }
  }

  #drop(frames: ProvenFrame[], count: number): void {
    for (const frame of frames.splice(0, count)) this.#bytes -= sizeOf(frame)
  }
}

const sizeOf = ({ results, count }: ProvenFrame): number => results.bytes.length + 100 * count + FRAME_OVERHEAD_BYTES

const placeOf = (frame: ProvenFrame | undefined): Neighbours['below'] =>
  frame && { index: frame.index, firstSlot: frame.results.firstSlot, count: frame.count }
