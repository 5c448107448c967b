import type { CborReader } from '../protocol/index.ts'

/** A value for which null may stand. */
export function optional<T>(reader: CborReader, read: () => T): T | undefined {
  if (!reader.isNull()) return read()
  reader.null()
  return undefined
}
