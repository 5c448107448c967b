import { type CellKey, type Cells, CborReader, CborWriter, fromHex, sha256, toHex } from '../../../protocol/index.ts'
import { keysUnder } from '../cell-keys.ts'
import { CODE_MAX_BYTES, UPLOAD_CHUNK_MAX_BYTES, UPLOAD_CHUNKS_MAX } from '../bounds.ts'
import { Rejected } from '../canister-trap.ts'
import { getPieces, putPieces, removePieces } from '../pieces.ts'

/** The store of the canister itself; those of its snapshots stand under prefixes of theirs. */
const OWN: CellKey = ''
const lengthsIn = (store: CellKey): CellKey => `${store}u/`
const piecesOf = (hash: Uint8Array, store: CellKey): string => `${store}U/${toHex(hash)}/`

/** Keeps a piece of code until it is installed; gives its hash. @throws {Rejected} */
export function uploadChunk(cells: Cells, chunk: Uint8Array, store = OWN): Uint8Array {
  if (chunk.length > UPLOAD_CHUNK_MAX_BYTES)
    throw new Rejected('IC0408', `a chunk has at most ${UPLOAD_CHUNK_MAX_BYTES} bytes`)
  const hash = sha256(chunk)
  const key = lengthsIn(store) + toHex(hash)
  if (cells.get(key) !== undefined) return hash
  if (keysUnder(cells, lengthsIn(store)).length >= UPLOAD_CHUNKS_MAX) {
    throw new Rejected('IC0402', `the chunk store holds at most ${UPLOAD_CHUNKS_MAX} chunks`, 4)
  }
  const writer = new CborWriter()
  writer.uint(chunk.length)
  cells.set(key, writer.finish())
  putPieces(cells, piecesOf(hash, store), chunk)
  return hash
}

export function storedChunks(cells: Cells, store = OWN): Uint8Array[] {
  return keysUnder(cells, lengthsIn(store)).map(key => fromHex(key.slice(lengthsIn(store).length)))
}

export function clearChunks(cells: Cells, store = OWN): void {
  for (const hash of storedChunks(cells, store)) {
    cells.delete(lengthsIn(store) + toHex(hash))
    removePieces(cells, piecesOf(hash, store))
  }
}

/** Puts what one store holds in the place of what another does. */
export function copyChunks(cells: Cells, from: CellKey, to: CellKey): void {
  clearChunks(cells, to)
  for (const hash of storedChunks(cells, from)) uploadChunk(cells, readChunk(cells, hash, from), to)
}

/** Bytes that a store holds. */
export function chunkBytes(cells: Cells, store = OWN): number {
  return storedChunks(cells, store).reduce((sum, hash) => sum + (lengthOf(cells, hash, store) ?? 0), 0)
}

function lengthOf(cells: Cells, hash: Uint8Array, store: CellKey): number | undefined {
  const bytes = cells.get(lengthsIn(store) + toHex(hash))
  return bytes === undefined ? undefined : Number(new CborReader(bytes).uint())
}

/** @throws {Rejected} if it is not there */
export function readChunk(cells: Cells, hash: Uint8Array, store = OWN): Uint8Array {
  const length = lengthOf(cells, hash, store)
  if (length === undefined) throw new Rejected('IC0408', `the chunk store has no chunk ${toHex(hash)}`)
  return getPieces(cells, piecesOf(hash, store), length)
}

/** The code that chunks make together. @throws {Rejected} */
export function assembleChunks(cells: Cells, hashes: readonly Uint8Array[], whole: Uint8Array): Uint8Array {
  const length = hashes.reduce((sum, hash) => sum + (lengthOf(cells, hash, OWN) ?? 0), 0)
  if (length > CODE_MAX_BYTES) throw new Rejected('IC0408', `code has at most ${CODE_MAX_BYTES} bytes`)
  const code = new Uint8Array(length)
  let at = 0
  for (const hash of hashes) {
    const chunk = readChunk(cells, hash)
    code.set(chunk, at)
    at += chunk.length
  }
  if (toHex(sha256(code)) !== toHex(whole)) throw new Rejected('IC0408', 'the chunks do not make the code of that hash')
  return code
}
