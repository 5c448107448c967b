import {
  equalBytes,
  Failure,
  type FeedConflict,
  FeedTree,
  type KeyId,
  type Log,
  MalformedBytes,
  type SignedPrefix,
} from '../protocol/index.ts'
import type { EvidencePeers } from './head-exchange.ts'

/** The conflict of the smallest length that the other side shows: where two feeds part is searched for by halves. */
export async function closestConflict(
  { log, peers }: { readonly log: Pick<Log, 'prefix'>; readonly peers: Pick<EvidencePeers, 'prefix'> },
  conflict: FeedConflict,
  from: KeyId,
): Promise<FeedConflict> {
  const { feed } = conflict
  let [same, closest] = [0, conflict]
  while (closest.held.length - same > 1) {
    const length = Math.floor((same + closest.held.length) / 2)
    const held = await log.prefix(feed, length)
    const seen = await peers.prefix(from, { process: feed.process, epoch: feed.epoch, length }).catch(failed)
    const [ours, theirs] = [held && hashOf(held), seen && hashOf(seen)]
    if (held === undefined || seen?.length !== length || ours === undefined || theirs === undefined) return closest
    if (equalBytes(ours, theirs)) same = length
    else closest = { feed, held, seen }
  }
  return closest
}

/** The hash of the tree of a prefix, whoever signed it; nothing, if it is no tree. */
export function hashOf({ length, roots }: SignedPrefix): Uint8Array | undefined {
  try {
    const tree = FeedTree.from(roots)
    return tree.length === length ? tree.hash() : undefined
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** A search ends where it gets no answer. @throws what is no failure */
function failed(error: unknown): undefined {
  if (!Failure.is(error)) throw error
}
