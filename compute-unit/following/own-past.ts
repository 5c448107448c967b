import { equalBytes, type FeedSpec, type Log } from '../../protocol/index.ts'

/** A frame, evaluated again without a look at its signatures, gave something else than was certified of it. */
class OtherwiseCertified extends Error {}

export interface OwnPastParts {
  readonly log: Pick<Log, 'block'>
  /** What this unit certified. */
  readonly feed: FeedSpec
  /** Frames that are certified. */
  end(): number
  /** Whether all frames are believed anyway. */
  readonly trusted: boolean
}

/**
 * What this unit certified of a process is evaluated again without a look at signatures: it looked before it certified, and to look
 * again is most of what a start costs. All that came of a frame is in its certificate. So if another stands in the feed, something
 * in it does not hold: nothing of that is kept, and all is looked at again, from the checkpoint on.
 */
export class OwnPast {
  readonly #parts: OwnPastParts
  #isBelieved: boolean

  constructor(parts: OwnPastParts) {
    this.#parts = parts
    this.#isBelieved = !parts.trusted
  }

  /** Whether a frame is evaluated without a look at its signatures. */
  covers(index: number): boolean {
    return this.#isBelieved && index < this.#parts.end()
  }

  /** Compares what came of such a frame with what stands in the feed. @throws what ends `replay` */
  async expect(index: number, certificate: Uint8Array): Promise<void> {
    const certified = await this.#parts.log.block(this.#parts.feed, index)
    if (certified === undefined || !equalBytes(certified, certificate)) throw new OtherwiseCertified()
  }

  /** Once more with a look at everything, if it ends with another certificate. After any other failure whoever tries again looks, too. */
  async replay(replay: () => Promise<void>): Promise<void> {
    try {
      await replay()
    } catch (error) {
      this.#isBelieved = false
      if (!(error instanceof OtherwiseCertified)) throw error
      await replay()
    }
  }
}
