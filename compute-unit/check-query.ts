import {
  Failure,
  findTag,
  ITEM_SIZE_MAX_BYTES,
  QUERY_ANSWERS_MAX_BYTES,
  type QueryMessage,
  tagsSizeBytes,
} from '../protocol/index.ts'

/** Characters of a name in a query. */
const QUERY_NAME_MAX = 128

/** Refuses what could not stand in a feed either, and answers for a composite query that are too many; a host is not asked to read it. @throws {Failure} */
export function checkQuery({ id, from, owner, tags, data, certificate }: QueryMessage): void {
  const bytes = Math.max(data.length, certificate?.length ?? 0)
  const max = findTag(tags, 'Canister-Answers') === undefined ? ITEM_SIZE_MAX_BYTES : QUERY_ANSWERS_MAX_BYTES
  if (bytes > max) throw new Failure('too-large', { bytes, max })
  const names = [id, from, owner]
  try {
    tagsSizeBytes(tags)
    if (names.every(name => name.length <= QUERY_NAME_MAX && name.isWellFormed())) return
  } catch (error) {
    throw new Failure('malformed-request', { tags: tags.length }, { cause: error })
  }
  throw new Failure('malformed-request', {}, { note: 'a name in a query is too long, or no text' })
}
