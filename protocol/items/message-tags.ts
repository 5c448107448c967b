import { MalformedBytes } from '../codec/bytes.ts'
import type { CborReader, CborWriter } from '../codec/cbor.ts'
import { TAGS_MAX, TAGS_SIZE_MAX_BYTES } from '../limits/limits.ts'
import type { Tag } from './tags.ts'

export type { Tag }

/** Writes tags as an array of name and value in turn: order and repetition are kept. */
export function writeTags(writer: CborWriter, tags: readonly Tag[]): void {
  writer.array(tags.length * 2)
  for (const tag of tags) {
    writer.text(tag.name)
    writer.text(tag.value)
  }
}

/** @throws {MalformedBytes} */
export function readTags(reader: CborReader): Tag[] {
  const start = reader.offset
  const length = reader.array()
  if (length % 2 !== 0 || length > 2 * TAGS_MAX) throw new MalformedBytes('tags: bad count', start)
  const tags: Tag[] = []
  for (let i = 0; i < length; i += 2) tags.push({ name: reader.text(), value: reader.text() })
  if (reader.offset - start > 2 * TAGS_SIZE_MAX_BYTES) throw new MalformedBytes('tags: too large', start)
  return tags
}
