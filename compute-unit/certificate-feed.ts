import { Failure, type FeedSpec, type Log } from '../protocol/index.ts'
import { isDiskFailure } from './faults.ts'

/** Pause before what the disk refused is tried again. */
const RETRY_MS = 1_000
/** Certificates that may wait for the disk before evaluation waits too. */
const WAITING_MAX = 256

export interface CertificateFeedParts {
  readonly log: Pick<Log, 'append'>
  readonly feed: FeedSpec
  sleep(ms: number, signal: AbortSignal): Promise<void>
  /** The disk refused some; they are tried again. */
  trouble(failure: Failure): void
  /** The feed takes no more. */
  stop(failure: Failure): void
}

interface Waiting {
  readonly index: number
  readonly certificate: Uint8Array
}

/**
 * This unit's feed of certificates of one process. Nobody waits for what is added: it can be made again.
 * What the disk refuses is added later, in order, so that a disk that was full leaves no gap.
 */
export class CertificateFeed {
  readonly #parts: CertificateFeedParts
  /** Refused, or behind what was; in order of their indexes. */
  #waiting: Waiting[] = []
  #trying: Promise<void> | undefined
  readonly #ended = new AbortController()

  constructor(parts: CertificateFeedParts) {
    this.#parts = parts
  }

  add(index: number, certificate: Uint8Array): void {
    if (this.#waiting.length > 0) return this.#wait({ index, certificate })
    this.#append([{ index, certificate }]).catch(error => this.#refused({ index, certificate }, Failure.from(error)))
  }

  /** Resolves once few wait for the disk, or the feed takes no more. */
  async room(): Promise<void> {
    if (this.#waiting.length > WAITING_MAX) await this.#trying
  }

  /** Nothing is tried again. */
  end(): void {
    this.#ended.abort()
  }

  #append(added: readonly Waiting[]): Promise<void> {
    const { log, feed } = this.#parts
    return log.append(feed, added[0]?.index ?? 0, added.map(({ certificate }) => certificate))
  }

  #refused(refused: Waiting, failure: Failure): void {
    // What was on its way behind it would leave a gap: it is refused for that.
    const isBehind = this.#waiting.some(({ index }) => index < refused.index)
    if (!isBehind && !isDiskFailure(failure)) return this.#parts.stop(failure)
    if (!isBehind) this.#parts.trouble(failure)
    this.#wait(refused)
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting)
    this.#waiting.sort((a, b) => a.index - b.index)
    this.#trying ??= this.#tryAgain().finally(() => {
      this.#trying = undefined
    })
  }

  async #tryAgain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#parts.sleep(RETRY_MS, this.#ended.signal).catch(() => undefined)
      if (this.#ended.signal.aborted) return
      const tried = [...this.#waiting]
      try {
        await this.#append(tried)
        this.#waiting = this.#waiting.slice(tried.length)
      } catch (error) {
        const failure = Failure.from(error)
        if (!isDiskFailure(failure)) return this.#parts.stop(failure)
      }
    }
  }
}
