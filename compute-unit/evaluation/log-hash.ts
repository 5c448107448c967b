import { domainHash } from '../../protocol/index.ts'

/** What is hashed is put together here: room of so many bytes, made anew, costs as much as a hash. */
const chained = new Uint8Array(64)

/** The running hash over a log, after one more frame; `before` is empty before the first. */
export function logHashAfter(before: Uint8Array, frameBytes: Uint8Array): Uint8Array {
  chained.set(before)
  chained.set(domainHash('atoll/frame/1', frameBytes), before.length)
  return domainHash('atoll/log/1', chained.subarray(0, before.length + 32))
}
