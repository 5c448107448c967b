import type { Piece } from '../../protocol/index.ts'

/** The bytes as a part of more, between others of every kind: whoever reads beyond their ends finds something. */
export function inside(bytes: Uint8Array): Piece {
  const around = Uint8Array.from({ length: 300 }, (_, at) => (at * 7 + 1) & 0xff)
  const whole = new Uint8Array(bytes.length + 600)
  whole.set(around)
  whole.set(bytes, around.length)
  whole.set(around.toReversed(), around.length + bytes.length)
  return { bytes: whole, start: around.length, end: around.length + bytes.length }
}
