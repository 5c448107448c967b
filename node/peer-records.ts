/**
 * Who is where: records that nodes sign of themselves, told to all, asked of each new peer, kept on disk.
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
  type PeerRecord,
  type PeerRole,
  readPeerRecord,
  signPeerRecord,
  type Store,
  toUtf8,
} from '../protocol/index.ts'
import { atMostTwoOfANetwork } from './network-group.ts'

const RECORDS = toUtf8('node/record/')
const RECORDS_END = toUtf8('node/record0')
const ANCHOR = toUtf8('node/anchor/')
const ANCHOR_END = toUtf8('node/anchor0')

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
    /** What it knows of others. */
    records(peer: KeyId, options?: CallOptions): Promise<readonly Uint8Array[]>
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
  readonly #asked = new Set<KeyId>()
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
    this.#held.set(record.key, { record, bytes })
    store.write([{ key: recordKey(record.key), value: bytes }])
    if (this.#held.size > PEER_RECORDS_MAX) this.#forgetOldest()
    return 'accept'
  }

  [Symbol.dispose](): void {
    this.#ended.abort()
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
    const { seed, clock, roles, url, peers, gossip, key } = this.#parts
    const versionMs = clock.now()
    const fields = { addresses: peers.addresses, roles, versionMs, expiresMs: versionMs + PEER_RECORD_LASTS_MS, url }
    this.#own = { record: { key, ...fields }, bytes: signPeerRecord(fields, seed) }
    void gossip.publish('/atoll/records/1', this.#own.bytes).catch(() => undefined)
  }

  #linksChanged(): void {
    const { peers } = this.#parts
    const linked = new Set(peers.linked)
    for (const peer of this.#asked) if (!linked.has(peer)) this.#asked.delete(peer)
    for (const peer of linked) {
      if (this.#asked.has(peer)) continue
      this.#asked.add(peer)
      void this.#ask(peer)
    }
  }

  /** Who just met asks: what went around before was not heard. */
  async #ask(peer: KeyId): Promise<void> {
    const { peers, trouble } = this.#parts
    try {
      for (const bytes of await peers.records(peer)) this.take(bytes)
      this.#anchor()
    } catch (error) {
      const failure = Failure.from(error)
      if (failure.blame !== 'transient') trouble(`records of ${peer}`, failure)
    }
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
