import { type Clock, EPOCH_NEWS_AT_ONCE_MAX, type KeyId, type Log, type ProcessId } from '../../protocol/index.ts'

/** Whoever was asked about a process in vain is not asked again for so long. */
const ASK_AGAIN_MS = 1_000
/** Peers that are asked at once. */
const ASKED_MAX = 32
const ASKED_PROCESSES_MAX = 10_000
/** Processes of which is known that they were asked about. */
const CONFIRMED_MAX = 100_000
/** How long a message waits for peers that do not answer. */
const CONFIRM_MAX_MS = 1_000

/** Other nodes, as far as handovers go. */
export interface EpochPeers {
  /** Those that are connected. */
  readonly peers: readonly KeyId[]
  tell(to: KeyId, item: Uint8Array): Promise<void>
  ask(from: KeyId, process: ProcessId): Promise<readonly Uint8Array[]>
}

export interface EpochNewsParts {
  /** This node's own. */
  readonly key: KeyId
  readonly log: Pick<Log, 'directory'>
  readonly clock: Pick<Clock, 'elapsed' | 'sleep'>
  readonly peers: EpochPeers | undefined
  /** All records of a process, and what its owner signed against one of them. */
  readonly itemsOf: (process: ProcessId) => readonly Uint8Array[]
  /** Takes a record that was asked for; whether it is new. */
  readonly take: (item: Uint8Array, from: KeyId) => Promise<boolean>
}

/** What nodes tell each other of handovers, and ask. Nobody is asked, or told, the same twice at once. */
export class EpochNews {
  readonly #parts: EpochNewsParts
  readonly #asked = new Map<ProcessId, { readonly atMs: number; readonly asking: Promise<boolean> }>()
  readonly #confirmed = new Map<ProcessId, Promise<void>>()
  /** Peers with whom a process is being talked about. */
  readonly #talking = new Set<string>()

  constructor(parts: EpochNewsParts) {
    this.#parts = parts
  }

  /** Asks others whether a process was handed over. True, if there was something new. */
  look(process: ProcessId): Promise<boolean> {
    const nowMs = this.#parts.clock.elapsed()
    const known = this.#asked.get(process)
    if (known !== undefined && nowMs - known.atMs < ASK_AGAIN_MS) return known.asking
    if (this.#asked.size >= ASKED_PROCESSES_MAX) this.#asked.clear()
    const asking = this.#askAll(process).catch(() => false)
    this.#asked.set(process, { atMs: nowMs, asking })
    return asking
  }

  /** Asks others once a run about a process that was spawned before it; none of them is waited for for long. */
  async confirm(process: ProcessId): Promise<void> {
    const { log, clock, peers } = this.#parts
    if (peers === undefined || peers.peers.length === 0) return
    const known = this.#confirmed.get(process)
    if (known !== undefined) return known
    if ((await log.directory.process(process)) === undefined) return
    if (this.#confirmed.size >= CONFIRMED_MAX) this.#confirmed.clear()
    const asked = Promise.race([this.look(process), clock.sleep(CONFIRM_MAX_MS, { for: 'wait' })]).then(() => undefined)
    this.#confirmed.set(process, asked)
    return asked
  }

  /** Asks one peer, which seems to know more. */
  ask(process: ProcessId, peer: KeyId): void {
    this.#talk(process, peer, async () => void (await this.#ask(process, peer)))
  }

  /** Tells one peer, which seems to know of `known` handovers alone. */
  tell(process: ProcessId, peer: KeyId, known: number): void {
    const { peers, itemsOf } = this.#parts
    this.#talk(process, peer, async () => {
      for (const item of itemsOf(process).slice(known)) await peers?.tell(peer, item)
    })
  }

  /** Tells all peers but `from` of what is new; resolves once those who have to know at once do, or cannot be told. */
  async share(item: Uint8Array, from: KeyId | undefined, atOnce: readonly KeyId[]): Promise<void> {
    const { peers, key } = this.#parts
    const told = new Set([...(peers?.peers ?? []), ...atOnce])
    const awaited: Promise<unknown>[] = []
    for (const peer of told) {
      if (peer === from || peer === key) continue
      const telling = peers?.tell(peer, item).catch(() => undefined)
      if (telling !== undefined && atOnce.includes(peer)) awaited.push(telling)
    }
    if (from === undefined) await Promise.all(awaited)
  }

  /** What is left out for want of room comes up again when heads are compared. */
  #talk(process: ProcessId, peer: KeyId, talk: () => Promise<void>): void {
    const name = `${peer} ${process}`
    if (this.#talking.has(name) || this.#talking.size >= EPOCH_NEWS_AT_ONCE_MAX) return
    this.#talking.add(name)
    void talk()
      .catch(() => undefined)
      .finally(() => this.#talking.delete(name))
  }

  async #askAll(process: ProcessId): Promise<boolean> {
    const connected = this.#parts.peers?.peers ?? []
    const found = await Promise.all(
      connected.slice(0, ASKED_MAX).map(peer => this.#ask(process, peer).catch(() => false)),
    )
    return found.includes(true)
  }

  async #ask(process: ProcessId, peer: KeyId): Promise<boolean> {
    const { peers, take } = this.#parts
    let isNew = false
    for (const item of (await peers?.ask(peer, process)) ?? []) {
      try {
        if (await take(item, peer)) isNew = true
      } catch {
        // What goes on from it does not hold either.
        break
      }
    }
    return isNew
  }
}
