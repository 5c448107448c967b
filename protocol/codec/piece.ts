/** A part of some bytes of which no view was made: a view costs more than the few bytes that most of them show. */
export interface Piece {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** A view of a piece. */
export function viewOf({ bytes, start, end }: Piece): Uint8Array {
  return start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end)
}

/** All of them. */
export function pieceOfAll(bytes: Uint8Array): Piece {
  return { bytes, start: 0, end: bytes.length }
}
