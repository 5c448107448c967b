/**
 * Code whose chunks lie in the store of another canister: they are fetched from there, and what they make is installed when all are here.
 *
 * 1. A canister fetches for one installation at a time, one piece after the other: so each request has the fuel of the first, and the
 *    installation has what is left.
 * 2. What comes need not be believed: the hash of the whole is the caller's word.
 * 3. The canister of the store checks that it has that caller for a controller. Who the caller is it hears from the canister that asks:
 *    chunks are no secret, since whoever uploads one does so in a feed.
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
  principalText,
  sha256,
} from '../../../protocol/index.ts'
import { CODE_MAX_BYTES, UPLOAD_CHUNK_MAX_BYTES, UPLOAD_CHUNKS_MAX } from '../bounds.ts'
import type { CallRequest } from '../call-request.ts'
import { REJECT, Rejected } from '../canister-trap.ts'
import { getPieces, putPieces, removePieces } from '../pieces.ts'
import type { Slot } from '../slot.ts'
import { readSparse, writeSparse } from '../sparse-pieces.ts'
import { readChunk } from './chunk-store.ts'
import { askFor, type Errand, ERRAND_ITEMS, type ErrandKind, readErrand, writeErrand } from './errand.ts'
import { type Fields, fieldsOf } from './fields.ts'
import { install, type InstallParts } from './install.ts'
import { chunkHashes, installation } from './installation-fields.ts'
import { spendOnCopy } from './snapshots.ts'

/** What a canister asks that of the store: no method of the IC's, and for nobody else. */
export const READ_CHUNK = 'read_stored_chunk'
/** Half a chunk of the largest size: others of the same frame wait no longer for it. */
const PIECE_MAX_BYTES = 512 * 1024
/** The cell of the installation that is under way; below it are its argument and what was fetched. */
const FETCHING: CellKey = 'i'
const ARGUMENT: CellKey = 'i/a/'
const FETCHED: CellKey = 'i/d/'
const HASH_BYTES = 32
const BLOB: CandidType = { vec: 'nat8' }
const WISH: CandidType = {
  record: candidFields({ canister_id: 'principal', caller: 'principal', hash: BLOB, offset: 'nat64' }),
}
const PIECE: CandidType = { record: candidFields({ size: 'nat64', bytes: BLOB }) }

interface Fetching extends Errand {
  readonly argBytes: number
  /** Hashes of the chunks, one behind the other. */
  readonly hashes: Uint8Array
  /** Chunks that are here, bytes of the next, and bytes of all. */
  readonly chunks: number
  readonly ofNext: number
  readonly bytes: number
}

/** The canister in whose store the chunks lie, if it is another. @throws {Rejected} */
export function storeElsewhere(fields: Fields, self: Uint8Array): Uint8Array | undefined {
  const store = fields.principalIf('store_canister')
  return store === undefined || equalBytes(store, self) ? undefined : store
}

/** Begins to fetch; the request is answered later. @throws {Rejected} */
export function fetchChunks(
  parts: InstallParts,
  request: CallRequest,
  fields: Fields,
  store: Uint8Array,
  slot: Slot,
): void {
  const { cells } = slot
  if (cells.get(FETCHING) !== undefined)
    throw new Rejected('IC0203', 'the canister fetches chunks for another installation', REJECT.transient)
  const hashes = chunkHashes(fields)
  if (hashes.length === 0 || hashes.length > UPLOAD_CHUNKS_MAX || hashes.some(({ length }) => length !== HASH_BYTES)) {
    throw new Rejected('IC0408', `expected 1 to ${UPLOAD_CHUNKS_MAX} hashes of ${HASH_BYTES} bytes`)
  }
  fields.blob('wasm_module_hash')
  installation(fields)
  putPieces(cells, ARGUMENT, request.arg)
  const joined = new Uint8Array(hashes.length * HASH_BYTES)
  for (const [at, hash] of hashes.entries()) joined.set(hash, at * HASH_BYTES)
  const { origin, caller, cycles } = request
  const depth = slot.message.depth + 1
  ask(
    parts,
    {
      origin,
      caller,
      cycles,
      depth,
      callee: store,
      argBytes: request.arg.length,
      hashes: joined,
      chunks: 0,
      ofNext: 0,
      bytes: 0,
    },
    slot,
  )
  slot.hasActed = true
}

/** A piece of a chunk for another canister, whose caller says that it may have it. @throws {Rejected} */
export function readChunkFor(
  fields: Fields,
  { machine, slot }: Pick<InstallParts, 'machine'> & { readonly slot: Slot },
): Uint8Array {
  const caller = fields.principal('caller')
  const { self } = machine.names
  const { controllers } = machine.state.settings
  if (!equalBytes(caller, self) && !controllers.some(one => equalBytes(one, caller))) {
    throw new Rejected(
      'IC0512',
      `Only controllers of canister ${principalText(self)} can install from its chunk store; sender: ${principalText(caller)}`,
    )
  }
  const chunk = readChunk(slot.cells, fields.blob('hash'))
  const offset = Number(fields.nat('offset', BigInt(chunk.length)))
  const bytes = chunk.subarray(offset, offset + PIECE_MAX_BYTES)
  spendOnCopy(bytes.length, slot)
  return encodeCandid([[PIECE, candidRecord({ size: BigInt(chunk.length), bytes })]])
}

function ask(parts: InstallParts, fetching: Omit<Fetching, 'callback'>, slot: Slot): void {
  const { callee, caller, hashes, chunks, ofNext } = fetching
  const hash = hashes.subarray(chunks * HASH_BYTES, (chunks + 1) * HASH_BYTES)
  const wish = candidRecord({
    canister_id: { principal: callee },
    caller: { principal: caller },
    hash,
    offset: BigInt(ofNext),
  })
  const callback = askFor(parts, fetching, READ_CHUNK, encodeCandid([[WISH, wish]]), slot)
  write(slot.cells, { ...fetching, callback })
}

/** @throws {Rejected | MalformedBytes} */
function withPiece(
  fetching: Fetching,
  fields: Fields,
  slot: Slot,
): { readonly next: Fetching; readonly isWhole: boolean } {
  const size = Number(fields.nat('size', BigInt(UPLOAD_CHUNK_MAX_BYTES)))
  const piece = fields.blob('bytes')
  const ofNext = fetching.ofNext + piece.length
  const bytes = fetching.bytes + piece.length
  if (ofNext > size || (piece.length === 0 && size > 0))
    throw new Rejected('IC0408', 'the store gave another piece than was asked for')
  if (bytes > CODE_MAX_BYTES) throw new Rejected('IC0408', `code has at most ${CODE_MAX_BYTES} bytes`)
  spendOnCopy(piece.length, slot)
  writeSparse(slot.cells, FETCHED, fetching.bytes, piece)
  const chunks = fetching.chunks + (ofNext === size ? 1 : 0)
  const next = { ...fetching, bytes, chunks, ofNext: ofNext === size ? 0 : ofNext }
  return { next, isWhole: chunks * HASH_BYTES === fetching.hashes.length }
}

/** @throws {Rejected | MalformedBytes} */
function installFetched(parts: InstallParts, { bytes, argBytes, caller }: Fetching, slot: Slot): void {
  const fields = fieldsOf(getPieces(slot.cells, ARGUMENT, argBytes), slot)
  spendOnCopy(bytes, slot)
  const wasm = readSparse(slot.cells, FETCHED, 0, bytes)
  if (!equalBytes(sha256(wasm), fields.blob('wasm_module_hash')))
    throw new Rejected('IC0408', 'the chunks do not make the code of that hash')
  install(parts, { ...installation(fields), wasm, caller }, slot)
}

function write(cells: Cells, fetching: Fetching): void {
  const writer = new CborWriter()
  writer.array(ERRAND_ITEMS + 5)
  writeErrand(writer, fetching)
  writer.uint(fetching.argBytes)
  writer.bytes(fetching.hashes)
  writer.uint(fetching.chunks)
  writer.uint(fetching.ofNext)
  writer.uint(fetching.bytes)
  cells.set(FETCHING, writer.finish())
}

function read(cells: Cells): Fetching | undefined {
  const found = cells.get(FETCHING)
  if (found === undefined) return undefined
  const reader = new CborReader(found.slice())
  reader.array()
  const errand = readErrand(reader)
  const number = (): number => Number(reader.uint())
  return {
    ...errand,
    argBytes: number(),
    hashes: reader.bytes(),
    chunks: number(),
    ofNext: number(),
    bytes: number(),
  }
}

export const FETCHING_CHUNKS: ErrandKind<Fetching> = {
  read,
  clear(cells) {
    cells.delete(FETCHING)
    removePieces(cells, `${FETCHING}/`)
  },
  ask,
  take: withPiece,
  finish: installFetched,
  refused: ({ callee }, { code, error, message }) =>
    new Rejected(error, `Chunks of ${principalText(callee)}: ${message}`, code),
}
