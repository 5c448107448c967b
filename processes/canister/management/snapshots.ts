import { type CellKey, type Cells, CHUNK_SIZE_BYTES, principalText } from '../../../protocol/index.ts'
import { CHUNKS_PER_PAGE } from '../../rewriter/index.ts'
import { PIECE_BYTES } from '../bounds.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import { type CanisterCode, checkBounds } from '../code.ts'
import { STABLE_BASE } from '../kept-chunks.ts'
import { CODE, type Machine, type MachineHome } from '../machine.ts'
import { getPieces, putPieces } from '../pieces.ts'
import type { Slot } from '../slot.ts'
import { readSparse, sparsePieces, writeSparse } from '../sparse-pieces.ts'
import { decodeState } from '../state.ts'
import { chunkBytes, copyChunks } from './chunk-store.ts'
import { spendOnCode } from './install.ts'
import {
  addSnapshot,
  findSnapshot,
  placesOf,
  removeSnapshot,
  type Snapshot,
  type SnapshotHead,
  type SnapshotPlaces,
} from './snapshot-store.ts'

/** Gas of a byte that is copied into cells or out of them, where it is hashed. */
const COPY_BYTE_GAS = 4n
const PAGE_BYTES = 65_536
const NO_BYTES = new Uint8Array(0)

/** Keeps code, memories, uploads and certified data as they are now; `replaced` makes room, if all else holds. @throws {Rejected} */
export function takeSnapshot(machine: Machine, slot: Slot, replaced: Uint8Array | undefined): Snapshot {
  const { cells } = slot
  const { state } = machine
  const code = machine.code(cells)
  if (code === undefined) {
    const name = principalText(machine.names.self)
    throw new Rejected('IC0406', `Failed to create snapshot for empty canister ${name}`, REJECT.canister)
  }
  const addedBytes = machine.memoryBytes + state.codeBytes + chunkBytes(cells)
  spendOnCopy(addedBytes, slot)
  const { codeBytes, ownCode, heapPages, stablePages, certified, timerNs, toldLowMemory, version } = state
  const globals = decodeState(machine.engine()).globals as Uint8Array
  const parts = { codeBytes, ownCode, heapPages, stablePages, certified, timerNs, toldLowMemory, version, globals }
  const globalTypes = code.globals.map(({ type }) => type)
  const snapshot = addSnapshot(
    machine,
    cells,
    { ...parts, takenNs: slot.nowNs, isUploaded: false, globalTypes, revision: 0 },
    { addedBytes, replaced },
  )
  const places = placesOf(snapshot)
  keepMemory(machine, cells, places)
  if (!ownCode) putPieces(cells, places.code, getPieces(cells, CODE, codeBytes))
  copyChunks(cells, '', places.chunks)
  return snapshot
}

/** @throws {Rejected} if there is too little gas to copy so much */
export function spendOnCopy(bytes: number, slot: Slot): void {
  const gas = COPY_BYTE_GAS * BigInt(bytes)
  if (gas > slot.left)
    throw new Rejected('IC0522', `a snapshot of ${bytes} bytes takes ${gas} instructions, and ${slot.left} are left`)
  slot.spend(gas)
}

/** A cell is a page, and holds its chunks. */
function keepMemory(
  { kept }: Machine,
  cells: Cells,
  { heap, stable }: { readonly heap: CellKey; readonly stable: CellKey },
): void {
  const pages = new Set([...kept.indexes()].map(index => Math.floor(index / CHUNKS_PER_PAGE)))
  const page = new Uint8Array(PIECE_BYTES)
  for (const number of pages) {
    for (let at = 0; at < CHUNKS_PER_PAGE; at++)
      page.set(kept.get(number * CHUNKS_PER_PAGE + at), at * CHUNK_SIZE_BYTES)
    const isStable = number >= STABLE_PAGE
    writeSparse(cells, isStable ? stable : heap, (number - (isStable ? STABLE_PAGE : 0)) * PIECE_BYTES, page)
  }
}

const STABLE_PAGE = STABLE_BASE / CHUNKS_PER_PAGE

/** Puts the canister back to a snapshot of its own; what it is called, who controls it and what it has to spend stay. @throws {Rejected} */
export function loadSnapshot(machine: Machine, home: MachineHome, slot: Slot, id: Uint8Array): Snapshot {
  const snapshot = findSnapshot(machine, slot.cells, id)
  loadFrom(placesOf(snapshot), snapshot, { machine, home, slot, isKnown: !snapshot.isUploaded })
  return snapshot
}

/** Puts what stands in `places` in the place of all the canister is; `isKnown` says that it has been run here. @throws {Rejected} */
export function loadFrom(
  places: SnapshotPlaces,
  snapshot: SnapshotHead,
  {
    machine,
    home,
    slot,
    isKnown,
  }: { readonly machine: Machine; readonly home: MachineHome; readonly slot: Slot; readonly isKnown: boolean },
): void {
  const { cells } = slot
  const { ownCode, isUploaded, codeBytes, heapPages, stablePages, globals, certified } = snapshot
  const snapshotBytes = codeBytes + (heapPages + stablePages) * PAGE_BYTES + chunkBytes(cells, places.chunks)
  spendOnCopy(snapshotBytes + machine.memoryBytes + chunkBytes(cells), slot)
  const bytes = ownCode ? (home.ownCode ?? NO_BYTES) : readSparse(cells, places.code, 0, codeBytes)
  if (!isKnown) spendOnCode(bytes, slot)
  const code = home.code(undefined, () => bytes)
  if (!isKnown) checkBounds(code)
  checkFits(code, snapshot)
  // As on the IC, timers are those of the canister, unless whoever uploaded the snapshot said others.
  const told = isUploaded ? snapshot : { timerNs: undefined, toldLowMemory: undefined }
  const { timerNs = machine.state.timerNs, toldLowMemory = machine.state.toldLowMemory } = told
  const chunks = new Map([...chunksOf(cells, places.heap, 0), ...chunksOf(cells, places.stable, STABLE_BASE)])
  machine.replaceMemory(code, chunks, {
    codeHash: code.hash,
    ownCode,
    codeBytes,
    heapPages,
    stablePages,
    globals,
    certified,
    timerNs,
    toldLowMemory,
    version: machine.state.version + 1n,
    installedNs: slot.nowNs,
  })
  if (!ownCode) putPieces(cells, CODE, bytes)
  copyChunks(cells, places.chunks, '')
}

/** What was uploaded may be anything. @throws {Rejected} */
function checkFits({ globals, pagesMin, pagesMax }: CanisterCode, snapshot: SnapshotHead): void {
  const types = globals.map(({ type }) => type).join(' ')
  if (types !== snapshot.globalTypes.join(' ')) {
    throw new Rejected(
      'IC0408',
      `the module has the mutable globals (${types}), and the snapshot (${snapshot.globalTypes.join(' ')})`,
    )
  }
  if (snapshot.heapPages < pagesMin || snapshot.heapPages > pagesMax) {
    throw new Rejected(
      'IC0408',
      `the module has a memory of ${pagesMin} to ${pagesMax} pages, and the snapshot ${snapshot.heapPages}`,
    )
  }
}

/** Chunks that are not zero. */
function* chunksOf(cells: Cells, place: CellKey, base: number): Generator<[number, Uint8Array]> {
  for (const [page, bytes] of sparsePieces(cells, place)) {
    for (let at = 0; at < CHUNKS_PER_PAGE; at++) {
      const chunk = bytes.subarray(at * CHUNK_SIZE_BYTES, (at + 1) * CHUNK_SIZE_BYTES)
      if (chunk.some(byte => byte !== 0)) yield [base + page * CHUNKS_PER_PAGE + at, chunk]
    }
  }
}

export function deleteSnapshot(machine: Machine, cells: Cells, id: Uint8Array): void {
  removeSnapshot(cells, findSnapshot(machine, cells, id))
}
