import { type Cells, CborReader, CborWriter, CHUNK_SIZE_BYTES, concatBytes } from '../../../protocol/index.ts'
import { SNAPSHOTS_MAX, SNAPSHOTS_MAX_BYTES } from '../bounds.ts'
import { Rejected } from '../canister-trap.ts'
import { CODE, type Machine, type MachineHome } from '../machine.ts'
import { getPieces, keysUnder, putPieces, removePieces } from '../pieces.ts'
import { numbered } from '../records.ts'
import type { Slot } from '../slot.ts'
import { decodeState } from '../state.ts'
import type { SnapshotFacts } from './replies.ts'

const HEADS = 's/'
/** Gas of a byte that is copied into cells or out of them, where it is hashed. */
const COPY_BYTE_GAS = 4n
const memoryOf = (number: number): string => `${numbered('S/', number)}/m/`
const codeOf = (number: number): string => `${numbered('S/', number)}/c/`

/** What is kept of a snapshot besides its memory and code. */
interface Head extends SnapshotFacts {
  readonly number: number
  readonly memoryBytes: number
  readonly state: Uint8Array
}

/** The id of a snapshot: its number, and the canister's principal, as on the IC. */
function idOf(machine: Machine, number: number): Uint8Array {
  const bytes = new Uint8Array(8)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number))
  return concatBytes(bytes, machine.names.self)
}

export function listSnapshots(machine: Machine, cells: Cells): Head[] {
  return keysUnder(cells, HEADS).map(key => readHead(machine, cells, Number(key.slice(HEADS.length))))
}

/** Keeps code, memories and certified data as they are now; `replaced` makes room, if all else holds. @throws {Rejected} */
export function takeSnapshot(machine: Machine, slot: Slot, replaced: Uint8Array | undefined): Head {
  const { cells } = slot
  const { state } = machine
  const known = listSnapshots(machine, cells)
  const leaving = replaced && findSnapshot(machine, cells, replaced)
  if (known.length - (leaving === undefined ? 0 : 1) >= SNAPSHOTS_MAX) {
    throw new Rejected('IC0402', `a canister has at most ${SNAPSHOTS_MAX} snapshots`, 4)
  }
  if (state.codeHash === undefined) throw new Rejected('IC0537', 'the canister contains no Wasm module', 5)
  const largestBytes = machine.memoryBytes + state.codeBytes
  const keptBytes = known.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - (leaving?.sizeBytes ?? 0)
  if (keptBytes + largestBytes > SNAPSHOTS_MAX_BYTES) {
    throw new Rejected('IC0402', `the snapshots of a canister have at most ${SNAPSHOTS_MAX_BYTES} bytes`, 4)
  }
  spendOnCopy(largestBytes, slot)
  if (leaving !== undefined) removeSnapshot(cells, leaving.number)
  const number = state.nextSnapshot
  machine.change({ nextSnapshot: number + 1 })
  const memory = memoryBytes(machine)
  putPieces(cells, memoryOf(number), memory)
  if (!state.ownCode) putPieces(cells, codeOf(number), getPieces(cells, CODE, state.codeBytes))
  const stateBytes = machine.engine()
  const sizeBytes = memory.length + state.codeBytes
  const head: Head = { number, id: idOf(machine, number), takenNs: slot.nowNs, sizeBytes, memoryBytes: memory.length, state: stateBytes }
  writeHead(cells, head)
  return head
}

/** @throws {Rejected} if there is too little gas to copy so much */
function spendOnCopy(bytes: number, slot: Slot): void {
  const gas = COPY_BYTE_GAS * BigInt(bytes)
  if (gas > slot.left) throw new Rejected('IC0522', `a snapshot of ${bytes} bytes takes ${gas} instructions, and ${slot.left} are left`)
  slot.spend(gas)
}

/** `[number of chunks] [index] … chunk …`, little-endian, chunks in order of their indexes; those that are zero are left out. */
function memoryBytes({ kept }: Machine): Uint8Array {
  const indexes = [...kept.indexes()].filter(index => kept.get(index).some(byte => byte !== 0)).sort((a, b) => a - b)
  const bytes = new Uint8Array(4 + 4 * indexes.length + CHUNK_SIZE_BYTES * indexes.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, indexes.length, true)
  for (const [at, index] of indexes.entries()) {
    view.setUint32(4 + 4 * at, index, true)
    bytes.set(kept.get(index), 4 + 4 * indexes.length + CHUNK_SIZE_BYTES * at)
  }
  return bytes
}

function chunksIn(bytes: Uint8Array): Map<number, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const count = view.getUint32(0, true)
  const chunks = new Map<number, Uint8Array>()
  for (let at = 0; at < count; at++) {
    const start = 4 + 4 * count + CHUNK_SIZE_BYTES * at
    chunks.set(view.getUint32(4 + 4 * at, true), bytes.subarray(start, start + CHUNK_SIZE_BYTES))
  }
  return chunks
}

/** Puts the canister back to a snapshot; what it is called, who controls it and what it has to spend stay. @throws {Rejected} */
export function loadSnapshot(machine: Machine, home: MachineHome, slot: Slot, id: Uint8Array): void {
  const { cells } = slot
  const head = findSnapshot(machine, cells, id)
  spendOnCopy(head.sizeBytes + machine.memoryBytes, slot)
  const before = decodeState(head.state)
  const { codeHash, ownCode, codeBytes, heapPages, stablePages, globals, certified } = before
  const chunks = chunksIn(getPieces(cells, memoryOf(head.number), head.memoryBytes))
  const code = ownCode ? (home.ownCode ?? new Uint8Array(0)) : getPieces(cells, codeOf(head.number), codeBytes)
  const prepared = home.code(codeHash, () => code)
  machine.replaceMemory(prepared, chunks, {
    codeHash, ownCode, codeBytes, heapPages, stablePages, globals, certified, timerNs: 0n, version: machine.state.version + 1n,
  })
  if (!ownCode) putPieces(cells, CODE, code)
}

export function deleteSnapshot(machine: Machine, cells: Cells, id: Uint8Array): void {
  removeSnapshot(cells, findSnapshot(machine, cells, id).number)
}

function removeSnapshot(cells: Cells, number: number): void {
  cells.delete(numbered(HEADS, number))
  removePieces(cells, memoryOf(number))
  removePieces(cells, codeOf(number))
}

function findSnapshot(machine: Machine, cells: Cells, id: Uint8Array): Head {
  const found = listSnapshots(machine, cells).find(one => one.id.join() === id.join())
  if (found === undefined) throw new Rejected('IC0305', 'Could not find the snapshot with that id for the canister', 3)
  return found
}

function writeHead(cells: Cells, head: Head): void {
  const writer = new CborWriter()
  writer.array(4)
  writer.uint(head.takenNs)
  writer.uint(head.sizeBytes)
  writer.uint(head.memoryBytes)
  writer.bytes(head.state)
  cells.set(numbered(HEADS, head.number), writer.finish())
}

function readHead(machine: Machine, cells: Cells, number: number): Head {
  const reader = new CborReader(cells.get(numbered(HEADS, number)) ?? new Uint8Array(0))
  reader.array()
  const takenNs = BigInt(reader.uint())
  const [sizeBytes, memoryBytes] = [Number(reader.uint()), Number(reader.uint())]
  return { number, id: idOf(machine, number), takenNs, sizeBytes, memoryBytes, state: reader.bytes() }
}

/** Bytes of all snapshots. */
export function snapshotBytes(machine: Machine, cells: Cells): number {
  return listSnapshots(machine, cells).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}
