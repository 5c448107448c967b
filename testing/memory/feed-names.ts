import { domainHash, encodeCbor, feedName, type FeedSpec, fromBase64Url } from '../../protocol/index.ts'

/** A feed is named again and again by the same few objects. */
const names = new WeakMap<FeedSpec, string>()

export function nameOf(feed: FeedSpec): string {
  const known = names.get(feed)
  if (known !== undefined) return known
  const name = feedName(feed)
  names.set(feed, name)
  return name
}

/** Stands for the key of its Hypercore. */
export function keyOf({ kind, process, epoch, quorum, signers }: FeedSpec): Uint8Array {
  return domainHash('test/feed', encodeCbor([kind, fromBase64Url(process), epoch, quorum, signers.map(fromBase64Url)]))
}
