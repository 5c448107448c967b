import { Failure, ITEM_SIZE_MAX_BYTES, type QueryMessage, tagsSizeBytes } from '../protocol/index.ts'

/** Characters of a name in a query. */
const QUERY_NAME_MAX = 128

/** Refuses what could not stand in a feed either; a host is not asked to read it. @throws {Failure} */
export function checkQuery({ id, from, owner, tags, data, certificate }: QueryMessage): void {
  const bytes = Math.max(data.length, certificate?.length ?? 0)
  if (bytes > ITEM_SIZE_MAX_BYTES) throw new Failure('too-large', { bytes, max: ITEM_SIZE_MAX_BYTES })
  const names = [id, from, owner]
  try {
    tagsSizeBytes(tags)
    if (names.every(name => name.length <= QUERY_NAME_MAX && name.isWellFormed())) return
  } catch (error) {
    throw new Failure('malformed-request', { tags: tags.length }, { cause: error })
  }
  throw new Failure('malformed-request', {}, { note: 'a name in a query is too long, or no text' })
}
