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
} from '../protocol/index.ts'
import { toBytes, toCellKey } from './evaluation/cells.ts'
import type { ProcessSnapshot, SnapshotDelta } from './evaluation/frame-outcome.ts'
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
    const heads: CheckpointHead[] = []
    for await (const { key, value } of this.#store.range(rangeOf(storeKey('checkpoint', process)))) {
      const head = readManifest(value)
      if (head?.slots === lastNumber(key)) heads.push(head)
    }
    return heads
  }

  /** The state at checkpoint `slots`; whoever wakes waits for it, so all of it is read at once. */
  async read(process: ProcessId, slots: Slot): Promise<ReadCheckpoint | undefined> {
    const [manifests, chunks, cells] = await Promise.all([
      this.#manifestsFrom(process, slots),
      this.#chunksAt(process, slots),
      this.#cellsAt(process, slots),
    ])
    const [first] = manifests.found
    const manifest = first && readManifest(first)
    if (manifest?.slots !== slots) return undefined
    const { module, since, pages, engine, logHash, blocks } = manifest
    const own = new Map<number, Uint8Array>()
    for (const [index, { at, value }] of chunks.found) if (at >= since) own.set(index, value)
    const isNewest = manifests.found.length === 1 && chunks.isNewest && cells.isNewest
    const state = { slots, module, since, blocks, pages, engine, logHash, chunks: own, cells: [...cells.found] }
    return { ...state, isNewest }
  }

  async #manifestsFrom(process: ProcessId, slots: Slot): Promise<{ readonly found: readonly Uint8Array[] }> {
    const gte = storeKey('checkpoint', process, bigEndian64(slots))
    const { lt } = rangeOf(storeKey('checkpoint', process))
    const found: Uint8Array[] = []
    for await (const { value } of this.#store.range({ gte, lt })) found.push(value)
    return { found }
  }

  /** The newest version of each chunk up to `slots`. */
  async #chunksAt(process: ProcessId, slots: Slot) {
    const prefix = storeKey('chunk', process)
    const found = new Map<number, { readonly at: Slot; readonly value: Uint8Array }>()
    let isNewest = true
    for await (const { key, value } of this.#store.range(rangeOf(prefix))) {
      const at = lastNumber(key)
      if (at > slots) isNewest = false
      else found.set(new DataView(key.buffer, key.byteOffset + prefix.length, 4).getUint32(0), { at, value })
    }
    return { found, isNewest }
  }

  async #cellsAt(process: ProcessId, slots: Slot) {
    const prefix = storeKey('cell', process)
    const found = new Map<CellKey, Uint8Array>()
    let isNewest = true
    for await (const { key, value } of this.#store.range(rangeOf(prefix))) {
      if (lastNumber(key) > slots) {
        isNewest = false
        continue
      }
      const name = toCellKey(key.subarray(prefix.length + 4, key.length - 8))
      if (value[0] === 0) found.delete(name)
      else found.set(name, value.subarray(1))
    }
    return { found, isNewest }
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
