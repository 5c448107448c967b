import type { Lane } from '../lanes/lane.ts'

/** What a call hands in is held back no longer than this, though the call brings more. */
const GATHER_MAX_MS = 5_000

/**
 * The lanes that one call with many requests has messages in. They are committed once the call is through: its caller
 * hears of all of them at once anyway, and a frame, its certificate and its packets cost the same for one message as
 * for ten. Whoever else has a message in such a lane commits it at once, with all that waits there.
 */
export class Gathering implements Disposable {
  #lanes: Set<Lane> | undefined
  readonly #isWorth: boolean
  #sinceMs: number | undefined

  constructor(isWorth: boolean) {
    this.#isWorth = isWorth
  }

  /** Whether a message in this lane is held back until this ends. */
  adds(lane: Lane): boolean {
    if (!this.#isWorth) return false
    this.#lanes ??= new Set()
    this.#lanes.add(lane)
    return true
  }

  /** Somebody else has a turn now; what waits long is committed. */
  pause(nowMs: number): void {
    this.#sinceMs ??= nowMs
    if (nowMs - this.#sinceMs < GATHER_MAX_MS) return
    this.#sinceMs = nowMs
    this.commit()
  }

  /** Commits what has been gathered: who knows how long what comes next takes. */
  commit(): void {
    if (this.#lanes === undefined) return
    for (const lane of this.#lanes) lane.commit()
    this.#lanes.clear()
  }

  [Symbol.dispose](): void {
    this.commit()
  }
}
