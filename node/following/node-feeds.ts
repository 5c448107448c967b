import type { NodeFeeds } from '../../gateway/index.ts'
import { type Log, messagesFeed, toHex } from '../../protocol/index.ts'
import type { ProcessFollowing } from './process-following.ts'

/** What a node follows, as the operations for admins see it. */
export function nodeFeeds(following: ProcessFollowing, log: Log): NodeFeeds {
  return {
    list: () =>
      Promise.all(
        following.followed.map(async ({ process, why, source }) => {
          const feed = messagesFeed(process)
          const facts = { process: process.id, key: toHex(log.feedKey(feed)), why, blocks: await log.length(feed) }
          return source === undefined ? facts : { ...facts, source }
        }),
      ),
    seed: process => following.seed(process),
    unseed: process => following.unseed(process),
  }
}
