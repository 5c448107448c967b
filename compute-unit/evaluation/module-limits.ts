import { findTag, GAS_PER_SLOT_MAX, type Tag } from '../../protocol/index.ts'

/** Gas one slot may use by the module's `Compute-Limit` tag, in gas; the network's bound if it has none. */
export function readComputeLimit(tags: readonly Tag[]): bigint {
  const text = findTag(tags, 'Compute-Limit')
  if (text === undefined || !/^\d{1,18}$/.test(text)) return GAS_PER_SLOT_MAX
  const limit = BigInt(text)
  return limit > 0n && limit < GAS_PER_SLOT_MAX ? limit : GAS_PER_SLOT_MAX
}
