import {
  asModuleId,
  CborReader,
  CborWriter,
  concatBytes,
  type Lifecycle,
  type ModuleChange,
  MODULE_CHANGES_MAX,
  type ModuleId,
  readId,
  readSmall,
  type Slot,
  type SnapshotFact,
  SNAPSHOTS_AUTOMATIC_MAX,
  SNAPSHOTS_MAX,
  SNAPSHOTS_SIZE_MAX_BYTES,
} from '../../protocol/index.ts'
import type { CellTable } from './cell-table.ts'
import type { CellStore } from './cells.ts'
import { GuestLimit } from './guest-limit.ts'

/** Names in a table of their own, beside those of the program and the mailbox: the state root covers them all. */
const LIFECYCLE = 'l'
const DOCUMENT = 'd'
/** Documents lie in cells of the size that a guest's may have. */
const PART_BYTES = 64 * 1024

/**
 * Which module is in force, and the documents a process keeps, in cells of its own: so the state root commits to
 * both. A process that was never upgraded and never kept a document has no such cell.
 */
export class LifecycleCells {
  readonly #cells: CellTable<Uint8Array>
  readonly #spawned: ModuleId

  constructor({ lifecycle }: Pick<CellStore, 'lifecycle'>, spawned: ModuleId) {
    this.#cells = lifecycle
    this.#spawned = spawned
  }

  /** Whether anything differs from what the spawn made. */
  get isUsed(): boolean {
    return this.#cells.get(LIFECYCLE) !== undefined
  }

  read(): Lifecycle {
    const cell = this.#cells.get(LIFECYCLE)
    if (cell === undefined) return { module: this.#spawned, since: 0, changes: [], snapshots: [] }
    return decodeLifecycle(cell)
  }

  /** Memory begins anew after `slot`, under `module`. */
  began(module: ModuleId, slot: Slot): void {
    const before = this.read()
    const changes =
      module === before.module ? before.changes : [...before.changes, { module, slot }].slice(-MODULE_CHANGES_MAX)
    this.#write({ ...before, module, since: slot + 1, changes })
  }

  /** Keeps a document, in place of one of the same name. @throws {GuestLimit} */
  keep(fact: SnapshotFact, document: Uint8Array): void {
    this.forget(fact.name)
    const before = this.read()
    let snapshots = [...before.snapshots, fact]
    const automatic = snapshots.filter(one => one.isAutomatic)
    const oldest = automatic.slice(0, Math.max(0, automatic.length - SNAPSHOTS_AUTOMATIC_MAX))
    for (const { name } of oldest) this.#remove(name)
    snapshots = snapshots.filter(one => !oldest.includes(one))
    if (snapshots.length > SNAPSHOTS_MAX) {
      throw new GuestLimit('snapshot-limit', `more than ${SNAPSHOTS_MAX} snapshots: forget one first`)
    }
    const bytes = snapshots.reduce((sum, one) => sum + one.sizeBytes, 0)
    if (bytes > SNAPSHOTS_SIZE_MAX_BYTES) {
      throw new GuestLimit('snapshot-limit', `${bytes} bytes of snapshots: forget one first`)
    }
    this.#write({ ...before, snapshots })
    for (let at = 0; at === 0 || at < document.length; at += PART_BYTES) {
      this.#cells.put(partKey(fact.name, at), document.slice(at, at + PART_BYTES))
    }
  }

  /** The document of that name. */
  document({ name, sizeBytes }: SnapshotFact): Uint8Array {
    const parts: Uint8Array[] = []
    for (let at = 0; at === 0 || at < sizeBytes; at += PART_BYTES) {
      const part = this.#cells.get(partKey(name, at))
      if (part === undefined) throw new Error(`a part of snapshot ${name} is not there`)
      parts.push(part)
    }
    return concatBytes(...parts)
  }

  find(name: string): SnapshotFact | undefined {
    return this.read().snapshots.find(one => one.name === name)
  }

  /** Whether there was one of that name. */
  forget(name: string): boolean {
    const before = this.read()
    if (!before.snapshots.some(one => one.name === name)) return false
    this.#remove(name)
    this.#write({ ...before, snapshots: before.snapshots.filter(one => one.name !== name) })
    return true
  }

  #remove(name: string): void {
    for (let at = 0; this.#cells.get(partKey(name, at)) !== undefined; at += PART_BYTES) {
      this.#cells.put(partKey(name, at), undefined)
    }
  }

  #write(lifecycle: Lifecycle): void {
    this.#cells.put(LIFECYCLE, encodeLifecycle(lifecycle))
  }
}

const partKey = (name: string, at: number): string => `${DOCUMENT}${name}/${at / PART_BYTES}`

/** `[module, since, [module, slot, …], [[name, slot, module, size, automatic], …]]` */
export function encodeLifecycle(lifecycle: Lifecycle): Uint8Array {
  const writer = new CborWriter()
  writer.array(4)
  writer.base64Url(lifecycle.module)
  writer.uint(lifecycle.since)
  writer.array(lifecycle.changes.length * 2)
  for (const { module, slot } of lifecycle.changes) {
    writer.base64Url(module)
    writer.uint(slot)
  }
  writer.array(lifecycle.snapshots.length)
  for (const { name, slot, module, sizeBytes, isAutomatic } of lifecycle.snapshots) {
    writer.array(5)
    writer.text(name)
    writer.uint(slot)
    writer.base64Url(module)
    writer.uint(sizeBytes)
    writer.bool(isAutomatic)
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeLifecycle(bytes: Uint8Array): Lifecycle {
  const reader = new CborReader(bytes)
  reader.array()
  const module = asModuleId(readId(reader))
  const since = readSmall(reader)
  const changes: ModuleChange[] = []
  for (let left = reader.array(); left > 0; left -= 2) {
    changes.push({ module: asModuleId(readId(reader)), slot: readSmall(reader) })
  }
  const snapshots: SnapshotFact[] = []
  for (let left = reader.array(); left > 0; left--) {
    reader.array()
    snapshots.push({
      name: reader.text(),
      slot: readSmall(reader),
      module: asModuleId(readId(reader)),
      sizeBytes: readSmall(reader),
      isAutomatic: reader.bool(),
    })
  }
  return { module, since, changes, snapshots }
}
