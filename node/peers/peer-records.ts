/**
 * Who is where: records that nodes sign of themselves, told to all, asked of each new peer, kept on disk.
 *
 * Gossip is quick and forgets: what was said before anybody listened is not heard. So whoever meets a node asks it until it
 * answers and passes on what it says of itself, and a node that is not reached is asked for by its key.
 *
 * 1. Unsigned, expired and older records are never taken; a record from the future neither, or it could not be replaced.
 * 2. A record says where to dial, and no more: whoever answers there proves its key in the handshake.
 * 3. A node that starts again dials a few of those it was linked to, from different networks: who wants to be all of its
 *    peers must be in all of those.
 */
import {
  type CallOptions,
  type Clock,
  concatBytes,
  Failure,
  fromBase64Url,
  type GossipPort,
  type GossipVerdict,
  type KeyId,
  MalformedBytes,
  PEER_ANCHORS_MAX,
  PEER_RECORD_LASTS_MS,
  PEER_RECORD_RENEWED_MS,
  PEER_RECORD_SKEW_MS,
  PEER_RECORDS_MAX,
  PEER_RECORDS_TOGETHER_MAX,
  PEERS_ASKED_MAX,
  type PeerRecord,
  type PeerRole,
  readPeerRecord,
  signPeerRecord,
  type Store,
  toUtf8,
} from '../../protocol/index.ts'
import { atMostTwoOfANetwork } from './network-group.ts'

const RECORDS = toUtf8('node/record/')
const RECORDS_END = toUtf8('node/record0')
const ANCHOR = toUtf8('node/anchor/')
const ANCHOR_END = toUtf8('node/anchor0')
/** Pauses before a peer that did not answer is asked again. */
const [PAUSE_MIN_MS, PAUSE_MAX_MS] = [250, 30_000]
/** So long nobody is asked again where a node is. */
const SOUGHT_MS = 2_000
const SOUGHT_MAX = 10_000
const FIND_MAX_MS = 5_000

export interface PeerRecordsParts {
  readonly key: KeyId
  readonly seed: Uint8Array
  readonly store: Store
  readonly clock: Clock
  readonly roles: readonly PeerRole[]
  readonly url: string | undefined
  readonly gossip: GossipPort
  /** Other nodes, as far as records go. */
  readonly peers: {
    readonly linked: readonly KeyId[]
    /** Where this node is reached, without its peer id. */
    readonly addresses: readonly string[]
    watch(changed: () => void): () => void
    /** Remembers where a node is said to be; false if an address is none. */
    learn(peer: KeyId, addresses: readonly string[]): boolean
    /** Makes sure of a link. */
    reach(peer: KeyId): Promise<unknown>
    /** What it knows of these nodes, or of any. */
    records(peer: KeyId, of: readonly KeyId[], options?: CallOptions): Promise<readonly Uint8Array[]>
  }
  readonly trouble: (what: string, failure: Failure) => void
}

interface Held {
  readonly record: PeerRecord
  readonly bytes: Uint8Array
}

export class PeerRecords implements Disposable {
  readonly #parts: PeerRecordsParts
  /** By key, oldest version first. */
  readonly #held = new Map<KeyId, Held>()
  /** Peers that are linked and were asked; who is linked anew is asked anew. */
  readonly #asked = new Map<KeyId, AbortController>()
  /** When a node may be asked for again. */
  readonly #sought = new Map<KeyId, number>()
  readonly #ended = new AbortController()
  readonly #enders: (() => void)[]
  #own: Held | undefined

  private constructor(parts: PeerRecordsParts) {
    this.#parts = parts
    this.#enders = [
      parts.gossip.subscribe('/atoll/records/1', bytes => this.take(bytes)),
      parts.peers.watch(() => this.#linksChanged()),
    ]
  }

  /** Reads what was known when the node was last up, and dials its anchors. */
  static async open(parts: PeerRecordsParts): Promise<PeerRecords> {
    const records = new PeerRecords(parts)
    const { store, peers } = parts
    for await (const { value } of store.range({ gte: RECORDS, lt: RECORDS_END })) await records.take(value)
    const anchors: KeyId[] = []
    for await (const { value } of store.range({ gte: ANCHOR, lt: ANCHOR_END })) {
      const record = unlessWrong(() => readPeerRecord(value))
      if (record !== undefined && peers.learn(record.key, record.addresses)) anchors.push(record.key)
    }
    for (const anchor of anchors) void peers.reach(anchor).catch(() => undefined)
    void records.#renew()
    records.#linksChanged()
    return records
  }

  /** The newest record of a node. */
  of(key: KeyId): PeerRecord | undefined {
    const record = this.#held.get(key)?.record
    return record !== undefined && record.expiresMs > this.#parts.clock.now() ? record : undefined
  }

  /** Records to tell somebody, newest first, this node's own among them. */
  get shared(): readonly Uint8Array[] {
    const others = [...this.#held.values()].reverse().slice(0, PEER_RECORDS_TOGETHER_MAX - 1)
    return (this.#own === undefined ? others : [this.#own, ...others]).map(({ bytes }) => bytes)
  }

  /** Records of these nodes, as far as they are known. */
  ofEach(keys: readonly KeyId[]): readonly Uint8Array[] {
    return keys.flatMap(key => (key === this.#parts.key ? this.#own : this.#held.get(key))?.bytes ?? [])
  }

  /** Asks a few peers where a node is; whether they know more than this node did. */
  async find(key: KeyId): Promise<boolean> {
    const { clock, peers } = this.#parts
    if (clock.elapsed() < (this.#sought.get(key) ?? 0)) return false
    if (this.#sought.size >= SOUGHT_MAX) this.#sought.clear()
    this.#sought.set(key, clock.elapsed() + SOUGHT_MS)
    const before = this.#held.get(key)
    const asked = peers.linked.filter(peer => peer !== key).slice(0, PEERS_ASKED_MAX)
    await Promise.all(
      asked.map(async peer => {
        const records = await peers.records(peer, [key], { timeoutMs: FIND_MAX_MS }).catch(unlessTransient)
        for (const bytes of records ?? []) this.take(bytes)
      }),
    )
    return this.#held.get(key) !== before
  }

  /** Takes a record; whether it is news, nothing new, or nothing that an honest node passes on. */
  take(bytes: Uint8Array): GossipVerdict {
    const { key, store, clock, peers } = this.#parts
    const record = unlessWrong(() => readPeerRecord(bytes))
    if (record === undefined) return 'reject'
    const { versionMs, expiresMs } = record
    const nowMs = clock.now()
    if (versionMs > nowMs + PEER_RECORD_SKEW_MS || expiresMs > versionMs + PEER_RECORD_LASTS_MS) return 'reject'
    const before = this.#held.get(record.key)?.record.versionMs ?? -1
    if (record.key === key || expiresMs <= nowMs || versionMs <= before) return 'ignore'
    if (!peers.learn(record.key, record.addresses)) return 'reject'
    this.#held.delete(record.key)
    // By itself: as a view it would hold all that was told with it.
    const kept = bytes.slice()
    this.#held.set(record.key, { record, bytes: kept })
    store.write([{ key: recordKey(record.key), value: kept }])
    if (this.#held.size > PEER_RECORDS_MAX) this.#forgetOldest()
    return 'accept'
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
    for (const asking of this.#asked.values()) asking.abort()
    for (const end of this.#enders) end()
  }

  /** Says where this node is, now and again. */
  async #renew(): Promise<void> {
    const { clock } = this.#parts
    const { signal } = this.#ended
    while (!signal.aborted) {
      this.#tell()
      await clock.sleep(PEER_RECORD_RENEWED_MS, { for: 'wait', signal }).catch(() => undefined)
    }
  }

  #tell(): void {
    const { seed, clock, roles, url, peers, key } = this.#parts
    const versionMs = clock.now()
    const fields = { addresses: peers.addresses, roles, versionMs, expiresMs: versionMs + PEER_RECORD_LASTS_MS, url }
    this.#own = { record: { key, ...fields }, bytes: signPeerRecord(fields, seed) }
    this.#passOn(this.#own)
  }

  #linksChanged(): void {
    const { peers } = this.#parts
    const linked = new Set(peers.linked)
    for (const [peer, asking] of this.#asked) {
      if (linked.has(peer)) continue
      asking.abort()
      this.#asked.delete(peer)
    }
    for (const peer of linked) {
      if (this.#asked.has(peer) || this.#ended.signal.aborted) continue
      const asking = new AbortController()
      this.#asked.set(peer, asking)
      void this.#ask(peer, asking.signal)
    }
  }

  /** Who just met asks: what went around before was not heard. A node that is still starting answers later. */
  async #ask(peer: KeyId, signal: AbortSignal): Promise<void> {
    const { peers, clock, trouble } = this.#parts
    for (let pauseMs = PAUSE_MIN_MS; !signal.aborted; pauseMs = Math.min(2 * pauseMs, PAUSE_MAX_MS)) {
      try {
        const before = this.#held.get(peer)
        for (const bytes of await peers.records(peer, [], { signal })) this.take(bytes)
        this.#anchor()
        const now = this.#held.get(peer)
        if (now !== undefined && now !== before) this.#passOn(now)
        return
      } catch (error) {
        const failure = Failure.from(error)
        if (signal.aborted) return
        if (failure.blame !== 'transient') return trouble(`records of ${peer}`, failure)
        await clock.sleep(pauseMs, { for: 'wait', signal }).catch(() => undefined)
      }
    }
  }

  /** Others may be linked to this node alone, and listened too late as well. */
  #passOn({ bytes }: Held): void {
    void this.#parts.gossip.publish('/atoll/records/1', bytes).catch(() => undefined)
  }

  /** Writes down a few nodes that are linked now. */
  #anchor(): void {
    const { store, peers } = this.#parts
    const linked = peers.linked.flatMap(key => this.#held.get(key) ?? [])
    const anchors = atMostTwoOfANetwork(linked, ({ record }) => record.addresses).slice(0, PEER_ANCHORS_MAX)
    const changes = Array.from({ length: PEER_ANCHORS_MAX }, (_, at) => ({
      key: concatBytes(ANCHOR, new Uint8Array([at])),
      value: anchors[at]?.bytes,
    }))
    // Whoever is alone for a moment keeps those it had.
    if (anchors.length > 0) store.write(changes)
  }

  #forgetOldest(): void {
    const [oldest] = this.#held.keys()
    if (oldest === undefined) return
    this.#held.delete(oldest)
    this.#parts.store.write([{ key: recordKey(oldest), value: undefined }])
  }
}

/** @throws what is no fault of the way to a peer */
function unlessTransient(error: unknown): undefined {
  if (Failure.from(error).blame !== 'transient') throw error
}

function unlessWrong<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedBytes || Failure.is(error)) return undefined
    throw error
  }
}

function recordKey(key: KeyId): Uint8Array {
  return concatBytes(RECORDS, fromBase64Url(key))
}
