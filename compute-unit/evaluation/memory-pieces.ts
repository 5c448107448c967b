/**
 * What a root tells of the chunks in which memory differs from its image: of each a piece, in words: its index, the map of its lines that differ,
 * and these lines, as `protocol/guests/changed-lines.ts` has them. Pieces lie one behind the other, ascending.
 */
const INDEX_WORDS = 1
const MAP_WORDS = 4
const LINE_WORDS = 8
const LINES = 128
/** A piece of a chunk that is as in its image: its map is empty. */
const EMPTY_PIECE_WORDS = INDEX_WORDS + MAP_WORDS
export const PIECE_MAX_WORDS = EMPTY_PIECE_WORDS + LINES * LINE_WORDS
/** Up to this many words a loop is faster than a call. */
const BY_HAND_MAX_WORDS = 24

/** Words of the piece that begins at `at`. */
export function pieceWords(words: Int32Array, at: number): number {
  let lines = 0
  for (let map = at + INDEX_WORDS; map < at + EMPTY_PIECE_WORDS; map++) lines += onesIn(words[map] ?? 0)
  return EMPTY_PIECE_WORDS + lines * LINE_WORDS
}

function onesIn(word: number): number {
  if (word === 0) return 0
  let ones = word - ((word >>> 1) & 0x5555_5555)
  ones = (ones & 0x3333_3333) + ((ones >>> 2) & 0x3333_3333)
  return Math.imul((ones + (ones >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}

/** Writes the piece of a chunk with these changed lines, which may be none; gives where it ends. */
export function writePiece(words: Int32Array, at: number, index: number, lines: Int32Array): number {
  words[at] = index
  if (lines.length > 0) return copyWords(lines, 0, lines.length, words, at + INDEX_WORDS)
  words.fill(0, at + INDEX_WORDS, at + EMPTY_PIECE_WORDS)
  return at + EMPTY_PIECE_WORDS
}

/** Copies words to `at` of `into`; gives where they end. */
export function copyWords(words: Int32Array, from: number, to: number, into: Int32Array, at: number): number {
  if (to - from > BY_HAND_MAX_WORDS) into.set(words.subarray(from, to), at)
  else for (let word = from; word < to; word++) into[at + word - from] = words[word] ?? 0
  return at + to - from
}

/** Pieces of an array, from one word to another. */
export interface Pieces {
  readonly words: Int32Array
  readonly from: number
  readonly to: number
}

/** Writes to the beginning of `into` the pieces of `known` with those of `fresh` in place of theirs, without the empty ones; gives where they end. */
export function mergePieces(known: Pieces, fresh: Pieces, into: Int32Array): number {
  let end = 0
  let [start, next] = [known.from, known.from]
  for (let at = fresh.from, size = 0; at < fresh.to; at += size) {
    size = pieceWords(fresh.words, at)
    const index = fresh.words[at] ?? 0
    while (next < known.to && (known.words[next] ?? 0) < index) next += pieceWords(known.words, next)
    end = copyWords(known.words, start, next, into, end)
    if (next < known.to && known.words[next] === index) next += pieceWords(known.words, next)
    start = next
    if (size > EMPTY_PIECE_WORDS) end = copyWords(fresh.words, at, at + size, into, end)
  }
  return copyWords(known.words, start, known.to, into, end)
}
