import Hyperbee from 'hyperbee'
import {
  asProcessId,
  compareBytes,
  decodeEnvelope,
  describeProcess,
  fromBase64Url,
  type ProcessDescription,
  type ProcessId,
  toBase64Url,
} from '../../protocol/index.ts'
import type { OpenFeeds } from '../feeds/open-feeds.ts'
import { plainBytes } from '../plain-bytes.ts'

const CORE_NAME = 'directory'
/** Processes that go to the Hyperbee in one batch: its price is per batch. */
const BATCH_MAX = 1_000
const LINGER_MS = 20
/** Parsed descriptions kept, about 2 KB each with their envelopes. */
const KNOWN_MAX = 4_096
/** Nodes and keys of the tree that the Hyperbee keeps parsed, about 700 bytes each; its own bound is 65,536. */
const TREE_CACHE_MAX = 8_192

interface Entry {
  readonly description: ProcessDescription
  readonly envelope: Uint8Array
}

/**
 * Processes this node knows, by id, in a Hyperbee that others may replicate. A cache: filled behind, and
 * repaired from slot 0 of the feeds.
 */
export class ProcessDirectory {
  readonly #feeds: OpenFeeds
  #bee: Hyperbee
  /** Not yet in the Hyperbee. */
  readonly #pending = new Map<ProcessId, Entry>()
  /** Least recently used first, once there are many. */
  readonly #known = new Map<ProcessId, Entry>()
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  private constructor(feeds: OpenFeeds, bee: Hyperbee) {
    this.#feeds = feeds
    this.#bee = bee
  }

  static async open(feeds: OpenFeeds): Promise<ProcessDirectory> {
    return new ProcessDirectory(feeds, await openBee(feeds))
  }

  /** Takes up the Hyperbee of feeds that were opened anew. */
  async reopen(): Promise<void> {
    this.#bee = await openBee(this.#feeds)
    this.#later()
  }

  /** Its feed may begin already: it is added even while nobody can tell whether it is there. */
  async addProcess(description: ProcessDescription, spawnEnvelope: Uint8Array): Promise<void> {
    const { id } = description
    if ((await this.#entry(id).catch(() => undefined)) !== undefined) return
    this.#pending.set(id, { description, envelope: spawnEnvelope.slice() })
    if (this.#pending.size >= BATCH_MAX) this.#write().catch(() => undefined)
    else this.#later()
  }

  async process(id: ProcessId): Promise<ProcessDescription | undefined> {
    return (await this.#entry(id))?.description
  }

  processAtHand(id: ProcessId): ProcessDescription | undefined {
    return this.#held(id)?.description
  }

  async spawnEnvelope(id: ProcessId): Promise<Uint8Array | undefined> {
    return (await this.#entry(id))?.envelope
  }

  async processes({
    after,
    limit,
  }: {
    after?: ProcessId | undefined
    limit: number
  }): Promise<readonly ProcessDescription[]> {
    if (limit <= 0) return []
    const start = after === undefined ? new Uint8Array(0) : fromBase64Url(after)
    const found = new Map<string, { key: Uint8Array; id: ProcessId; entry: Entry | undefined }>()
    for (const [id, entry] of this.#pending) {
      const key = fromBase64Url(id)
      if (after === undefined || compareBytes(key, start) > 0) found.set(id, { key, id, entry })
    }
    const range = after === undefined ? { limit } : { gt: Buffer.from(start), limit }
    try {
      for await (const { key, value } of this.#bee.createReadStream(range)) {
        const id = asProcessId(toBase64Url(key))
        found.set(id, { key, id, entry: this.#known.get(id) ?? entryOf(value) })
      }
    } catch (error) {
      throw this.#feeds.failure(error)
    }
    return [...found.values()]
      .sort((a, b) => compareBytes(a.key, b.key))
      .slice(0, limit)
      .flatMap(({ entry }) => entry?.description ?? [])
  }

  /** Resolves when all that was added is in the Hyperbee. */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) {
      await this.#write()
    }
  }

  /** Resolves when these are in the Hyperbee, as far as they were added. */
  async written(ids: readonly ProcessId[]): Promise<void> {
    for (const id of ids) while (this.#pending.has(id)) await this.#write()
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#writing?.catch(() => undefined)
    await this.#bee.close()
  }

  #held(id: ProcessId): Entry | undefined {
    const held = this.#pending.get(id) ?? this.#known.get(id)
    // Put at the end: it was used last. While there is room the order does not matter, and every message asks several times.
    if (this.#known.size > KNOWN_MAX / 2 && held !== undefined && this.#known.delete(id)) this.#known.set(id, held)
    return held
  }

  async #entry(id: ProcessId): Promise<Entry | undefined> {
    const held = this.#held(id)
    if (held !== undefined) return held
    const found = await this.#stored(id)
    if (found === undefined) return undefined
    const entry = entryOf(found)
    this.#remember(id, entry)
    return entry
  }

  async #stored(id: ProcessId): Promise<Uint8Array | undefined> {
    try {
      return (await this.#bee.get(Buffer.from(fromBase64Url(id))))?.value
    } catch (error) {
      // One that is closed throws at once.
      throw this.#feeds.failure(error)
    }
  }

  #remember(id: ProcessId, entry: Entry): void {
    this.#known.set(id, entry)
    if (this.#known.size <= KNOWN_MAX) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }

  #later(): void {
    this.#timer ??= setTimeout(() => {
      // Who flushes hears of a failure; for the others it is tried again after the pause.
      this.#write().catch(() => undefined)
    }, LINGER_MS)
  }

  /** @throws {Failure} `disk-full`, `disk-fault` */
  #write(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#writing ??= this.#writeBatch()
      .catch(error => {
        throw this.#feeds.failure(error)
      })
      .finally(() => {
        this.#writing = undefined
        if (this.#pending.size >= BATCH_MAX) this.#write().catch(() => undefined)
        else if (this.#pending.size > 0) this.#later()
      })
    return this.#writing
  }

  async #writeBatch(): Promise<void> {
    const entries = [...this.#pending.entries().take(BATCH_MAX)]
    const batch = this.#bee.batch()
    const sorted = entries
      .map(([id, { envelope }]) => ({
        key: Buffer.from(fromBase64Url(id)),
        value: Buffer.from(envelope),
      }))
      .sort((a, b) => compareBytes(a.key, b.key))
    for (const { key, value } of sorted) await batch.put(key, value)
    await batch.flush()
    for (const [id, entry] of entries) {
      this.#pending.delete(id)
      this.#remember(id, entry)
    }
  }
}

async function openBee(feeds: OpenFeeds): Promise<Hyperbee> {
  const bee = new Hyperbee(await feeds.named(CORE_NAME), {
    keyEncoding: 'binary',
    valueEncoding: 'binary',
  })
  await bee.ready()
  // Each of the two looks at its own bound before it adds to what both share.
  bee._nodeCache.keys.maxSize = TREE_CACHE_MAX
  bee._keyCache.keys.maxSize = TREE_CACHE_MAX
  return bee
}

function entryOf(value: Uint8Array): Entry {
  const envelope = plainBytes(value)
  return { description: describeProcess(decodeEnvelope(envelope)), envelope }
}
