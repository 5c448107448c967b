import {
  asModuleId,
  CborReader,
  CborWriter,
  type CellKey,
  type ModuleId,
  type ProcessId,
  readId,
  readSmall,
  type Slot,
  type Store,
  type StoreChange,
} from '../../protocol/index.ts'
import { toBytes, toCellKey } from '../evaluation/cells.ts'
import type { ProcessSnapshot, SnapshotDelta } from '../evaluation/frame-outcome.ts'
import { bigEndian32, bigEndian64, lastNumber, rangeOf, storeKey } from './keys.ts'

/** Older checkpoints that are kept beside the newest. */
const KEPT = 4
/** Processes of which it is remembered how many checkpoints they have. */
const COUNTED_MAX = 4_096

/** A checkpoint as listed: where it stands, and the root its state must have. */
export interface CheckpointHead {
  readonly slots: Slot
  /** Blocks of the feed that it covers. */
  readonly blocks: number
  readonly stateRoot: Uint8Array
  /** The module in force: no other may open it. */
  readonly module: ModuleId
  /** Chunks written before this slot are of a memory that is gone. */
  readonly since: Slot
}

/** A state as it was written; `isNewest` says that nothing newer is kept of the process. */
export interface ReadCheckpoint extends ProcessSnapshot {
  readonly blocks: number
  readonly isNewest: boolean
}

export interface KeptCheckpoint {
  readonly head: CheckpointHead
  readonly snapshot: ReadCheckpoint
}

/** Versions up to some slot: the newest of each name, whether there are newer ones, and when the last of them was written. */
interface Versions<Found> {
  readonly found: Found
  readonly isNewest: boolean
  readonly lastAt: Slot
}

/** What is kept of a process: all manifests that can be read, the slot of the last one, read or not, and the rest up to some slot. */
interface Kept {
  readonly heads: Manifest[]
  readonly last: Slot
  readonly chunks: Versions<ReadonlyMap<number, { readonly at: Slot; readonly value: Uint8Array }>>
  readonly cells: Versions<ReadonlyMap<CellKey, Uint8Array>>
}

interface Manifest extends CheckpointHead {
  readonly pages: number
  readonly engine: Uint8Array
  readonly logHash: Uint8Array
}

/**
 * Checkpoints of processes: only what changed is written.
 *
 * 1. A chunk or cell is kept under its name and the slot of the checkpoint that wrote it; a checkpoint's own
 *    version is the newest that is not newer than it. Versions of one name lie side by side: the length of a cell's
 *    key stands before it.
 * 2. A checkpoint is used only if its state has the root that this unit certified for that slot; the compute unit
 *    checks that when it opens the process, and drops what does not fit.
 * 3. Opening a checkpoint drops all newer ones, so versions never mix.
 */
export class Checkpoints {
  readonly #store: Store
  readonly #before: ((process: ProcessId) => void) | undefined
  /** How many checkpoints are kept, or more than are, of processes that wrote one, least recently first: what is pruned must be read, and only then. */
  readonly #counts = new Map<ProcessId, number>()

  /** `before` gives the store what nobody makes again once there is a checkpoint behind it. */
  constructor(store: Store, before?: (process: ProcessId) => void) {
    this.#store = store
    this.#before = before
  }

  async write(process: ProcessId, blocks: number, delta: SnapshotDelta): Promise<void> {
    this.#before?.(process)
    const at = bigEndian64(delta.slots)
    const changes: StoreChange[] = []
    for (const [index, value] of delta.chunks) {
      changes.push({ key: storeKey('chunk', process, bigEndian32(index), at), value })
    }
    for (const [key, value] of delta.cells) {
      changes.push({
        key: storeKey('cell', process, bigEndian32(key.length), toBytes(key), at),
        value: encodeCell(value),
      })
    }
    changes.push({ key: storeKey('checkpoint', process, at), value: encodeManifest(delta, blocks) })
    this.#store.write(changes)
    const before = this.#counts.get(process)
    if (before !== undefined && before + 1 < 2 * KEPT) return this.#count(process, before + 1)
    const heads = await this.list(process)
    const isTooMany = heads.length >= 2 * KEPT
    if (isTooMany) await this.#prune(process, heads)
    this.#count(process, isTooMany ? KEPT : heads.length)
  }

  #count(process: ProcessId, kept: number): void {
    this.#counts.delete(process)
    this.#counts.set(process, kept)
    if (this.#counts.size <= COUNTED_MAX) return
    const [oldest] = this.#counts.keys()
    if (oldest !== undefined) this.#counts.delete(oldest)
  }

  /** Checkpoints of a process, oldest first; damaged ones are passed over. */
  async list(process: ProcessId): Promise<CheckpointHead[]> {
    return (await this.#manifests(process)).heads
  }

  /** The state at checkpoint `slots`. */
  async read(process: ProcessId, slots: Slot): Promise<ReadCheckpoint | undefined> {
    const kept = await this.#upTo(process, slots)
    const manifest = kept.heads.find(head => head.slots === slots)
    return manifest && stateOf(manifest, kept)
  }

  /**
   * The newest checkpoint up to `slots`. Whoever wakes waits for each look at the store, so which that is and all of it are read at once;
   * nothing, if that cannot be told from what was read.
   */
  async newest(process: ProcessId, slots: Slot): Promise<KeptCheckpoint | undefined> {
    const kept = await this.#upTo(process, slots)
    const head = kept.heads.findLast(one => one.slots <= slots)
    // Of a checkpoint whose manifest is damaged the rest is there.
    if (head === undefined || kept.chunks.lastAt > head.slots || kept.cells.lastAt > head.slots) return undefined
    return { head, snapshot: stateOf(head, kept) }
  }

  async #upTo(process: ProcessId, slots: Slot): Promise<Kept> {
    const [{ heads, last }, chunks, cells] = await Promise.all([
      this.#manifests(process),
      this.#chunksAt(process, slots),
      this.#cellsAt(process, slots),
    ])
    return { heads, last, chunks, cells }
  }

  async #manifests(process: ProcessId): Promise<Pick<Kept, 'heads' | 'last'>> {
    const heads: Manifest[] = []
    let last = 0
    for await (const { key, value } of this.#store.range(rangeOf(storeKey('checkpoint', process)))) {
      last = lastNumber(key)
      const head = readManifest(value)
      if (head?.slots === last) heads.push(head)
    }
    return { heads, last }
  }

  /** The newest version of each chunk up to `slots`. */
  async #chunksAt(process: ProcessId, slots: Slot): Promise<Kept['chunks']> {
    const prefix = storeKey('chunk', process)
    const found = new Map<number, { readonly at: Slot; readonly value: Uint8Array }>()
    let [isNewest, lastAt] = [true, 0]
    for await (const { key, value } of this.#store.range(rangeOf(prefix))) {
      const at = lastNumber(key)
      if (at > slots) {
        isNewest = false
        continue
      }
      lastAt = Math.max(lastAt, at)
      found.set(new DataView(key.buffer, key.byteOffset + prefix.length, 4).getUint32(0), { at, value })
    }
    return { found, isNewest, lastAt }
  }

  async #cellsAt(process: ProcessId, slots: Slot): Promise<Kept['cells']> {
    const prefix = storeKey('cell', process)
    const found = new Map<CellKey, Uint8Array>()
    let [isNewest, lastAt] = [true, 0]
    for await (const { key, value } of this.#store.range(rangeOf(prefix))) {
      const at = lastNumber(key)
      if (at > slots) {
        isNewest = false
        continue
      }
      lastAt = Math.max(lastAt, at)
      const name = toCellKey(key.subarray(prefix.length + 4, key.length - 8))
      if (value[0] === 0) found.delete(name)
      else found.set(name, value.subarray(1))
    }
    return { found, isNewest, lastAt }
  }

  /** Drops all that is newer than checkpoint `slots`; 0 drops everything. */
  async dropAfter(process: ProcessId, slots: Slot): Promise<void> {
    const dropped: StoreChange[] = []
    for (const name of ['checkpoint', 'chunk', 'cell']) {
      for await (const { key } of this.#store.range(rangeOf(storeKey(name, process)))) {
        if (lastNumber(key) > slots) dropped.push({ key, value: undefined })
      }
    }
    if (dropped.length > 0) this.#store.write(dropped)
  }

  /** Forgets the oldest checkpoints, and versions that no kept one needs. */
  async #prune(process: ProcessId, heads: readonly CheckpointHead[]): Promise<void> {
    const { slots: oldest, since } = heads.at(-KEPT) ?? { slots: 0, since: 0 }
    const gone: StoreChange[] = heads
      .filter(head => head.slots < oldest)
      .map(head => ({ key: storeKey('checkpoint', process, bigEndian64(head.slots)), value: undefined }))
    for (const name of ['chunk', 'cell']) {
      let before: { key: Uint8Array; isDeleted: boolean } | undefined
      for await (const { key, value } of this.#store.range(rangeOf(storeKey(name, process)))) {
        // Versions of one name follow each other, oldest first: one that has a successor up to `oldest` is not needed.
        if (name === 'chunk' && lastNumber(key) < since) {
          gone.push({ key, value: undefined })
          continue
        }
        const isReplaced = before !== undefined && sameName(before.key, key) && lastNumber(key) <= oldest
        if (before !== undefined && (isReplaced || before.isDeleted)) gone.push({ key: before.key, value: undefined })
        // The mark of a deleted cell is needed as long as an older version is.
        before = { key, isDeleted: name === 'cell' && value[0] === 0 && lastNumber(key) <= oldest }
      }
      if (before?.isDeleted === true) gone.push({ key: before.key, value: undefined })
    }
    this.#store.write(gone)
  }
}

function stateOf(manifest: Manifest, { last, chunks, cells }: Kept): ReadCheckpoint {
  const { slots, module, since, pages, engine, logHash, blocks } = manifest
  const own = new Map<number, Uint8Array>()
  for (const [index, { at, value }] of chunks.found) if (at >= since) own.set(index, value)
  const isNewest = last === slots && chunks.isNewest && cells.isNewest
  return { slots, module, since, blocks, pages, engine, logHash, chunks: own, cells: [...cells.found], isNewest }
}

function sameName(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.subarray(0, -8).every((byte, i) => byte === b[i])
}

function encodeCell(value: Uint8Array | undefined): Uint8Array {
  const cell = new Uint8Array(1 + (value?.length ?? 0))
  if (value !== undefined) {
    cell[0] = 1
    cell.set(value, 1)
  }
  return cell
}

function encodeManifest(delta: SnapshotDelta, blocks: number): Uint8Array {
  const writer = new CborWriter()
  writer.array(8)
  writer.uint(delta.slots)
  writer.uint(blocks)
  writer.uint(delta.pages)
  writer.bytes(delta.engine)
  writer.bytes(delta.logHash)
  writer.bytes(delta.stateRoot)
  writer.base64Url(delta.module)
  writer.uint(delta.since)
  return writer.finish()
}

/** Nothing for bytes that are no manifest: a checkpoint is a cache, and the feed makes it anew. */
function readManifest(bytes: Uint8Array): Manifest | undefined {
  try {
    const reader = new CborReader(bytes)
    reader.array()
    const [slots, blocks, pages] = [readSmall(reader), readSmall(reader), readSmall(reader)]
    const [engine, logHash, stateRoot] = [reader.bytes(), reader.bytes(), reader.bytes()]
    const [module, since] = [asModuleId(readId(reader)), readSmall(reader)]
    return { slots, blocks, pages, engine, logHash, stateRoot, module, since }
  } catch {
    return undefined
  }
}
