import {
  type CoSignAnswer,
  type CoSignRequest,
  equalBytes,
  type FeedSpec,
  type FeedTree,
  proposalHolds,
} from '../../protocol/index.ts'
import type { VoteState } from './vote-state.ts'

/** What a scheduler has of a process's feed, and what it promised. */
interface Standing {
  readonly feed: FeedSpec
  readonly length: number
  readonly state: VoteState
  treeWith(blocks: readonly Uint8Array[]): FeedTree
}

/**
 * Why a proposal is not looked at: what it rests on, or who made it. Whether its blocks may stand there is another question.
 * `behind`: it stands on an older head than there is here.
 */
export function refuseProposal(
  standing: Standing,
  request: Extract<CoSignRequest, { kind: 'propose' }>,
): CoSignAnswer | 'behind' | undefined {
  const { feed, length, state } = standing
  const { view, base, blocks, signature } = request
  if (view < state.view) return { kind: 'superseded', view: state.view }
  if (base < length) return 'behind'
  if (base > length) return refused('what it stands on is not settled')
  const tree = standing.treeWith(blocks)
  if (!proposalHolds(feed, request, tree, signature)) return refused('the signature of the leader does not hold')
  const isOther = state.accepted?.base === base && state.accepted.view === view && !isAccepted(standing, base, tree)
  return isOther ? refused('the leader proposed other blocks in that view') : undefined
}

/** Whether these very blocks were accepted before. */
export function isAccepted(
  { state: { accepted }, treeWith }: Pick<Standing, 'state' | 'treeWith'>,
  base: number,
  tree: FeedTree,
): boolean {
  const before = accepted?.base === base ? treeWith(accepted.blocks) : undefined
  return before !== undefined && before.length === tree.length && equalBytes(before.hash(), tree.hash())
}

export const refused = (reason: string): CoSignAnswer => ({ kind: 'refused', reason })
