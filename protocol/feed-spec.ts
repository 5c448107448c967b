import type { KeyId } from './ids.ts'
import type { FeedSpec } from './ports.ts'
import type { ProcessDescription } from './process.ts'

/** The feed of a process: its assignments, signed by its schedulers. */
export function messagesFeed(process: Pick<ProcessDescription, 'id' | 'epoch' | 'policy'>): FeedSpec {
  const { schedulers, schedulerQuorum } = process.policy
  return { kind: 'messages', process: process.id, epoch: process.epoch, signers: schedulers, quorum: schedulerQuorum }
}

/** What compute unit `unit` got from the feed of a process, signed by that unit. */
export function resultsFeed(process: Pick<ProcessDescription, 'id' | 'epoch'>, unit: KeyId): FeedSpec {
  return { kind: 'results', process: process.id, epoch: process.epoch, signers: [unit], quorum: 1 }
}

/** What scheduler `key` of a process has promised and accepted, one of several; signed by it. */
export function votesFeed(process: Pick<ProcessDescription, 'id' | 'epoch'>, key: KeyId): FeedSpec {
  return { kind: 'votes', process: process.id, epoch: process.epoch, signers: [key], quorum: 1 }
}

/** Tells feeds apart: equal for equal specs. Joined, as that gives one piece: a template keeps all its parts. */
export function feedName({ kind, process, epoch, quorum, signers }: FeedSpec): string {
  return [kind, process, epoch, quorum, signers.join('+')].join('/')
}
