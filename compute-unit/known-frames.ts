import type { UnderWay } from '../protocol/index.ts'
import type { Verdict } from './evaluation/index.ts'

/** A frame as its scheduler gave it; all but its bytes can be found out without it. */
export interface KnownFrame {
  readonly index: number
  readonly bytes: Uint8Array
  /** What is to be known about each assignment, if the scheduler is believed. */
  readonly verdicts?: readonly Verdict[] | undefined
  /** Set if it was told while it was on its way to the disk. */
  readonly underWay?: UnderWay | undefined
}

/** Frames kept from their scheduler until they are evaluated; what lies behind is read from the log. */
const KNOWN_MAX = 64

/** Frames of one process that wait for their evaluation, and how far they reach. */
export class KnownFrames {
  readonly #frames = new Map<number, KnownFrame>()
  /** Blocks that are durable. */
  blocks = 0
  #early = 0
  /** The feed ends before blocks that were told: it was frozen meanwhile. */
  isCut = false

  /** Blocks that can be evaluated: durable ones, and those on their way to the disk that are held here. */
  get end(): number {
    return Math.max(this.blocks, this.#early)
  }

  get(index: number): KnownFrame | undefined {
    return this.#frames.get(index)
  }

  /** A frame as it is read from the log; where that has none, the feed ends. */
  stored(index: number, bytes: Uint8Array | undefined): KnownFrame | undefined {
    if (bytes !== undefined) return { index, bytes }
    for (const known of this.#frames.keys()) if (known >= index) this.#frames.delete(known)
    this.blocks = index
    this.#early = 0
    this.isCut = true
    return undefined
  }

  /** Takes a frame that is on its way to the disk; false if it must wait until it is there. */
  expect(frame: KnownFrame): boolean {
    if (frame.index !== this.end || this.#frames.size >= KNOWN_MAX) return false
    this.#frames.set(frame.index, frame)
    this.#early = frame.index + 1
    return true
  }

  /** Takes a frame that is durable. Whether another had been on its way to this place: nothing may be evaluated behind that, it never was. */
  accept(frame: KnownFrame): boolean {
    const expected = this.#frames.get(frame.index)
    if (expected?.bytes !== frame.bytes) this.#frames.delete(frame.index)
    if (this.#frames.size < KNOWN_MAX && !this.#frames.has(frame.index)) this.#frames.set(frame.index, frame)
    this.blocks = Math.max(this.blocks, frame.index + 1)
    this.isCut = false
    return expected !== undefined && expected.bytes !== frame.bytes
  }

  /** The frame is durable and was evaluated. */
  delete(index: number): void {
    this.#frames.delete(index)
    this.blocks = Math.max(this.blocks, index + 1)
  }

  /** What was on its way to the disk did not get there: other frames will stand in its place. */
  forgetEarly(): void {
    for (const index of this.#frames.keys()) if (index >= this.blocks) this.#frames.delete(index)
    this.#early = 0
  }

  /** Forgets all frames; tens of thousands of processes hibernate. */
  clear(): void {
    this.#frames.clear()
    this.#early = 0
  }
}
