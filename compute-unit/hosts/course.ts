import type { Log, ProcessDescription } from '../../protocol/index.ts'
import type { FrameOutcome, Verdict } from '../evaluation/index.ts'
import type { FrameResults } from '../kept/frame-results.ts'
import type { HostSeat } from './host-pool.ts'
import type { KnownFrame, KnownFrames } from '../following/known-frames.ts'
import { loadModules, modulesNamedIn, modulesOf } from '../kept/named-modules.ts'
import type { HostAnswer } from './host-words.ts'
import type { EarlySending } from '../following/unit-parts.ts'

/** Frames of one process that are with its host at the same time. */
const WINDOW = 32
const ignore = (): void => undefined

/** A frame that is with the host. */
export interface Asked {
  readonly frame: KnownFrame
  readonly answer: Promise<HostAnswer>
  /** Set once it was told what it asks to be sent. */
  told?: { readonly results: FrameResults; readonly sending: EarlySending | undefined }
}

export interface CourseParts {
  readonly process: ProcessDescription
  readonly log: Log
  readonly frames: KnownFrames
  readonly seat: HostSeat
  /** Whether what takes long is evaluated elsewhere. */
  readonly impatient: boolean
  readonly trusted: boolean
  /** Blocks up to which it goes; may grow. */
  end(): number
  mayAsk(): boolean
  stored(index: number): Promise<KnownFrame | undefined>
  verdicts(frame: KnownFrame): Promise<readonly Verdict[]>
  asked(frame: KnownFrame): void
  /** The host has evaluated one that was asked for on its way to the disk. */
  early(asked: Asked, outcome: FrameOutcome): void
}

/** Frames of one process from one on, in order, on their way through its host; it has the next ones waiting, so that it is never idle. */
export class Course {
  readonly #parts: CourseParts
  /** Not taken yet, oldest first. */
  readonly #asked: Asked[] = []
  #next: number
  /** Something about the next frame is being looked up. */
  #isLooking = false
  #hasEnded = false

  constructor(from: number, parts: CourseParts) {
    this.#next = from
    this.#parts = parts
  }

  /** The oldest frame that is with the host, once all was asked for that may be; nothing at the end. */
  async oldest(): Promise<Asked | undefined> {
    do this.askAtHand()
    while (this.#mayAsk && (await this.#askNext()))
    const oldest = this.#asked.shift()
    // At once: whoever comes before its owner hears of it begins another.
    this.#hasEnded ||= oldest === undefined
    return oldest
  }

  /** Nobody asks on its account any more. */
  end(): void {
    this.#hasEnded = true
  }

  /** Asks for frames of which nothing has to be looked up. */
  askAtHand(): void {
    const { trusted, frames, process } = this.#parts
    while (trusted && this.#mayAsk) {
      const frame = frames.get(this.#next)
      if (frame?.verdicts === undefined || modulesNamedIn(frame.bytes, process).length > 0) return
      this.#ask(frame, frame.verdicts)
    }
  }

  get #mayAsk(): boolean {
    const { end, mayAsk } = this.#parts
    return !this.#isLooking && !this.#hasEnded && this.#asked.length < WINDOW && this.#next < end() && mayAsk()
  }

  /** Asks for the next frame once all is known of it; not yet, if it names modules and others are before it. Whether it was asked for. */
  async #askNext(): Promise<boolean> {
    const { frames, stored, verdicts, process, trusted, seat, log } = this.#parts
    this.#isLooking = true
    try {
      const frame = frames.get(this.#next) ?? (await stored(this.#next))
      const named = frame === undefined ? [] : modulesNamedIn(frame.bytes, process)
      // What stands before is evaluated all the same, if one of them is not known here.
      if (frame === undefined || (named.length > 0 && this.#asked.length > 0)) return false
      const known = (trusted ? frame.verdicts : undefined) ?? (await verdicts(frame))
      using _modules = named.length === 0 ? undefined : await loadModules(seat, named, modulesOf(log.directory))
      // It may have been ended meanwhile.
      if (this.#hasEnded) return false
      this.#ask(frame, known)
      return true
    } finally {
      this.#isLooking = false
    }
  }

  #ask(frame: KnownFrame, verdicts: readonly Verdict[]): void {
    const { seat, process, impatient, early } = this.#parts
    const answer = seat.ask({
      kind: 'evaluate',
      process: process.id,
      frame: frame.bytes,
      verdicts,
      steps: false,
      impatient,
    })
    const asked: Asked = { frame, answer }
    this.#asked.push(asked)
    this.#next = frame.index + 1
    this.#parts.asked(frame)
    if (frame.underWay === undefined) return void answer.catch(ignore)
    answer
      .then(answered => {
        if (!this.#hasEnded && answered.kind === 'evaluated') early(asked, answered.outcome)
      })
      .catch(ignore)
  }
}
