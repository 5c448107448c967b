/**
 * Nodes that have the feed of a process without being named by it: sources for whoever finds none of the named ones.
 *
 * 1. Who seeds a process says so in the table of who has what, where there is one.
 * 2. Who has followed all named sources in vain asks those that say so, and some that are linked, whether they have more
 *    than it has itself; what they give is proven by its signers like anything else.
 * 3. Few processes are looked for at once, and none again before a minute is over.
 */
import {
  type Clock,
  FEED_SHOW_MAX_MS,
  type KeyId,
  type Log,
  messagesFeed,
  PEERS_ASKED_MAX,
  type PrefixWish,
  type ProcessDescription,
  type ProcessId,
  type SignedPrefix,
  toUtf8,
} from '../../protocol/index.ts'

export interface SeedersParts {
  readonly key: KeyId
  readonly clock: Clock
  readonly log: Pick<Log, 'length'>
  /** Who has what, as the table of all nodes says. */
  readonly providers: {
    provide(name: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>
    find(name: Uint8Array, options: { readonly signal: AbortSignal }): AsyncIterable<KeyId>
  }
  /** Nodes that are linked now. */
  readonly linked: () => readonly KeyId[]
  readonly prefix: (node: KeyId, wish: PrefixWish) => Promise<SignedPrefix | undefined>
}

const LOOK_AGAIN_MS = 60_000
const LOOKS_AT_ONCE_MAX = 4
const FOUND_MAX = 4
const KEPT_MAX = 10_000

interface Found {
  readonly atMs: number
  nodes: readonly KeyId[]
}

export class Seeders implements Disposable {
  readonly #parts: SeedersParts
  readonly #found = new Map<ProcessId, Found>()
  readonly #ended = new AbortController()
  #looking = 0

  constructor(parts: SeedersParts) {
    this.#parts = parts
  }

  /** Says that this node has the feed of a process. */
  tell(process: ProcessId): void {
    void this.#parts.providers.provide(nameOf(process), { signal: this.#ended.signal }).catch(() => undefined)
  }

  /** Those that were found; looks for others, whom the next who asks is told of. */
  of(process: ProcessDescription): readonly KeyId[] {
    const nowMs = this.#parts.clock.elapsed()
    const found = this.#found.get(process.id)
    const isDue = found === undefined || nowMs - found.atMs >= LOOK_AGAIN_MS
    if (isDue && this.#looking < LOOKS_AT_ONCE_MAX && !this.#ended.signal.aborted) {
      if (this.#found.size >= KEPT_MAX) this.#found.clear()
      const looked: Found = { atMs: nowMs, nodes: found?.nodes ?? [] }
      this.#found.set(process.id, looked)
      this.#looking += 1
      void this.#look(process)
        .then(nodes => {
          looked.nodes = nodes
        })
        .catch(() => undefined)
        .finally(() => {
          this.#looking -= 1
        })
    }
    return found?.nodes ?? []
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
  }

  async #look(process: ProcessDescription): Promise<readonly KeyId[]> {
    const { key, log, linked } = this.#parts
    const { schedulers, computeUnits } = process.policy
    const named = new Set<KeyId>([key, ...schedulers, ...computeUnits])
    const candidates = new Set<KeyId>()
    for (const node of [...(await this.#providersOf(process.id)), ...linked()])
      if (!named.has(node) && candidates.size < PEERS_ASKED_MAX) candidates.add(node)
    const wish = { process: process.id, epoch: process.epoch, length: (await log.length(messagesFeed(process))) + 1 }
    const answers = [...candidates].map(async node => ({ node, prefix: await this.#parts.prefix(node, wish) }))
    const nodes: KeyId[] = []
    for (const answer of await Promise.allSettled(answers))
      if (answer.status === 'fulfilled' && answer.value.prefix !== undefined) nodes.push(answer.value.node)
    return nodes.slice(0, FOUND_MAX)
  }

  async #providersOf(process: ProcessId): Promise<readonly KeyId[]> {
    const found: KeyId[] = []
    const signal = AbortSignal.any([this.#ended.signal, AbortSignal.timeout(FEED_SHOW_MAX_MS)])
    try {
      for await (const node of this.#parts.providers.find(nameOf(process), { signal })) {
        found.push(node)
        if (found.length >= PEERS_ASKED_MAX) break
      }
    } catch {
      // The table has an end, and so has its time.
    }
    return found
  }
}

const nameOf = (process: ProcessId): Uint8Array => toUtf8(`atoll/feed/${process}`)
