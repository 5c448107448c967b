/** Snapshots as bytes that go out and come in: to keep them elsewhere, or to move a canister. */
import { type CandidValue, type CellKey, MEMORY_MAX_PAGES } from '../../../protocol/index.ts'
import { encodeGlobals, GLOBAL_TYPES, type GlobalType } from '../../actor/engine-state.ts'
import { CERTIFIED_DATA_MAX_BYTES, CODE_MAX_BYTES, SNAPSHOT_PIECE_MAX_BYTES, STABLE_PAGES_MAX } from '../bounds.ts'
import { Rejected } from '../canister-trap.ts'
import type { Machine, MachineHome } from '../machine.ts'
import type { Slot } from '../slot.ts'
import { readSparse, writeSparse } from '../sparse-pieces.ts'
import { readChunk, uploadChunk } from './chunk-store.ts'
import { type Fields, integerOf, recordOf, variantOf } from './fields.ts'
import {
  addSnapshot,
  checkRoom,
  findSnapshot,
  placesOf,
  revise,
  type Snapshot,
  snapshotBytes,
  type SnapshotHead,
} from './snapshot-store.ts'
import { spendOnCopy } from './snapshots.ts'

const PAGE_BYTES = 65_536
const GLOBALS_MAX = 10_000
const KINDS = ['wasm_module', 'wasm_memory', 'stable_memory', 'wasm_chunk'] as const

/** A piece of a snapshot. @throws {Rejected} */
export function readSnapshotData(
  { machine, home }: { machine: Machine; home: MachineHome },
  fields: Fields,
  slot: Slot,
): Uint8Array {
  const snapshot = findSnapshot(machine, slot.cells, fields.blob('snapshot_id'))
  const { name, value } = fields.variant('kind', KINDS)
  const wanted = recordOf(value, 'kind')
  if (name === 'wasm_chunk') {
    const chunk = readChunk(slot.cells, wanted.blob('hash'), placesOf(snapshot).chunks)
    spendOnCopy(chunk.length, slot)
    return chunk
  }
  const { place, sizeBytes } = rangeOf(snapshot, name)
  const [offset, size] = [wanted.nat('offset'), wanted.nat('size')]
  if (size > BigInt(SNAPSHOT_PIECE_MAX_BYTES))
    throw new Rejected('IC0408', `Requested slice too large: ${size} > ${SNAPSHOT_PIECE_MAX_BYTES}`)
  checkRange(name, offset, size, sizeBytes)
  spendOnCopy(Number(size), slot)
  if (name === 'wasm_module' && snapshot.ownCode)
    return (home.ownCode ?? new Uint8Array(0)).slice(Number(offset), Number(offset + size))
  return readSparse(slot.cells, place, Number(offset), Number(size))
}

/** A snapshot whose bytes are uploaded later, and are zero until then. @throws {Rejected} */
export function uploadSnapshotMetadata(machine: Machine, fields: Fields, slot: Slot): Snapshot {
  const codeBytes = Number(fields.nat('wasm_module_size'))
  if (codeBytes > CODE_MAX_BYTES) throw new Rejected('IC0408', `code has at most ${CODE_MAX_BYTES} bytes`)
  const certified = fields.blob('certified_data').slice()
  if (certified.length > CERTIFIED_DATA_MAX_BYTES)
    throw new Rejected('IC0408', `certified data have at most ${CERTIFIED_DATA_MAX_BYTES} bytes`)
  const heapPages = pagesOf(fields, 'wasm_memory_size', MEMORY_MAX_PAGES)
  const stablePages = pagesOf(fields, 'stable_memory_size', STABLE_PAGES_MAX)
  const globals = globalsOf(fields.list('globals'))
  const globalTypes = globals.map(([type]) => type)
  const snapshot: SnapshotHead = {
    isUploaded: true,
    ownCode: false,
    takenNs: slot.nowNs,
    version: machine.state.version,
    codeBytes,
    certified,
    heapPages,
    stablePages,
    globalTypes,
    globals: encodeGlobals(
      globalTypes,
      globals.map(([, value]) => value),
    ),
    timerNs: timerOf(fields),
    toldLowMemory: hookOf(fields),
    revision: 0,
  }
  const addedBytes = codeBytes + (heapPages + stablePages) * PAGE_BYTES
  return addSnapshot(machine, slot.cells, snapshot, { addedBytes, replaced: fields.blobIf('replace_snapshot') })
}

/** @throws {Rejected} also of a snapshot that was taken: it is what the canister was */
export function uploadSnapshotData(machine: Machine, fields: Fields, slot: Slot): void {
  const { cells } = slot
  const snapshot = findSnapshot(machine, cells, fields.blob('snapshot_id'))
  if (!snapshot.isUploaded)
    throw new Rejected('IC0409', 'Only canister snapshots created by metadata upload can be mutated.')
  const { name, value } = fields.variant('kind', KINDS)
  const chunk = fields.blob('chunk')
  spendOnCopy(chunk.length, slot)
  if (name === 'wasm_chunk') {
    checkRoom(snapshotBytes(machine, cells) + chunk.length)
    uploadChunk(cells, chunk, placesOf(snapshot).chunks)
    revise(cells, snapshot)
    return
  }
  const { place, sizeBytes } = rangeOf(snapshot, name)
  const offset = recordOf(value, 'kind').nat('offset')
  checkRange(name, offset, BigInt(chunk.length), sizeBytes)
  writeSparse(cells, place, Number(offset), chunk)
  revise(cells, snapshot)
}

function rangeOf(
  snapshot: Snapshot,
  kind: 'wasm_module' | 'wasm_memory' | 'stable_memory',
): { readonly place: CellKey; readonly sizeBytes: number } {
  const { code, heap, stable } = placesOf(snapshot)
  switch (kind) {
    case 'wasm_module':
      return { place: code, sizeBytes: snapshot.codeBytes }
    case 'wasm_memory':
      return { place: heap, sizeBytes: snapshot.heapPages * PAGE_BYTES }
    case 'stable_memory':
      return { place: stable, sizeBytes: snapshot.stablePages * PAGE_BYTES }
  }
}

function checkRange(kind: string, offset: bigint, size: bigint, sizeBytes: number): void {
  if (offset + size <= BigInt(sizeBytes)) return
  throw new Rejected('IC0408', `Invalid subslice into ${kind}: offset ${offset} + size ${size} > ${sizeBytes}`)
}

function pagesOf(fields: Fields, name: string, max: number): number {
  const bytes = fields.nat(name)
  if (bytes % BigInt(PAGE_BYTES) !== 0n) throw new Rejected('IC0408', `${name} is a multiple of ${PAGE_BYTES}`)
  if (bytes > BigInt(max * PAGE_BYTES)) throw new Rejected('IC0402', `${name} is at most ${max * PAGE_BYTES}`)
  return Number(bytes) / PAGE_BYTES
}

function globalsOf(list: readonly CandidValue[]): (readonly [type: GlobalType, value: number | bigint])[] {
  if (list.length > GLOBALS_MAX) throw new Rejected('IC0408', `a module has at most ${GLOBALS_MAX} globals`)
  return list.map(one => {
    const { name: type, value } = variantOf(one, 'globals', GLOBAL_TYPES)
    switch (type) {
      case 'i64':
        return [type, integerOf(value, 'globals', 64, true)] as const
      case 'i32':
        return [type, Number(integerOf(value, 'globals', 32, true))] as const
      default:
        if (typeof value !== 'number') throw new Rejected('IC0408', `globals: expected ${type}`)
        return [type, value] as const
    }
  })
}

function timerOf(fields: Fields): bigint | undefined {
  const timer = fields.variantIf('global_timer', ['inactive', 'active'])
  if (timer === undefined) return undefined
  return timer.name === 'inactive' ? 0n : integerOf(timer.value, 'global_timer', 64, false)
}

/** Who is ready to be told has not been told. */
function hookOf(fields: Fields): boolean | undefined {
  const hook = fields.variantIf('on_low_wasm_memory_hook_status', ['condition_not_satisfied', 'ready', 'executed'])
  return hook && hook.name === 'executed'
}
