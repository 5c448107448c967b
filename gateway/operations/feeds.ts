import { Failure, type Operations } from '../../protocol/index.ts'
import type { NodeFeeds, OperationParts } from '../parts.ts'

/** Feeds of processes elsewhere, for those who run this node. */
export function feedOperations({
  feeds,
}: Pick<OperationParts, 'feeds'>): Pick<Operations, 'listFeeds' | 'seedFeed' | 'unseedFeed'> {
  const followed = (): NodeFeeds => {
    const known = feeds?.()
    if (known === undefined) throw new Failure('no-peers')
    return known
  }
  return {
    async listFeeds() {
      return { feeds: await followed().list() }
    },
    async seedFeed({ process }) {
      await followed().seed(process)
      return { seeded: true }
    },
    async unseedFeed({ process }) {
      await followed().unseed(process)
      return { seeded: false }
    },
  }
}
