import {
  type Certificate,
  encodeCertificate,
  Failure,
  type FeedSpec,
  frameHash,
  type Log,
  type ProcessId,
} from '../../protocol/index.ts'
import type { FrameOutcome } from '../evaluation/index.ts'
import { isDiskFailure } from '../hosts/faults.ts'

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
    const [first] = this.#waiting
    if (first !== undefined) {
      // A replay comes once more to what stands in the feed, and to what waits.
      const isKnown = index < first.index || this.#waiting.some(one => one.index === index)
      return isKnown ? undefined : this.#wait({ index, certificate })
    }
    this.#append([{ index, certificate }]).catch(error => this.#refused({ index, certificate }, Failure.from(error)))
  }

  /** Whether none waits for the disk. */
  get isWritten(): boolean {
    return this.#waiting.length === 0
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
    return log.append(
      feed,
      added[0]?.index ?? 0,
      added.map(({ certificate }) => certificate),
    )
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
    this.#trying ??= this.#tryAgain()
  }

  async #tryAgain(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        await this.#parts.sleep(RETRY_MS, this.#ended.signal).catch(() => undefined)
        if (this.#ended.signal.aborted) return
        await this.#appendFirst()
      }
    } catch (error) {
      this.#parts.stop(Failure.from(error))
    } finally {
      this.#trying = undefined
    }
  }

  /** Adds what waits up to the first gap: what belongs there is still on its way, and will be refused. @throws what is no failure of the disk */
  async #appendFirst(): Promise<void> {
    const gap = this.#waiting.findIndex(({ index }, at) => index !== (this.#waiting[0]?.index ?? 0) + at)
    const tried = this.#waiting.slice(0, gap < 0 ? undefined : gap)
    try {
      await this.#append(tried)
      this.#waiting = this.#waiting.filter(one => !tried.includes(one))
    } catch (error) {
      if (!isDiskFailure(Failure.from(error))) throw error
    }
  }
}

/** What this unit says of a frame. */
export interface Certified {
  readonly certificate: Certificate
  readonly certificateBytes: Uint8Array
}

export function certify(process: ProcessId, frame: Uint8Array, outcome: FrameOutcome): Certified {
  const { firstSlot, count, resultsRoot, stateRoot, gas } = outcome
  const certificate = { process, firstSlot, count, frameHash: frameHash(frame), resultsRoot, stateRoot, gas }
  return { certificate, certificateBytes: encodeCertificate(certificate) }
}
