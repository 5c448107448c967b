import { type Failure, type KeyId, PEER_ABSENT_MAX_MS, PEER_REDIAL_MIN_MS } from '../../protocol/index.ts'

/** Absent nodes that are remembered: whoever is forgotten is dialled once more. */
const REMEMBERED_MAX = 4_096

interface Absence {
  readonly failure: Failure
  readonly pauseMs: number
  readonly untilMs: number
}

/**
 * Nodes that could not be reached a moment ago: a dial costs some milliseconds, and whoever waits for a node asks again and again, for
 * thousands of feeds at once. Who is missed again is left alone for longer.
 */
export class Absences {
  readonly #now: () => number
  readonly #absent = new Map<KeyId, Absence>()

  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Why a node is not to be dialled now; nothing, if it may be. */
  of(peer: KeyId): Failure | undefined {
    const absence = this.#absent.get(peer)
    return absence !== undefined && this.#now() < absence.untilMs ? absence.failure : undefined
  }

  /** A node was not reached. */
  missed(peer: KeyId, failure: Failure): void {
    const before = this.#absent.get(peer)
    const pauseMs = before === undefined ? PEER_REDIAL_MIN_MS : Math.min(2 * before.pauseMs, PEER_ABSENT_MAX_MS)
    this.#absent.delete(peer)
    const [oldest] = this.#absent.keys()
    if (oldest !== undefined && this.#absent.size >= REMEMBERED_MAX) this.#absent.delete(oldest)
    this.#absent.set(peer, { failure, pauseMs, untilMs: this.#now() + pauseMs })
  }

  /** It is there. */
  met(peer: KeyId): void {
    this.#absent.delete(peer)
  }
}
