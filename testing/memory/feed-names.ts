import { feedName, type FeedSpec } from '../../protocol/index.ts'

/** A feed is named again and again by the same few objects. */
const names = new WeakMap<FeedSpec, string>()

export function nameOf(feed: FeedSpec): string {
  const known = names.get(feed)
  if (known !== undefined) return known
  const name = feedName(feed)
  names.set(feed, name)
  return name
}
