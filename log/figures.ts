import type { HypercoreLogParts } from './hypercore-log.ts'

/** Groups made durable, bytes waiting for their feeds, Hypercores open and given to others, feeds known, the journal's segment. */
export type LogFigures = Readonly<
  Record<'groups' | 'behindBytes' | 'openFeeds' | 'replicated' | 'knownFeeds' | 'segment', number>
>

export function figuresOf({ journal, behind, feeds, states, replication }: HypercoreLogParts): LogFigures {
  return {
    groups: journal.groups,
    behindBytes: behind.bytes,
    openFeeds: feeds.openCount,
    replicated: replication.count,
    knownFeeds: states.size,
    segment: journal.generation,
  }
}
