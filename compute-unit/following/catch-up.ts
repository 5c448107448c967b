import { type Log, messagesFeed } from '../../protocol/index.ts'
import type { Follower } from './follower.ts'

/**
 * Has a follower evaluate what stands in the feed. It may have been opened before all was here of what the feed begins with,
 * of which nobody tells it block by block.
 */
export async function catchUp(log: Log, follower: Follower): Promise<void> {
  const feed = messagesFeed(follower.process)
  const index = (await log.length(feed)) - 1
  const bytes = index < 0 ? undefined : await log.block(feed, index)
  if (bytes !== undefined) follower.notice({ index, bytes })
  follower.start()
}
