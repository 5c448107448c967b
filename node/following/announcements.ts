import {
  type Clock,
  Failure,
  type KeyId,
  type Log,
  PAGE_MAX,
  type Peers,
  type ProcessDescription,
  type ProcessId,
} from '../../protocol/index.ts'

const PAUSE_MIN_MS = 250
const PAUSE_MAX_MS = 30_000
/** Processes that are told of in one call. */
const TOGETHER_MAX = 1_000

export interface AnnouncementsParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  readonly peers: Pick<Peers, 'announce'>
  readonly trouble: (what: string, failure: Failure) => void
}

/**
 * Tells nodes that a process which is scheduled here names them: until they have heard it, and again after each start.
 * What they do with that is told by the spawn message alone.
 */
export class Announcements implements Disposable {
  readonly #parts: AnnouncementsParts
  readonly #ended = new AbortController()
  /** What each node has not heard yet. */
  readonly #untold = new Map<KeyId, Set<ProcessId>>()

  constructor(parts: AnnouncementsParts) {
    this.#parts = parts
  }

  /** Tells again of all processes. */
  async resume(): Promise<void> {
    for (let after: ProcessId | undefined; ; ) {
      const page = await this.#parts.log.directory.processes({ after, limit: PAGE_MAX })
      for (const process of page) this.tell(process)
      after = page.at(-1)?.id
      if (page.length < PAGE_MAX) return
    }
  }

  /** Tells of a process, if it is scheduled here. */
  tell({ id, policy }: ProcessDescription): void {
    const { key } = this.#parts
    if (!policy.schedulers.includes(key)) return
    for (const node of new Set([...policy.computeUnits, ...policy.schedulers])) {
      if (node === key) continue
      const untold = this.#untold.get(node)
      if (untold !== undefined) untold.add(id)
      else {
        this.#untold.set(node, new Set([id]))
        void this.#tellNode(node)
      }
    }
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
  }

  async #tellNode(node: KeyId): Promise<void> {
    const { clock, peers, trouble } = this.#parts
    const { signal } = this.#ended
    for (let pauseMs = PAUSE_MIN_MS; !signal.aborted; ) {
      const untold = this.#untold.get(node)
      const some = [...(untold ?? [])].slice(0, TOGETHER_MAX)
      if (untold === undefined || some.length === 0) break
      try {
        await peers.announce(node, some, { signal })
        for (const id of some) untold.delete(id)
        pauseMs = PAUSE_MIN_MS
      } catch (error) {
        const failure = Failure.from(error)
        if (failure.blame !== 'transient') trouble(`node ${node}`, failure)
        await clock.sleep(pauseMs, { for: 'wait', signal }).catch(() => undefined)
        pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)
      }
    }
    this.#untold.delete(node)
  }
}
