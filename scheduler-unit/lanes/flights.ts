import { Commitment, type UnderWay } from '../../protocol/index.ts'
import type { CommittedFrame } from './committed-frame.ts'
import type { Pending } from './pending.ts'

/** Commits of one process on their way to the disk at the same time, and their bytes. */
const FLIGHTS_MAX = 32
const FLIGHT_BYTES_MAX = 1024 * 1024

/** What one commit holds. */
export class Flight implements UnderWay {
  readonly batch: readonly Pending[]
  readonly frames: readonly CommittedFrame[]
  readonly timestampMs: number
  readonly commitment: Commitment
  readonly done: Promise<boolean>
  readonly bytes: number
  readonly #tell: (isDurable: boolean) => void
  readonly #isFree: () => void
  /** Frames that nobody has evaluated yet. */
  #open: number

  constructor(parts: Pick<Flight, 'batch' | 'frames' | 'timestampMs' | 'commitment'>, isFree: () => void) {
    this.batch = parts.batch
    this.frames = parts.frames
    this.timestampMs = parts.timestampMs
    this.commitment = parts.commitment
    this.bytes = parts.frames.reduce((sum, { bytes }) => sum + bytes.length, 0)
    this.#open = parts.frames.length
    this.#isFree = isFree
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.done = promise
    this.#tell = resolve
  }

  get isEvaluated(): boolean {
    return this.#open === 0
  }

  evaluated(): void {
    if (this.#open > 0) this.#open -= 1
    if (this.#open === 0) this.#isFree()
  }

  /** Tells those who wait; they hear of it after this turn. */
  end(isDurable: boolean): void {
    if (!isDurable) this.commitment.settle('failed')
    this.#tell(isDurable)
  }
}

/**
 * The commits of one process that are under way, oldest first; each builds on the one before it. There may be several, where the
 * next would have nothing to wait for but the disk: what stands in those before it was evaluated, so nobody is busy with the process.
 */
export class Flights {
  readonly #flights: Flight[] = []
  readonly #max: number
  #bytes = 0

  constructor(max = FLIGHTS_MAX) {
    this.#max = max
  }

  get isEmpty(): boolean {
    return this.#flights.length === 0
  }

  get newest(): Flight | undefined {
    return this.#flights.at(-1)
  }

  /** Whether one more may follow before these are durable. */
  get mayBeFollowed(): boolean {
    if (this.#flights.length >= this.#max || this.#bytes >= FLIGHT_BYTES_MAX) return false
    return this.#flights.every(({ isEvaluated, commitment }) => isEvaluated && commitment.isInLine)
  }

  /** A commitment of what comes next, which asks for all that `batch` came from. */
  commitmentFor(batch: readonly Pending[]): Commitment {
    const newest = this.#flights.at(-1)
    const builtOn: Commitment[] = newest === undefined ? [] : [newest.commitment]
    // What came from one commit stands together.
    for (const { after } of batch)
      if (after !== undefined && after.state !== 'durable' && after !== builtOn.at(-1)) builtOn.push(after)
    return new Commitment(builtOn)
  }

  add(flight: Flight): void {
    this.#flights.push(flight)
    this.#bytes += flight.bytes
  }

  remove(flight: Flight): void {
    const at = this.#flights.indexOf(flight)
    if (at < 0) return
    this.#flights.splice(at, 1)
    this.#bytes -= flight.bytes
  }
}
