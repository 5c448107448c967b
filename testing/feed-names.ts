import { feedName, type FeedSpec } from '../protocol/index.ts'

/** A feed is named again and again by the same few objects. */
const names = new WeakMap<FeedSpec, string>()

export function nameOf(feed: FeedSpec): string {
  const name = names.get(feed) ?? feedName(feed)
  names.set(feed, name)
  return name
}
