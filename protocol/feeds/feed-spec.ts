import { toBase64Url } from '../codec/bytes.ts'
import type { KeyId } from '../ids.ts'
import type { FeedSpec } from '../ports.ts'
import type { ProcessDescription, ProcessEpoch } from '../process/process.ts'

/** The feed of a process in an epoch: its assignments, signed by its schedulers. */
export function messagesFeed(process: Pick<ProcessDescription, 'id'> & ProcessEpoch): FeedSpec {
  const { schedulers, schedulerQuorum } = process.policy
  const spec: FeedSpec = {
    kind: 'messages',
    process: process.id,
    epoch: process.epoch,
    signers: schedulers,
    quorum: schedulerQuorum,
  }
  return process.prologue === undefined ? spec : { ...spec, prologue: process.prologue }
}

/** What compute unit `unit` got from the feed of a process, signed by that unit; each epoch has one from the first slot on. */
export function resultsFeed(process: Pick<ProcessDescription, 'id' | 'epoch'>, unit: KeyId): FeedSpec {
  return { kind: 'results', process: process.id, epoch: process.epoch, signers: [unit], quorum: 1 }
}

/** What scheduler `key` of a process has promised and accepted, one of several; signed by it. */
export function votesFeed(process: Pick<ProcessDescription, 'id' | 'epoch'>, key: KeyId): FeedSpec {
  return { kind: 'votes', process: process.id, epoch: process.epoch, signers: [key], quorum: 1 }
}

/** Tells feeds apart: equal for equal specs. Joined, as that gives one piece: a template keeps all its parts. */
export function feedName({ kind, process, epoch, quorum, signers, prologue }: FeedSpec): string {
  const parts = [kind, process, epoch, quorum, signers.join('+')]
  if (prologue !== undefined) parts.push(prologue.length, toBase64Url(prologue.hash))
  return parts.join('/')
}
