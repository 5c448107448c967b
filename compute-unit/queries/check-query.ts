import {
  Failure,
  findTag,
  IC_QUERY_BODY_MAX_BYTES,
  ITEM_SIZE_MAX_BYTES,
  QUERY_ANSWERS_MAX_BYTES,
  type QueryMessage,
  tagsSizeBytes,
} from '../../protocol/index.ts'

/** Characters of a name in a query. */
const QUERY_NAME_MAX = 128

/** Arguments of a canister's queries never stand in a feed: they may be as long as their request may. */
function dataMaxBytes(tags: QueryMessage['tags']): number {
  if (findTag(tags, 'Canister-Answers') !== undefined) return QUERY_ANSWERS_MAX_BYTES
  return findTag(tags, 'Canister-Query') === undefined ? ITEM_SIZE_MAX_BYTES : IC_QUERY_BODY_MAX_BYTES
}

/** Refuses what could not stand in a feed either, and answers for a composite query that are too many; a host is not asked to read it. @throws {Failure} */
export function checkQuery({ id, from, owner, tags, data, certificate }: QueryMessage): void {
  const bytes = Math.max(data.length, certificate?.length ?? 0)
  const max = dataMaxBytes(tags)
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
