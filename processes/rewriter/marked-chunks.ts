import { CHUNKS_PER_PAGE } from './layout.ts'

/**
 * Fills `into` with the chunks that the map of a rewritten memory marks as stored to, ascending; gives their number.
 * The map has a byte for each chunk, looked at four at a time.
 */
export function markedChunks(mapWords: Int32Array, pages: number, into: number[]): number {
  let count = 0
  const words = (pages * CHUNKS_PER_PAGE) >> 2
  for (let word = 0; word < words; word++) {
    const marks = mapWords[word] ?? 0
    if (marks === 0) continue
    for (let byte = 0; byte < 4; byte++) {
      if (((marks >>> (8 * byte)) & 0xff) !== 0) into[count++] = word * 4 + byte
    }
  }
  return count
}
