/**
 * Feeds that this node writes, as they lie in storage, with no Hypercore between: an open one takes tens of
 * kilobytes and most of the time of an append, and does nothing for a feed that nobody replicates.
 *
 * 1. What is written is what Hypercore writes, in the same single batch: blocks, tree, head, hints. Whoever opens the
 *    Hypercore later, or replicates it, finds it as if it had been written by itself.
 * 2. But for the last page of its bitfield: 4 KiB, most of the bytes of an append, to say what the hints say already.
 *    A page is written when it is full, or when the Hypercore is opened.
 * 3. A feed has one writer. While its Hypercore is open, that is the Hypercore; nobody opens one in the middle of an
 *    append from here.
 * 4. What is not plainly ours to write (frozen, forked, parts missing, an older format) is left to Hypercore.
 */
import merkleTree, { type TreeNode } from 'hypercore/lib/merkle-tree.js'
import Verifier from 'hypercore/lib/verifier.js'
import Hypercore, { type HypercoreKeyPair } from 'hypercore'
import type HypercoreStorage from 'hypercore-storage'
import transfers, { type CorePointers } from 'hypercore-storage/lib/tx.js'
import View from 'hypercore-storage/lib/view.js'
import { equalBytes, Failure } from '../protocol/index.ts'
import { fullPages, lastPage } from './bitfield-pages.ts'
import { manifestOf } from './feed-manifest.ts'
import type { FeedState } from './feed-state.ts'
import { plainBytes } from './plain-bytes.ts'

/** The format of hypercore-storage that this is written for. */
const STORAGE_VERSION = 2
const NO_VIEW = new View()

/** Where a feed lies, and the end of it once somebody has appended. */
interface Place {
  readonly key: Uint8Array
  readonly discoveryKey: Uint8Array
  readonly pointers: CorePointers
  /** Whether it lies there in the format that is known here. */
  readonly isKnownFormat: boolean
  end: End | undefined
}

interface End {
  readonly length: number
  readonly byteLength: number
  readonly roots: readonly TreeNode[]
  /** What peers were seen to hold; a hint that is kept as it is. */
  readonly remoteLength: number
}

const EMPTY_END: End = { length: 0, byteLength: 0, roots: [], remoteLength: 0 }

export interface OwnFeedsParts {
  readonly storage: HypercoreStorage
  readonly keyPair: HypercoreKeyPair
  /** Whether a Hypercore is open for this discovery key. */
  readonly isOpen: (discoveryKey: Uint8Array) => boolean
  /** Places kept at hand, about a kilobyte each. */
  readonly placesMax: number
}

export class OwnFeeds {
  readonly #parts: OwnFeedsParts
  /** By name of the feed, least recently used first. */
  readonly #places = new Map<string, Place>()
  readonly #underWay = new Set<{ readonly discoveryKey: Uint8Array; readonly end: Promise<void> }>()

  constructor(parts: OwnFeedsParts) {
    this.#parts = parts
    const { storage } = parts
    const resumeCore = storage.resumeCore.bind(storage)
    // Every Hypercore that opens comes by here first.
    storage.resumeCore = async discoveryKey => {
      await this.#handOver(discoveryKey)
      return await resumeCore(discoveryKey)
    }
  }

  /** Feeds whose place is at hand. */
  get placeCount(): number {
    return this.#places.size
  }

  /**
   * Makes the feed hold `blocks` from `from` on; it may hold some of them already. `signature` is what several
   * signers signed. False if that is the Hypercore's to do. @throws {Failure} `feed-frozen` if it holds less or other blocks
   */
  async append(state: FeedState, from: number, blocks: readonly Uint8Array[], signature?: Uint8Array): Promise<boolean> {
    const keys = this.#places.get(state.name) ?? keysOf(state)
    if (this.#parts.isOpen(keys.discoveryKey)) return false
    const appending = this.#append(state, keys, { from, blocks, signature })
    const end = appending.then(
      () => undefined,
      () => undefined,
    )
    const underWay = { discoveryKey: keys.discoveryKey, end }
    this.#underWay.add(underWay)
    try {
      return await appending
    } catch (error) {
      this.#places.delete(state.name)
      throw error
    } finally {
      this.#underWay.delete(underWay)
    }
  }

  /** Blocks [from, to) that are on disk, undefined where one is not; nothing if that is the Hypercore's to tell. */
  async read(state: FeedState, from: number, to: number): Promise<Blocks | undefined> {
    const place = this.#places.get(state.name) ?? (await this.#find(keysOf(state)))
    if (place === undefined || !place.isKnownFormat) return undefined
    this.#keep(state, place)
    return await this.#readBlocks(place, from, to)
  }

  async #readBlocks(place: Place, from: number, to: number): Promise<Blocks> {
    const rx = this.#reader(place.pointers)
    const reads: Promise<Uint8Array | null>[] = []
    for (let index = from; index < to; index++) reads.push(rx.getBlock(index))
    rx.tryFlush()
    const blocks = await Promise.all(reads)
    return blocks.map(block => (block === null ? undefined : plainBytes(block)))
  }

  async #append(state: FeedState, keys: Keys, { from, blocks, signature }: Addition): Promise<boolean> {
    const known = this.#places.get(state.name) ?? (await this.#find(keys))
    const place = known ?? (await this.#make(state, keys))
    if (!place.isKnownFormat) return false
    const end = place.end ?? (await this.#readEnd(place))
    if (end === undefined) return false
    const { process } = state.feed
    if (end.length < from)
      throw new Failure('feed-frozen', { process, expected: from, length: end.length, fork: 0 })
    this.#keep(state, place)
    const held = Math.min(end.length - from, blocks.length)
    const present = held === 0 ? [] : await this.#readBlocks(place, from, from + held)
    for (const [at, other] of present.entries()) {
      const block = blocks[at]
      if (other === undefined || block === undefined || !equalBytes(other, block))
        throw new Failure('feed-frozen', { process, index: from + at })
    }
    if (held < blocks.length) {
      const rest = { from: end.length, blocks: blocks.slice(held), signature }
      place.end = await this.#write(state, place, end, rest)
    }
    return true
  }

  async #write(
    state: FeedState,
    place: Place,
    end: End,
    { blocks, signature: given }: Addition,
  ): Promise<End> {
    const { storage, keyPair } = this.#parts
    const { key, pointers } = place
    const tx = new transfers.CoreTX(pointers, storage.db, null, [])
    const batch = new merkleTree.MerkleTreeBatch({
      fork: 0,
      roots: end.roots,
      length: end.length,
      byteLength: end.byteLength,
      signature: null,
      prologue: null,
      storage: null,
      core: { _repairMode: false },
    })
    for (const [at, block] of blocks.entries()) {
      batch.append(block)
      tx.putBlock(end.length + at, block)
    }
    const { length, byteLength, roots } = batch
    const signature = given ?? new Verifier(key, manifestOf(state.feed)).sign(batch, keyPair)
    batch.commit(tx)
    tx.setHead({ fork: 0, length, rootHash: batch.hash(), signature, timestamp: Date.now() })
    for (const [index, page] of fullPages(end.length, length)) tx.putBitfieldPage(index, page)
    tx.setHints({ contiguousLength: length, remoteContiguousLength: end.remoteLength })
    await tx.flush()
    return { length, byteLength, roots, remoteLength: end.remoteLength }
  }

  /** Nothing if the feed has never been written to. */
  async #find(keys: Keys): Promise<Place | undefined> {
    const found = await this.#pointersOf(keys.discoveryKey)
    return found && { ...keys, ...found, end: undefined }
  }

  async #pointersOf(
    discoveryKey: Uint8Array,
  ): Promise<Pick<Place, 'pointers' | 'isKnownFormat'> | undefined> {
    const rx = new transfers.CorestoreRX(this.#parts.storage.db, NO_VIEW)
    const found = rx.getCore(discoveryKey)
    rx.tryFlush()
    const core = await found
    if (core === null) return undefined
    const { version, corePointer, dataPointer } = core
    const pointers = { corePointer, dataPointer, dependencies: [] }
    return { pointers, isKnownFormat: version === STORAGE_VERSION }
  }

  async #make(state: FeedState, { key, discoveryKey }: Keys): Promise<Place> {
    const manifest = Verifier.createManifest(manifestOf(state.feed))
    const made = await this.#parts.storage.createCore({
      key,
      discoveryKey,
      manifest,
      keyPair: null,
    })
    const { corePointer, dataPointer } = made.core
    await made.close()
    const pointers = { corePointer, dataPointer, dependencies: [] }
    return { key, discoveryKey, pointers, isKnownFormat: true, end: EMPTY_END }
  }

  /** Reads where a feed ends; nothing if it is not plainly ours to write. */
  async #readEnd({ pointers }: Place): Promise<End | undefined> {
    const rx = this.#reader(pointers)
    const reads = [
      rx.getAuth(),
      rx.getHead(),
      rx.getHints(),
      rx.getGroup(),
      rx.getDependency(),
    ] as const
    rx.tryFlush()
    const [auth, head, hints, group, dependency] = await Promise.all(reads)
    const isPlain = auth?.manifest && auth.frozen !== true && group === null && dependency === null
    if (!isPlain) return undefined
    const remoteLength = hints?.remoteContiguousLength ?? 0
    if (head === null) return { ...EMPTY_END, remoteLength }
    if (head.fork !== 0 || (hints?.contiguousLength ?? 0) !== head.length) return undefined
    const { length } = head
    const roots = await merkleTree.MerkleTree.getRootsFromStorage(
      { read: () => this.#reader(pointers) },
      length,
    )
    const byteLength = roots.reduce((sum, { size }) => sum + size, 0)
    return { length, byteLength, roots, remoteLength }
  }

  #reader(pointers: CorePointers): InstanceType<typeof transfers.CoreRX> {
    return new transfers.CoreRX(pointers, this.#parts.storage.db, NO_VIEW, null, null, -1)
  }

  #keep(state: FeedState, place: Place): void {
    this.#places.delete(state.name)
    this.#places.set(state.name, place)
    if (this.#places.size <= this.#parts.placesMax) return
    const [oldest] = this.#places.keys()
    if (oldest !== undefined) this.#places.delete(oldest)
  }

  /** Somebody opens a Hypercore: what is under way comes to its end first, and our knowledge of the end is forgotten. */
  async #handOver(discoveryKey: Uint8Array): Promise<void> {
    for (const underWay of this.#underWay)
      if (equalBytes(underWay.discoveryKey, discoveryKey)) await underWay.end
    for (const place of this.#places.values())
      if (equalBytes(place.discoveryKey, discoveryKey)) place.end = undefined
    const found = await this.#pointersOf(discoveryKey)
    if (found?.isKnownFormat === true) await this.#completeBitfield(found.pointers)
  }

  /** Writes the last page of the bitfield, should it lag behind the hints. */
  async #completeBitfield(pointers: CorePointers): Promise<void> {
    const rx = this.#reader(pointers)
    const reading = rx.getHints()
    rx.tryFlush()
    const length = (await reading)?.contiguousLength ?? 0
    if (length === 0) return
    const [index, page] = lastPage(length)
    const pages = this.#reader(pointers)
    const held = pages.getBitfieldPage(index)
    pages.tryFlush()
    const before = await held
    // A Hypercore may have set bits beyond, of blocks it fetched out of order.
    for (const [at, byte] of before?.entries() ?? []) page[at] = (page[at] ?? 0) | byte
    if (before !== null && equalBytes(before, page)) return
    const tx = new transfers.CoreTX(pointers, this.#parts.storage.db, null, [])
    tx.putBitfieldPage(index, page)
    await tx.flush()
  }
}

interface Addition {
  readonly from: number
  readonly blocks: readonly Uint8Array[]
  /** What several signers signed; the one signer signs here. */
  readonly signature: Uint8Array | undefined
}

type Blocks = readonly (Uint8Array | undefined)[]
type Keys = Pick<Place, 'key' | 'discoveryKey'>

function keysOf({ feed }: FeedState): Keys {
  const key = Hypercore.key(manifestOf(feed))
  return { key, discoveryKey: Hypercore.discoveryKey(key) }
}
