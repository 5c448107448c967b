import {
  Failure,
  type HeadWatch,
  type KeyId,
  type Log,
  messagesFeed,
  type Peers,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'

export interface FeedPullParts {
  readonly key: KeyId
  readonly log: Log
  readonly peers: Pick<Peers, 'frames'>
  readonly watch?: HeadWatch | undefined
  describe(process: ProcessId): Promise<ProcessDescription | undefined>
}

/** A pull that is under way, and the one for all who asked meanwhile. */
interface Pulls {
  readonly running: Promise<void>
  next: Promise<void> | undefined
}

/** Takes feeds over from their schedulers when somebody asks, as far as they have come; nobody is believed without a signed head. */
export class FeedPull {
  readonly #parts: FeedPullParts
  readonly #pulling = new Map<ProcessId, Pulls>()

  constructor(parts: FeedPullParts) {
    this.#parts = parts
  }

  /**
   * Takes over all that is new in the feed of a process. What is under way may have asked before that was there, so whoever asks
   * meanwhile waits for one more pull: one for all of them.
   * @throws {Failure} `unreachable`, `unknown-process`, `feed-frozen`
   */
  pull(process: ProcessId): Promise<void> {
    const pulls = this.#pulling.get(process)
    if (pulls === undefined) return this.#begin(process)
    pulls.next ??= pulls.running.catch(() => undefined).then(() => this.#begin(process))
    return pulls.next
  }

  #begin(process: ProcessId): Promise<void> {
    const pulls: Pulls = {
      running: this.#pull(process).finally(() => {
        if (pulls.next === undefined) this.#pulling.delete(process)
      }),
      next: undefined,
    }
    this.#pulling.set(process, pulls)
    return pulls.running
  }

  async #pull(id: ProcessId): Promise<void> {
    const { key, describe } = this.#parts
    const process = await describe(id)
    if (process === undefined) throw new Failure('unknown-process', { process: id })
    const { schedulers } = process.policy
    if (schedulers.includes(key)) return
    // Of several schedulers one may be down, one lag behind another, and one lie: another may have what it has not.
    let [reached, failure]: [boolean, unknown] = [false, undefined]
    for (const scheduler of schedulers) {
      try {
        await this.#pullFrom(scheduler, process)
        reached = true
      } catch (error) {
        if (stopsAll(error)) throw error
        failure ??= error
      }
    }
    if (!reached) throw failure
  }

  async #pullFrom(scheduler: KeyId, process: ProcessDescription): Promise<void> {
    const { log, peers, watch } = this.#parts
    const { id } = process
    const feed = messagesFeed(process)
    for (;;) {
      const before = await log.length(feed)
      const piece = await peers.frames(scheduler, id, before)
      if (piece === undefined) return
      const answer = await log.take(feed, piece)
      const { status, length } = answer
      if (answer.status === 'conflict') {
        watch?.conflict(answer.conflict, scheduler)
        throw new Failure('feed-frozen', { process: id })
      }
      // Who gives what is here already would be asked for it for ever.
      if (status !== 'taken' || length <= before)
        throw new Failure('unreachable', { process: id, scheduler, status, length })
    }
  }
}

/** The feed stands still, for good if it was the owner who signed twice, or the disk is at fault: whoever else is asked, it stays so. */
function stopsAll(error: unknown): boolean {
  const { code, blame } = Failure.from(error)
  return code === 'feed-frozen' || code === 'equivocated' || code === 'owner-equivocated' || blame === 'host'
}
