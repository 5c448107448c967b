import type { UnderWay } from '../../protocol/index.ts'
import type { Verdict } from '../evaluation/index.ts'

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

/**
 * Frames of one process that wait for their evaluation, and how far they reach. A list: a map that lives long and changes with each
 * frame would keep all that ever lay in it until the whole heap is collected (decision 0043).
 */
export class KnownFrames {
  /** By index, ascending; some may be missing between them. */
  #frames: KnownFrame[] = []
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
    return this.#frames.find(frame => frame.index === index)
  }

  /** A frame as it is read from the log; where that has none, the feed ends. */
  stored(index: number, bytes: Uint8Array | undefined): KnownFrame | undefined {
    if (bytes !== undefined) return { index, bytes }
    this.#dropFrom(index)
    this.blocks = index
    this.#early = 0
    this.isCut = true
    return undefined
  }

  /** Takes a frame that is on its way to the disk; false if it must wait until it is there. */
  expect(frame: KnownFrame): boolean {
    if (frame.index !== this.end || this.#frames.length >= KNOWN_MAX) return false
    this.#frames.push(frame)
    this.#early = frame.index + 1
    return true
  }

  /** Takes a frame that is durable. Whether another had been on its way to this place: nothing may be evaluated behind that, it never was. */
  accept(frame: KnownFrame): boolean {
    const expected = this.get(frame.index)
    const isSame = expected?.bytes === frame.bytes
    if (expected !== undefined && !isSame) this.#drop(frame.index)
    if (!isSame && this.#frames.length < KNOWN_MAX) this.#insert(frame)
    this.blocks = Math.max(this.blocks, frame.index + 1)
    this.isCut = false
    return expected !== undefined && !isSame
  }

  /** The frame is durable and was evaluated. */
  delete(index: number): void {
    this.#drop(index)
    this.blocks = Math.max(this.blocks, index + 1)
  }

  /** What was on its way to the disk did not get there: other frames will stand in its place. */
  forgetEarly(): void {
    this.#dropFrom(this.blocks)
    this.#early = 0
  }

  /** Forgets all frames; tens of thousands of processes hibernate. */
  clear(): void {
    this.#frames = []
    this.#early = 0
  }

  #insert(frame: KnownFrame): void {
    const before = this.#frames.findLastIndex(({ index }) => index < frame.index)
    this.#frames.splice(before + 1, 0, frame)
  }

  #drop(index: number): void {
    const at = this.#frames.findIndex(frame => frame.index === index)
    if (at >= 0) this.#frames.splice(at, 1)
  }

  #dropFrom(index: number): void {
    this.#frames = this.#frames.filter(frame => frame.index < index)
  }
}
