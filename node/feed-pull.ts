import {
  Failure,
  type KeyId,
  type Log,
  messagesFeed,
  type Peers,
  type ProcessDescription,
  type ProcessId,
} from '../protocol/index.ts'

export interface FeedPullParts {
  readonly key: KeyId
  readonly log: Log
  readonly peers: Pick<Peers, 'frames'>
  describe(process: ProcessId): Promise<ProcessDescription | undefined>
}

/** Takes feeds over from their schedulers when somebody asks, as far as they have come; nobody is believed without a signed head. */
export class FeedPull {
  readonly #parts: FeedPullParts
  readonly #pulling = new Map<ProcessId, Promise<void>>()

  constructor(parts: FeedPullParts) {
    this.#parts = parts
  }

  /**
   * Takes over all that is new in the feed of a process; who asks while another does gets what comes after both.
   * @throws {Failure} `unreachable`, `unknown-process`, `feed-frozen`
   */
  pull(process: ProcessId): Promise<void> {
    const before = this.#pulling.get(process) ?? Promise.resolve()
    const pulling = before.catch(() => undefined).then(() => this.#pull(process))
    const ended = pulling.finally(() => {
      if (this.#pulling.get(process) === ended) this.#pulling.delete(process)
    })
    this.#pulling.set(process, ended)
    return ended
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
    const { log, peers } = this.#parts
    const { id } = process
    const feed = messagesFeed(process)
    for (;;) {
      const before = await log.length(feed)
      const piece = await peers.frames(scheduler, id, before)
      if (piece === undefined) return
      const { status, length } = await log.take(feed, piece)
      if (status === 'conflict') throw new Failure('feed-frozen', { process: id })
      // Who gives what is here already would be asked for it for ever.
      if (status !== 'taken' || length <= before) throw new Failure('unreachable', { process: id, scheduler, status, length })
    }
  }
}

/** The feed stands still, or the disk is at fault: whoever else is asked, it stays so. */
function stopsAll(error: unknown): boolean {
  const { code, blame } = Failure.from(error)
  return code === 'feed-frozen' || code === 'equivocated' || blame === 'host'
}
