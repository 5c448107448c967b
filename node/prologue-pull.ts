import { type Clock, Failure, type KeyId, type Log, messagesFeed, type Peers, type ProcessDescription, type ProcessId } from '../protocol/index.ts'

/** Pauses before others are asked again. */
const PAUSE_MIN_MS = 100
const PAUSE_MAX_MS = 5_000

export interface ProloguePullParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  readonly peers: Pick<Peers, 'frames'>
  /** Nodes that are connected now. */
  readonly connected: () => readonly KeyId[]
  /** The feed of a process that is scheduled here now may be written to, and what it begins with evaluated. */
  readonly begun: (process: ProcessDescription) => Promise<void>
  readonly trouble: (what: string, failure: Failure) => void
}

/** Takes over what the feeds of processes that were handed to this node begin with, from whoever has it. */
export class ProloguePull implements Disposable {
  readonly #parts: ProloguePullParts
  readonly #pulling = new Map<ProcessId, number>()
  readonly #ended = new AbortController()

  constructor(parts: ProloguePullParts) {
    this.#parts = parts
  }

  /** Goes on with what was under way when this node was last up. */
  async resume(): Promise<void> {
    const { directory } = this.#parts.log
    for (const id of directory.handedOver) {
      const process = await directory.process(id)
      if (process !== undefined) this.want(process)
    }
  }

  /** Takes it over until all of it is there, if the process is scheduled here. */
  want(process: ProcessDescription): void {
    const { key, trouble } = this.#parts
    if (!process.policy.schedulers.includes(key) || this.#pulling.get(process.id) === process.epoch) return
    this.#pulling.set(process.id, process.epoch)
    void this.#pull(process)
      .catch(error => trouble(`process ${process.id}`, Failure.from(error)))
      .finally(() => {
        if (this.#pulling.get(process.id) === process.epoch) this.#pulling.delete(process.id)
      })
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
  }

  async #pull(process: ProcessDescription): Promise<void> {
    const { log, clock, key, connected, begun } = this.#parts
    const { signal } = this.#ended
    const isNewest = (): boolean => this.#pulling.get(process.id) === process.epoch && !signal.aborted
    for (let pauseMs = PAUSE_MIN_MS; !(await this.#isWhole(process)); pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      const named = [process, ...(process.earlier ?? [])].flatMap(({ policy }) => [...policy.schedulers, ...policy.computeUnits])
      const sources = new Set([...named, ...connected()])
      sources.delete(key)
      for (const source of sources) if (isNewest()) await this.#pullFrom(source, process).catch(() => undefined)
      if (!isNewest()) return
      if (!(await this.#isWhole(process))) await clock.sleep(pauseMs, { for: 'wait', signal }).catch(() => undefined)
      if (!isNewest()) return
    }
    await log.sync()
    await begun(process)
  }

  async #isWhole(process: ProcessDescription): Promise<boolean> {
    return (await this.#parts.log.length(messagesFeed(process))) >= (process.prologue?.length ?? 0)
  }

  async #pullFrom(source: KeyId, process: ProcessDescription): Promise<void> {
    const { log, peers } = this.#parts
    const feed = messagesFeed(process)
    for (let length = await log.length(feed); length < (process.prologue?.length ?? 0); ) {
      const piece = await peers.frames(source, process.id, length)
      const answer = piece && (await log.take(feed, piece))
      if (answer === undefined || answer.length <= length) return
      length = answer.length
    }
  }
}
