import { type Cells, CborReader, CborWriter, fromHex, sha256, toHex } from '../../../protocol/index.ts'
import { CODE_MAX_BYTES, UPLOAD_CHUNK_MAX_BYTES, UPLOAD_CHUNKS_MAX } from '../bounds.ts'
import { Rejected } from '../canister-trap.ts'
import { getPieces, keysUnder, putPieces, removePieces } from '../pieces.ts'

const LENGTHS = 'u/'
const piecesOf = (hash: Uint8Array): string => `U/${toHex(hash)}/`

/** Keeps a piece of code until it is installed; gives its hash. @throws {Rejected} */
export function uploadChunk(cells: Cells, chunk: Uint8Array): Uint8Array {
  if (chunk.length > UPLOAD_CHUNK_MAX_BYTES) throw new Rejected('IC0408', `a chunk has at most ${UPLOAD_CHUNK_MAX_BYTES} bytes`)
  const hash = sha256(chunk)
  const key = LENGTHS + toHex(hash)
  if (cells.get(key) !== undefined) return hash
  if (keysUnder(cells, LENGTHS).length >= UPLOAD_CHUNKS_MAX) {
    throw new Rejected('IC0402', `the chunk store holds at most ${UPLOAD_CHUNKS_MAX} chunks`, 4)
  }
  const writer = new CborWriter()
  writer.uint(chunk.length)
  cells.set(key, writer.finish())
  putPieces(cells, piecesOf(hash), chunk)
  return hash
}

export function storedChunks(cells: Cells): Uint8Array[] {
  return keysUnder(cells, LENGTHS).map(key => fromHex(key.slice(LENGTHS.length)))
}

export function clearChunks(cells: Cells): void {
  for (const hash of storedChunks(cells)) {
    cells.delete(LENGTHS + toHex(hash))
    removePieces(cells, piecesOf(hash))
  }
}

/** Bytes that the store holds. */
export function storedBytes(cells: Cells): number {
  return keysUnder(cells, LENGTHS).reduce((sum, key) => sum + lengthAt(cells, key), 0)
}

function lengthAt(cells: Cells, key: string): number {
  const bytes = cells.get(key)
  return bytes === undefined ? 0 : Number(new CborReader(bytes).uint())
}

/** The code that chunks make together. @throws {Rejected} */
export function assembleChunks(cells: Cells, hashes: readonly Uint8Array[], whole: Uint8Array): Uint8Array {
  const parts = hashes.map(hash => ({ hash, length: lengthAt(cells, LENGTHS + toHex(hash)) }))
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length > CODE_MAX_BYTES) throw new Rejected('IC0408', `code has at most ${CODE_MAX_BYTES} bytes`)
  const code = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    if (part.length === 0) throw new Rejected('IC0408', `the chunk store has no chunk ${toHex(part.hash)}`)
    code.set(getPieces(cells, piecesOf(part.hash), part.length), at)
    at += part.length
  }
  if (toHex(sha256(code)) !== toHex(whole)) throw new Rejected('IC0408', 'the chunks do not make the code of that hash')
  return code
}
