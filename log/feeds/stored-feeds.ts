/**
 * Feeds as they lie in storage, with no Hypercore between: an open one takes tens of kilobytes and most of the time of
 * an append. Those that this node signs, and those of others that it took over; nobody but this writes either.
 *
 * 1. What is written is what Hypercore writes, in the same single batch: blocks, tree, head, hints. Whoever opens the
 *    Hypercore later, or replicates it, finds it as if it had been written by itself.
 * 2. But for the last page of its bitfield: 4 KiB, most of the bytes of an append, to say what the hints say already.
 *    A page is written when it is full, or when the Hypercore is opened. And blocks that come together lie together, until
 *    then (packed-blocks.ts).
 * 3. A feed has one writer. While its Hypercore is open, that is the Hypercore; nobody opens one in the middle of an
 *    append from here.
 * 4. A feed of others may have a head that is ahead of its blocks: the subtrees between them stand in its tree, as in a
 *    Hypercore that fetched only some blocks. Its blocks have no gaps: they end where the hints say.
 * 5. What is not plainly ours to write (frozen, forked, parts missing, an older format) is left to Hypercore.
 */
import type { TreeNode } from 'hypercore/lib/merkle-tree.js'
import Verifier from 'hypercore/lib/verifier.js'
import Hypercore, { type HypercoreKeyPair } from 'hypercore'
import type HypercoreStorage from 'hypercore-storage'
import streams from 'hypercore-storage/lib/streams.js'
import transfers, { type CorePointers } from 'hypercore-storage/lib/tx.js'
import View from 'hypercore-storage/lib/view.js'
import { equalBytes, Failure } from '../../protocol/index.ts'
import { completeBitfield, fullPages } from './bitfield-pages.ts'
import { appendSubtrees, EMPTY_FEED, endFrom, type FeedEnd, placesBetween, treeFrom } from './feed-end.ts'
import { manifestOf } from './feed-manifest.ts'
import { type FeedState, isInPrologue, type TailProof } from './feed-state.ts'
import { signatureList } from './only-signature.ts'
import { putBlocks, readBlocks, readNodes, unpack } from './packed-blocks.ts'

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

interface End extends FeedEnd {
  /** Blocks that the signed head covers; more than are here, perhaps, in a feed of others. */
  readonly signedLength: number
  /** What peers were seen to hold; a hint that is kept as it is. */
  readonly remoteLength: number
}

const EMPTY_END: End = { ...EMPTY_FEED, signedLength: 0, remoteLength: 0 }

export interface StoredFeedsParts {
  readonly storage: HypercoreStorage
  readonly keyPair: HypercoreKeyPair
  /** Whether a Hypercore is open for this discovery key. */
  readonly isOpen: (discoveryKey: Uint8Array) => boolean
}

export class StoredFeeds {
  readonly #parts: StoredFeedsParts
  /** By name of the feed, as long as its state is there; about a kilobyte each. */
  readonly #places = new Map<string, Place>()
  readonly #underWay = new Set<{ readonly discoveryKey: Uint8Array; readonly end: Promise<void> }>()

  constructor(parts: StoredFeedsParts) {
    this.#parts = parts
    const { storage } = parts
    const resumeCore = storage.resumeCore.bind(storage)
    // Every Hypercore that opens comes by here first.
    storage.resumeCore = async discoveryKey => {
      await this.#handOver(discoveryKey)
      return await resumeCore(discoveryKey)
    }
  }

  /** The state of this feed goes. */
  forget({ name }: FeedState): void {
    this.#places.delete(name)
  }

  /**
   * Makes the feed hold `blocks` from `from` on; it may hold some of them already. They are signed here, or `proof` is
   * the head that others signed, or several together. False if that is the Hypercore's to do.
   * @throws {Failure} `feed-frozen` if it holds less or other blocks
   */
  async append(state: FeedState, from: number, blocks: readonly Uint8Array[], proof?: TailProof): Promise<boolean> {
    const keys = this.#places.get(state.name) ?? keysOf(state)
    if (this.#parts.isOpen(keys.discoveryKey)) return false
    const appending = this.#append(state, keys, from, blocks, proof)
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
    return await readBlocks(() => this.#reader(place.pointers), from, to)
  }

  /** The tree of the first `length` blocks, which must be on disk; nothing if that is the Hypercore's to tell. */
  async end(state: FeedState, length: number): Promise<FeedEnd | undefined> {
    if (length === 0) return EMPTY_FEED
    const place = this.#places.get(state.name) ?? (await this.#find(keysOf(state)))
    if (place === undefined || !place.isKnownFormat) return undefined
    this.#keep(state, place)
    if (place.end?.length === length) return place.end
    return endFrom(length, await this.#roots(place.pointers, length))
  }

  async #append(
    state: FeedState,
    keys: Keys,
    from: number,
    blocks: readonly Uint8Array[],
    proof: TailProof | undefined,
  ): Promise<boolean> {
    const known = this.#places.get(state.name) ?? (await this.#find(keys))
    const place = known ?? (await this.#make(state, keys))
    if (!place.isKnownFormat) return false
    const end = place.end ?? (await this.#readEnd(state, place))
    if (end === undefined) return false
    const { process } = state.feed
    if (end.length < from) throw new Failure('feed-frozen', { process, expected: from, length: end.length, fork: 0 })
    this.#keep(state, place)
    const held = Math.min(end.length - from, blocks.length)
    const present = held === 0 ? [] : await readBlocks(() => this.#reader(place.pointers), from, from + held)
    for (const [at, other] of present.entries()) {
      const block = blocks[at]
      if (other === undefined || block === undefined || !equalBytes(other, block))
        throw new Failure('feed-frozen', { process, index: from + at })
    }
    if (held < blocks.length) place.end = await this.#write(state, place, end, blocks.slice(held), proof)
    return true
  }

  async #write(
    state: FeedState,
    place: Place,
    end: End,
    blocks: readonly Uint8Array[],
    proof: TailProof | undefined,
  ): Promise<End> {
    const { storage, keyPair } = this.#parts
    const { key, pointers } = place
    const tx = new transfers.CoreTX(pointers, storage.db, null, [])
    const now = putBlocks(tx, end, blocks)
    const tree = treeFrom(now)
    if (proof !== undefined && !appendSubtrees(tree, proof.rest))
      throw new Failure('internal', {}, { note: 'a head was not checked' })
    // Whoever was given these blocks already was given their head, too.
    const given = state.own && state.head?.length === tree.length ? state.head : undefined
    const signed = proof ?? given
    const signature =
      signed === undefined
        ? new Verifier(key, manifestOf(state.feed)).sign(tree, keyPair)
        : signatureList(state.feed, signed.signature)
    tree.commit(tx)
    const signedLength = Math.max(end.signedLength, tree.length)
    // An older head than the one that is there may have come with newer blocks.
    if (tree.length >= end.signedLength)
      tx.setHead({ fork: 0, length: tree.length, rootHash: tree.hash(), signature, timestamp: Date.now() })
    for (const [index, page] of fullPages(end.length, now.length)) tx.putBitfieldPage(index, page)
    tx.setHints({ contiguousLength: now.length, remoteContiguousLength: end.remoteLength })
    await tx.flush()
    return { ...now, signedLength, remoteLength: end.remoteLength }
  }

  /** Nothing if the feed has never been written to. */
  async #find(keys: Keys): Promise<Place | undefined> {
    const found = await this.#pointersOf(keys.discoveryKey)
    return found && { ...keys, ...found, end: undefined }
  }

  async #pointersOf(discoveryKey: Uint8Array): Promise<Pick<Place, 'pointers' | 'isKnownFormat'> | undefined> {
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
  async #readEnd(state: FeedState, { pointers }: Place): Promise<End | undefined> {
    const rx = this.#reader(pointers)
    const reads = [rx.getAuth(), rx.getHead(), rx.getHints(), rx.getGroup(), rx.getDependency()] as const
    rx.tryFlush()
    const [auth, head, hints, group, dependency] = await Promise.all(reads)
    const isPlain = auth?.manifest && auth.frozen !== true && group === null && dependency === null
    if (!isPlain) return undefined
    const remoteLength = hints?.remoteContiguousLength ?? 0
    if (head === null) return { ...EMPTY_END, remoteLength }
    const length = hints?.contiguousLength ?? 0
    const isAhead = !state.own || isInPrologue(state, head.length - 1)
    if (head.fork !== 0 || (isAhead ? head.length < length : head.length !== length)) return undefined
    return { ...endFrom(length, await this.#roots(pointers, length)), signedLength: head.length, remoteLength }
  }

  async #roots(pointers: CorePointers, length: number): Promise<readonly TreeNode[]> {
    const indexes = placesBetween(0, length).map(({ index }) => index)
    const roots = await readNodes(() => this.#reader(pointers), indexes)
    return roots.map(root => {
      if (root === undefined) throw new Error('a subtree of the feed is missing')
      return root
    })
  }

  #reader(pointers: CorePointers): InstanceType<typeof transfers.CoreRX> {
    return new transfers.CoreRX(pointers, this.#parts.storage.db, NO_VIEW, null, null, -1)
  }

  #keep({ name, retired }: FeedState, place: Place): void {
    if (!retired) this.#places.set(name, place)
  }

  /** Somebody opens a Hypercore: what is under way comes to its end first, and our knowledge of the end is forgotten. */
  async #handOver(discoveryKey: Uint8Array): Promise<void> {
    for (const underWay of this.#underWay) if (equalBytes(underWay.discoveryKey, discoveryKey)) await underWay.end
    for (const place of this.#places.values()) if (equalBytes(place.discoveryKey, discoveryKey)) place.end = undefined
    const found = await this.#pointersOf(discoveryKey)
    if (found?.isKnownFormat !== true) return
    const { pointers } = found
    const { db } = this.#parts.storage
    const write = () => new transfers.CoreTX(pointers, db, null, [])
    await unpack(streams.createLocalStream(pointers, db, NO_VIEW), write)
    await completeBitfield(() => this.#reader(pointers), write)
  }
}

type Blocks = readonly (Uint8Array | undefined)[]
type Keys = Pick<Place, 'key' | 'discoveryKey'>

function keysOf({ feed }: FeedState): Keys {
  const key = Hypercore.key(manifestOf(feed))
  return { key, discoveryKey: Hypercore.discoveryKey(key) }
}
