/**
 * A snapshot that belongs to another canister: it is fetched from there, and loaded when all of it is here.
 *
 * 1. What is loaded stands in the feed of the canister that loads it, in answers of the snapshot's: whoever replays that feed has
 *    every byte, and needs neither the other canister nor anybody's store.
 * 2. Each answer says what the snapshot is, revision and all. Bytes of two revisions are never put together: a snapshot that was
 *    taken has one, and one to which something is uploaded meanwhile is not loaded.
 * 3. Nothing that comes is believed: it is checked like a snapshot that somebody uploaded.
 * 4. The snapshot's canister checks that it has the caller for a controller. Who the caller is it hears from the canister that asks, as of
 *    chunks: snapshots are no secret, since what makes them stands in feeds.
 */
import {
  candidFields,
  candidRecord,
  type CandidType,
  CborReader,
  CborWriter,
  type CellKey,
  type Cells,
  encodeCandid,
  equalBytes,
  MEMORY_MAX_PAGES,
} from '../../../protocol/index.ts'
import { decodeGlobals, encodeGlobals } from '../../actor/engine-state.ts'
import {
  CERTIFIED_DATA_MAX_BYTES,
  CODE_MAX_BYTES,
  PIECE_BYTES,
  STABLE_PAGES_MAX,
  UPLOAD_CHUNKS_MAX,
} from '../bounds.ts'
import type { CallRequest } from '../call-request.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import { removePieces } from '../pieces.ts'
import type { Slot } from '../slot.ts'
import { writeSparse } from '../sparse-pieces.ts'
import { chunkBytes, uploadChunk } from './chunk-store.ts'
import { askFor, type Errand, ERRAND_ITEMS, type ErrandKind, readErrand, writeErrand } from './errand.ts'
import type { Fields } from './fields.ts'
import { remember } from './history.ts'
import type { InstallParts } from './install.ts'
import {
  checkHead,
  checkRoom,
  decodeHead,
  noSnapshot,
  ownerOf,
  placesUnder,
  type SnapshotHead,
} from './snapshot-store.ts'
import { CHUNKS, decodePieces, follows, type Place, READ_PIECES, readPlace, writePlace } from './snapshot-pieces.ts'
import { loadFrom, spendOnCopy } from './snapshots.ts'

/** The cell of the load that is under way; below it are what the snapshot is, and what was fetched. */
const LOADING: CellKey = 'f'
const FETCHED: CellKey = 'f/'
const HEAD: CellKey = 'f/a'
const PAGE_BYTES = 65_536
const NO_BYTES = new Uint8Array(0)
const BLOB: CandidType = { vec: 'nat8' }
const WISH: CandidType = {
  record: candidFields({ canister_id: 'principal', caller: 'principal', target: 'principal', id: BLOB, after: BLOB }),
}

interface Loading extends Errand {
  readonly id: Uint8Array
  /** What the snapshot is; empty before the first answer. */
  readonly head: Uint8Array
  /** The last piece that is here. */
  readonly after: Place | undefined
}

/** The canister whose snapshot is to be loaded, if it is another. @throws {Rejected} */
export function snapshotElsewhere(fields: Fields, self: Uint8Array): Uint8Array | undefined {
  const id = fields.blob('snapshot_id')
  const owner = ownerOf(id)
  return owner === undefined || equalBytes(owner, self) ? undefined : owner
}

/** @throws {Rejected} if something waits for answers that would come to another state; `own` are the canister's own requests among them */
export function checkNothingOpen({ state }: InstallParts['machine'], own = 0): void {
  if (state.openCallbacks <= own) return
  throw new Rejected('IC0203', 'the canister waits for answers; stop it first', REJECT.transient)
}

/** Begins to fetch; the request is answered later. @throws {Rejected} */
export function fetchSnapshot(
  parts: InstallParts,
  { origin, caller, cycles }: CallRequest,
  fields: Fields,
  callee: Uint8Array,
  slot: Slot,
): void {
  checkNothingOpen(parts.machine)
  const id = fields.blob('snapshot_id').slice()
  const depth = slot.message.depth + 1
  ask(parts, { origin, caller, cycles, depth, callee, id, head: NO_BYTES, after: undefined }, slot)
  slot.hasActed = true
}

function ask(parts: InstallParts, loading: Omit<Loading, 'callback'>, slot: Slot): void {
  const { callee, caller, id, after } = loading
  const wish = candidRecord({
    canister_id: { principal: callee },
    caller: { principal: caller },
    target: { principal: parts.machine.names.self },
    id,
    after: writePlace(after),
  })
  const callback = askFor(parts, loading, READ_PIECES, encodeCandid([[WISH, wish]]), slot)
  write(slot.cells, { ...loading, callback })
}

/** Keeps what came, where it belongs. @throws {Rejected | MalformedBytes} */
function withPieces(
  loading: Loading,
  fields: Fields,
  slot: Slot,
): { readonly next: Loading; readonly isWhole: boolean } {
  const { cells } = slot
  const given = fields.blob('head')
  const head = checkedHead(given)
  if (loading.head.length > 0 && !equalBytes(given, loading.head))
    throw new Rejected('IC0203', 'something was uploaded to the snapshot while it was fetched', REJECT.transient)
  const places = placesUnder(FETCHED)
  const kinds = [
    { place: places.code, sizeBytes: head.codeBytes },
    { place: places.heap, sizeBytes: head.heapPages * PAGE_BYTES },
    { place: places.stable, sizeBytes: head.stablePages * PAGE_BYTES },
  ]
  const { pieces, isWhole } = decodePieces(fields.blob('pieces'))
  if (pieces.length === 0 && !isWhole) throw wrongPiece()
  let { after } = loading
  for (const [place, bytes] of pieces) {
    if (!follows(place, after)) throw wrongPiece()
    spendOnCopy(bytes.length, slot)
    const kind = kinds[place.kind]
    if (kind !== undefined) {
      const offset = place.number * PIECE_BYTES
      if (bytes.length > PIECE_BYTES || offset + bytes.length > roundedUp(kind.sizeBytes)) throw wrongPiece()
      writeSparse(cells, kind.place, offset, bytes)
    } else if (place.kind === CHUNKS && place.number < UPLOAD_CHUNKS_MAX) uploadChunk(cells, bytes, places.chunks)
    else throw wrongPiece()
    after = place
  }
  return { next: { ...loading, head: given.slice(), after }, isWhole }
}

/** Pieces of code are as long as cells are, whatever is behind its end. */
const roundedUp = (bytes: number): number => Math.ceil(bytes / PIECE_BYTES) * PIECE_BYTES

const wrongPiece = (): Rejected =>
  new Rejected('IC0408', 'the canister of the snapshot gave another piece than was asked for')

/** @throws {Rejected | MalformedBytes} unless it could be the head of one that was uploaded here */
function checkedHead(bytes: Uint8Array): SnapshotHead {
  const head = decodeHead(bytes)
  const { codeBytes, heapPages, stablePages, certified, globalTypes } = head
  checkHead(head)
  const isRight =
    codeBytes <= CODE_MAX_BYTES &&
    heapPages <= MEMORY_MAX_PAGES &&
    stablePages <= STABLE_PAGES_MAX &&
    certified.length <= CERTIFIED_DATA_MAX_BYTES
  if (!isRight) throw new Rejected('IC0408', 'the canister of the snapshot tells of one that there cannot be')
  checkRoom(codeBytes + (heapPages + stablePages) * PAGE_BYTES)
  try {
    // Once there and back: a number that is none has one form here.
    const globals = encodeGlobals(globalTypes, decodeGlobals(globalTypes, head.globals))
    return { ...head, globals, ownCode: false }
  } catch (error) {
    if (error instanceof RangeError) throw new Rejected('IC0408', 'the globals of the snapshot are not of their types')
    throw error
  }
}

/** @throws {Rejected | MalformedBytes} */
function load({ machine, home }: InstallParts, { id, head, caller }: Loading, slot: Slot): void {
  checkNothingOpen(machine, 1)
  const snapshot = checkedHead(head)
  const places = placesUnder(FETCHED)
  checkRoom(
    snapshot.codeBytes +
      (snapshot.heapPages + snapshot.stablePages) * PAGE_BYTES +
      chunkBytes(slot.cells, places.chunks),
  )
  loadFrom(places, snapshot, { machine, home, slot, isKnown: false })
  remember(machine, { what: 'load', caller, hash: id, controllers: [], loaded: snapshot }, slot)
  slot.changed = true
}

function write(cells: Cells, loading: Loading): void {
  const writer = new CborWriter()
  writer.array(ERRAND_ITEMS + 2)
  writeErrand(writer, loading)
  writer.bytes(loading.id)
  writer.bytes(writePlace(loading.after))
  cells.set(LOADING, writer.finish())
  if (loading.head.length > 0) cells.set(HEAD, loading.head)
}

function read(cells: Cells): Loading | undefined {
  const found = cells.get(LOADING)
  if (found === undefined) return undefined
  const reader = new CborReader(found.slice())
  reader.array()
  const errand = readErrand(reader)
  const id = reader.bytes()
  return { ...errand, id, head: cells.get(HEAD)?.slice() ?? NO_BYTES, after: readPlace(reader.bytes()) }
}

export const FETCHING_SNAPSHOT: ErrandKind<Loading> = {
  read,
  clear(cells) {
    cells.delete(LOADING)
    removePieces(cells, FETCHED)
  },
  ask,
  take: withPieces,
  finish: load,
  // A snapshot whose canister is gone is gone.
  refused: ({ id }, { code, error, message }, { machine }) =>
    error === 'IC0301' ? noSnapshot(id, machine.names.self) : new Rejected(error, message, code),
}
