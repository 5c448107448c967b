import { widthOf } from './table.ts'

/** Fewer columns than these are no place for sentences. */
const ROOM_MIN = 24

/**
 * `head`, and `text` behind it: broken between words at the edge of the screen, each line beginning where the first began. One
 * line where there is no screen, or no room on it.
 */
export function hanging(head: string, text: string, columns: number | undefined): string {
  const indent = widthOf(head)
  const room = (columns ?? 0) - indent
  if (room < ROOM_MIN) return head + text
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= room) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return head + lines.join(`\n${' '.repeat(indent)}`)
}
