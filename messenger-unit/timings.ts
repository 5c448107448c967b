import type { ProcessId, Slot } from '../protocol/index.ts'

const FRAMES_MAX = 16_384
const FRAMES_OF_ONE_MAX = 2_000

interface Evaluated {
  readonly firstSlot: Slot
  readonly count: number
  readonly atMs: number
}

/** When frames were evaluated here: measured, not certified, and only for the last ones. */
export class Timings {
  readonly #frames = new Map<ProcessId, Evaluated[]>()
  #held = 0

  evaluated(process: ProcessId, firstSlot: Slot, count: number, atMs: number): void {
    const frames = this.#frames.get(process) ?? []
    this.#frames.delete(process)
    this.#frames.set(process, frames)
    frames.push({ firstSlot, count, atMs })
    this.#held += 1
    if (frames.length > FRAMES_OF_ONE_MAX) this.#held -= frames.splice(0, FRAMES_OF_ONE_MAX / 2).length
    if (this.#held <= FRAMES_MAX) return
    const [oldest] = this.#frames
    if (oldest === undefined) return
    this.#frames.delete(oldest[0])
    this.#held -= oldest[1].length
  }

  evaluatedMs(process: ProcessId, slot: Slot): number | undefined {
    const frames = this.#frames.get(process)
    return frames?.findLast(({ firstSlot, count }) => slot >= firstSlot && slot < firstSlot + count)?.atMs
  }
}
