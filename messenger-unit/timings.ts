import type { ProcessId, Slot } from '../protocol/index.ts'

const FRAMES_MAX = 16_384
const FRAMES_OF_ONE_MAX = 2_000
/** What is kept of a frame: its first slot, how many there are, and when. */
const NUMBERS = 3

/**
 * When frames were evaluated here: measured, not certified, and only for the last ones. Plain numbers, one frame behind the
 * other: an object for each would live just long enough to cost the collector most.
 */
export class Timings {
  readonly #frames = new Map<ProcessId, number[]>()
  #held = 0

  evaluated(process: ProcessId, firstSlot: Slot, count: number, atMs: number): void {
    const frames = this.#frames.get(process) ?? []
    this.#frames.delete(process)
    this.#frames.set(process, frames)
    frames.push(firstSlot, count, atMs)
    this.#held += 1
    if (frames.length > FRAMES_OF_ONE_MAX * NUMBERS)
      this.#held -= frames.splice(0, (FRAMES_OF_ONE_MAX / 2) * NUMBERS).length / NUMBERS
    if (this.#held <= FRAMES_MAX) return
    const [oldest] = this.#frames
    if (oldest === undefined) return
    this.#frames.delete(oldest[0])
    this.#held -= oldest[1].length / NUMBERS
  }

  evaluatedMs(process: ProcessId, slot: Slot): number | undefined {
    const frames = this.#frames.get(process) ?? []
    for (let at = frames.length - NUMBERS; at >= 0; at -= NUMBERS) {
      const [firstSlot = 0, count = 0] = [frames[at], frames[at + 1]]
      if (slot >= firstSlot && slot < firstSlot + count) return frames[at + 2]
    }
    return undefined
  }
}
