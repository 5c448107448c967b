import {
  candidFields,
  candidRecord,
  type CandidType,
  CborReader,
  CborWriter,
  type Cells,
  encodeCandid,
  equalBytes,
  principalText,
  toHex,
} from '../../../protocol/index.ts'
import { PIECE_BYTES, UPLOAD_CHUNK_MAX_BYTES } from '../bounds.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import type { Machine, MachineHome } from '../machine.ts'
import type { Slot } from '../slot.ts'
import { sparsePieces } from '../sparse-pieces.ts'
import { readChunk, storedChunks } from './chunk-store.ts'
import type { Fields } from './fields.ts'
import { encodeHead, findSnapshot, placesOf, type Snapshot } from './snapshot-store.ts'
import { spendOnCopy } from './snapshots.ts'

/** What a canister asks that of the snapshot: no method of the IC's, and for nobody else. */
export const READ_PIECES = 'read_snapshot_pieces'
/** Pieces go into one answer up to this size; one more of the largest still fits. */
const PIECES_BYTES = UPLOAD_CHUNK_MAX_BYTES - 2 * PIECE_BYTES
const CODE_PIECES = 0
export const CHUNKS = 3
const NO_BYTES = new Uint8Array(0)
const BLOB: CandidType = { vec: 'nat8' }
const PIECES: CandidType = { record: candidFields({ head: BLOB, pieces: BLOB }) }

/** Where a piece belongs: code, heap, stable memory or chunks, and its number among those. */
export interface Place {
  readonly kind: number
  readonly number: number
}

/** Pieces of a snapshot for another canister, whose caller says that it may have them. @throws {Rejected} */
export function readPiecesFor(
  fields: Fields,
  { machine, home, slot }: { readonly machine: Machine; readonly home: MachineHome; readonly slot: Slot },
): Uint8Array {
  const { cells } = slot
  const [caller, id] = [fields.principal('caller'), fields.blob('id')]
  const snapshot = findSnapshot(machine, cells, id)
  if (!machine.state.settings.controllers.some(one => equalBytes(one, caller))) {
    const target = principalText(fields.principal('target'))
    throw new Rejected(
      'IC0406',
      `Only a controller of the canister that snapshot ${toHex(id)} belongs to can load it on canister ${target}. Sender: ${principalText(caller)}.`,
      REJECT.canister,
    )
  }
  const found: (readonly [Place, Uint8Array])[] = []
  let bytes = 0
  let isWhole = true
  for (const one of piecesOf(snapshot, home.ownCode ?? NO_BYTES, cells, readPlace(fields.blob('after')))) {
    if (bytes > PIECES_BYTES) {
      isWhole = false
      break
    }
    found.push(one)
    bytes += one[1].length
  }
  spendOnCopy(bytes, slot)
  const value = candidRecord({ head: encodeHead(snapshot), pieces: encodePieces(found, isWhole) })
  return encodeCandid([[PIECES, value]])
}

/** Pieces behind `after`, in order; those that are zero are left out. */
function* piecesOf(
  snapshot: Snapshot,
  ownCode: Uint8Array,
  cells: Cells,
  after: Place | undefined,
): Generator<readonly [Place, Uint8Array]> {
  const { code, heap, stable, chunks } = placesOf(snapshot)
  const last = (kind: number): number => (after === undefined || after.kind < kind ? -1 : after.number)
  const begins = after?.kind ?? CODE_PIECES
  if (begins === CODE_PIECES && snapshot.ownCode) {
    for (let number = last(CODE_PIECES) + 1; number * PIECE_BYTES < ownCode.length; number++) {
      yield [{ kind: CODE_PIECES, number }, ownCode.slice(number * PIECE_BYTES, (number + 1) * PIECE_BYTES)]
    }
  }
  for (const [kind, place] of [code, heap, stable].entries()) {
    if (kind < begins) continue
    const from = last(kind)
    for (const [number, piece] of sparsePieces(cells, place, from < 0 ? undefined : from))
      yield [{ kind, number }, piece]
  }
  for (const [number, hash] of storedChunks(cells, chunks).entries()) {
    if (number > last(CHUNKS)) yield [{ kind: CHUNKS, number }, readChunk(cells, hash, chunks)]
  }
}

export const follows = (place: Place, after: Place | undefined): boolean =>
  after === undefined || place.kind > after.kind || (place.kind === after.kind && place.number > after.number)

function encodePieces(pieces: readonly (readonly [Place, Uint8Array])[], isWhole: boolean): Uint8Array {
  const writer = new CborWriter()
  writer.array(1 + 3 * pieces.length)
  writer.bool(isWhole)
  for (const [{ kind, number }, bytes] of pieces) {
    writer.uint(kind)
    writer.uint(number)
    writer.bytes(bytes)
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodePieces(bytes: Uint8Array): {
  readonly pieces: readonly (readonly [Place, Uint8Array])[]
  readonly isWhole: boolean
} {
  const reader = new CborReader(bytes)
  const items = reader.array()
  const isWhole = reader.bool()
  const pieces: (readonly [Place, Uint8Array])[] = []
  for (let at = 1; at < items; at += 3) {
    pieces.push([{ kind: Number(reader.uint()), number: Number(reader.uint()) }, reader.bytes().slice()])
  }
  reader.end()
  return { pieces, isWhole }
}

export function writePlace(place: Place | undefined): Uint8Array {
  if (place === undefined) return NO_BYTES
  const writer = new CborWriter()
  writer.array(2)
  writer.uint(place.kind)
  writer.uint(place.number)
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function readPlace(bytes: Uint8Array): Place | undefined {
  if (bytes.length === 0) return undefined
  const reader = new CborReader(bytes)
  reader.array()
  return { kind: Number(reader.uint()), number: Number(reader.uint()) }
}
