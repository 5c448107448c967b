import {
  type CoSignAnswer,
  type CoSignRequest,
  equalBytes,
  type FeedSpec,
  type FeedTree,
  type Proposal,
  proposalHolds,
} from '../../protocol/index.ts'
import { mayBeSigned, type VoteState } from './vote-state.ts'

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

/** Whether a scheduler may propose that itself: nothing else stands in its place, nor did it sign something else. While it is held, nothing is new. */
export function mayPropose(standing: Standing, { view, base, blocks }: Proposal, isHeld: boolean): boolean {
  const { length, state } = standing
  if (view !== state.view || base !== length) return false
  const tree = standing.treeWith(blocks)
  const isOther = isHeld || (state.accepted?.base === base && state.accepted.view === view)
  if (isOther && !isAccepted(standing, base, tree)) return false
  return mayBeSigned(state.signed, { base, length: tree.length, hash: tree.hash() })
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
