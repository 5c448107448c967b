import {
  type CellKey,
  type Cells,
  CborReader,
  CborWriter,
  CELL_VALUE_MAX_BYTES,
  concatBytes,
  equalBytes,
  MalformedBytes,
  mayNameProcess,
  principalText,
  toHex,
} from '../../../protocol/index.ts'
import { keysUnder, numbered } from '../cell-keys.ts'
import { SNAPSHOTS_MAX, SNAPSHOTS_MAX_BYTES } from '../bounds.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import type { Machine } from '../machine.ts'
import { removePieces } from '../pieces.ts'
import { GLOBAL_TYPES, type GlobalType } from '../../actor/engine-state.ts'
import { chunkBytes } from './chunk-store.ts'

const HEADS = 's/'
const PAGE_BYTES = 65_536
/** Of all globals, with a byte for the type of each; what else the head holds is short. */
const GLOBALS_MAX_BYTES = CELL_VALUE_MAX_BYTES - 512

/** What is kept of a snapshot besides its bytes, which stand in cells of their own and can be read and written anywhere. */
export interface Snapshot {
  readonly number: number
  readonly id: Uint8Array
  readonly takenNs: bigint
  readonly version: bigint
  /** Whether it was uploaded: then it may still be added to, and was never run. */
  readonly isUploaded: boolean
  /** The code is the module of the process: it stands in no cell. */
  readonly ownCode: boolean
  readonly codeBytes: number
  readonly heapPages: number
  readonly stablePages: number
  readonly globalTypes: readonly GlobalType[]
  /** Their values, as the state has them. */
  readonly globals: Uint8Array
  readonly certified: Uint8Array
  /** 0: none is set. Nothing: loading leaves it as it is. */
  readonly timerNs: bigint | undefined
  readonly toldLowMemory: boolean | undefined
  /** How often something was uploaded to it: two reads of one revision are of the same bytes. */
  readonly revision: number
}

/** What a snapshot is, wherever it lies. */
export type SnapshotHead = Omit<Snapshot, 'number' | 'id'>

/** Where the bytes of a snapshot stand. */
export interface SnapshotPlaces {
  readonly code: CellKey
  readonly heap: CellKey
  readonly stable: CellKey
  readonly chunks: CellKey
}

export const placesOf = ({ number }: Pick<Snapshot, 'number'>): SnapshotPlaces => placesUnder(allOf(number))

export const placesUnder = (all: CellKey): SnapshotPlaces => ({
  code: `${all}c/`,
  heap: `${all}h/`,
  stable: `${all}t/`,
  chunks: all,
})

const allOf = (number: number): CellKey => `${numbered('S/', number)}/`

/** The id of a snapshot: its number, and the canister's principal, as on the IC. */
function idOf(machine: Machine, number: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number))
  return concatBytes(bytes, machine.names.self)
}

/** Bytes of a snapshot: what it would take to hold all of it, whatever of it is zero. */
export function sizeOf(
  cells: Cells,
  { number, codeBytes, heapPages, stablePages }: Pick<Snapshot, 'number' | 'codeBytes' | 'heapPages' | 'stablePages'>,
): number {
  return codeBytes + (heapPages + stablePages) * PAGE_BYTES + chunkBytes(cells, allOf(number))
}

export function listSnapshots(machine: Machine, cells: Cells): Snapshot[] {
  return keysUnder(cells, HEADS).map(key => readHead(machine, cells, Number(key.slice(HEADS.length))))
}

export function snapshotBytes(machine: Machine, cells: Cells): number {
  return listSnapshots(machine, cells).reduce((sum, one) => sum + sizeOf(cells, one), 0)
}

/** @throws {Rejected} `IC0305` */
export function findSnapshot(machine: Machine, cells: Cells, id: Uint8Array): Snapshot {
  const found = listSnapshots(machine, cells).find(one => equalBytes(one.id, id))
  if (found === undefined) throw noSnapshot(id, machine.names.self)
  return found
}

export const noSnapshot = (id: Uint8Array, canister: Uint8Array): Rejected =>
  new Rejected(
    'IC0305',
    `Could not find the snapshot ID ${toHex(id)} for canister ${principalText(canister)}.`,
    REJECT.destination,
  )

/** The canister that a snapshot belongs to, as its id tells; nothing, if no canister can have made such an id. */
export const ownerOf = (id: Uint8Array): Uint8Array | undefined =>
  mayNameProcess(id.subarray(8)) ? id.slice(8) : undefined

/**
 * Makes a snapshot of `addedBytes` whose bytes are still to come; `replaced` goes, if there is room without it.
 * @throws {Rejected} `IC0402`, `IC0305`
 */
export function addSnapshot(
  machine: Machine,
  cells: Cells,
  parts: SnapshotHead,
  { addedBytes, replaced }: { readonly addedBytes: number; readonly replaced: Uint8Array | undefined },
): Snapshot {
  checkHead(parts)
  const known = listSnapshots(machine, cells)
  const leaving = replaced && findSnapshot(machine, cells, replaced)
  if (known.length - (leaving === undefined ? 0 : 1) >= SNAPSHOTS_MAX) {
    const name = principalText(machine.names.self)
    const message = `Canister ${name} has reached the maximum number of snapshots allowed: ${SNAPSHOTS_MAX}.`
    throw new Rejected('IC0406', message, REJECT.canister)
  }
  const kept = known.filter(one => one !== leaving && one.number !== leaving?.number)
  checkRoom(kept.reduce((sum, one) => sum + sizeOf(cells, one), addedBytes))
  if (leaving !== undefined) removeSnapshot(cells, leaving)
  const number = machine.state.nextSnapshot
  machine.change({ nextSnapshot: number + 1 })
  const snapshot = { ...parts, number, id: idOf(machine, number) }
  writeHead(cells, snapshot)
  return snapshot
}

/** The head is one cell: a slot that would write more ends without an answer for anybody. @throws {Rejected} `IC0402` */
export function checkHead({ globals, globalTypes }: Pick<Snapshot, 'globals' | 'globalTypes'>): void {
  if (globals.length + globalTypes.length <= GLOBALS_MAX_BYTES) return
  throw new Rejected(
    'IC0402',
    `the globals of a snapshot have at most ${GLOBALS_MAX_BYTES} bytes, and one for the type of each`,
    4,
  )
}

/** @throws {Rejected} `IC0402` */
export function checkRoom(bytes: number): void {
  if (bytes > SNAPSHOTS_MAX_BYTES)
    throw new Rejected('IC0402', `the snapshots of a canister have at most ${SNAPSHOTS_MAX_BYTES} bytes`, 4)
}

export function removeSnapshot(cells: Cells, { number }: Pick<Snapshot, 'number'>): void {
  cells.delete(numbered(HEADS, number))
  removePieces(cells, allOf(number))
}

/** Something was uploaded to it. */
export function revise(cells: Cells, snapshot: Snapshot): void {
  writeHead(cells, { ...snapshot, revision: snapshot.revision + 1 })
}

function writeHead(cells: Cells, snapshot: Snapshot): void {
  cells.set(numbered(HEADS, snapshot.number), encodeHead(snapshot))
}

export function encodeHead(snapshot: SnapshotHead): Uint8Array {
  const writer = new CborWriter()
  writer.array(snapshot.revision === 0 ? 12 : 13)
  writer.uint(snapshot.takenNs)
  writer.uint(snapshot.version)
  writer.bool(snapshot.isUploaded)
  writer.bool(snapshot.ownCode)
  writer.uint(snapshot.codeBytes)
  writer.uint(snapshot.heapPages)
  writer.uint(snapshot.stablePages)
  writer.bytes(Uint8Array.from(snapshot.globalTypes, type => GLOBAL_TYPES.indexOf(type)))
  writer.bytes(snapshot.globals)
  writer.bytes(snapshot.certified)
  if (snapshot.timerNs === undefined) writer.null()
  else writer.uint(snapshot.timerNs)
  if (snapshot.toldLowMemory === undefined) writer.null()
  else writer.bool(snapshot.toldLowMemory)
  if (snapshot.revision > 0) writer.uint(snapshot.revision)
  return writer.finish()
}

function readHead(machine: Machine, cells: Cells, number: number): Snapshot {
  const head = decodeHead(cells.get(numbered(HEADS, number)) ?? new Uint8Array(0))
  return { number, id: idOf(machine, number), ...head }
}

/** @throws {MalformedBytes} */
export function decodeHead(bytes: Uint8Array): SnapshotHead {
  const reader = new CborReader(bytes)
  const items = reader.array()
  if (items !== 12 && items !== 13) throw new MalformedBytes('head of a snapshot: expected 12 or 13 fields', 0)
  const head = {
    takenNs: BigInt(reader.uint()),
    version: BigInt(reader.uint()),
    isUploaded: reader.bool(),
    ownCode: reader.bool(),
    codeBytes: Number(reader.uint()),
    heapPages: Number(reader.uint()),
    stablePages: Number(reader.uint()),
    globalTypes: [...reader.bytes()].map(type => GLOBAL_TYPES[type] ?? 'i32'),
    globals: reader.bytes().slice(),
    certified: reader.bytes().slice(),
    timerNs: reader.isNull() ? (reader.null() ?? undefined) : BigInt(reader.uint()),
    toldLowMemory: reader.isNull() ? (reader.null() ?? undefined) : reader.bool(),
    revision: items > 12 ? Number(reader.uint()) : 0,
  }
  reader.end()
  return head
}
