/**
 * One scheduler of several, as it answers the others and as it remembers. (docs/decisions/0023)
 *
 * 1. What it promises or accepts stands in its feed of votes, fsynced, before anybody hears of it.
 * 2. It signs a head only if that is the one it signed last, or stands on a settled feed at least as long as that one:
 *    never two for one base, never two for one length.
 * 3. It accepts a proposal only of a view it has not left, signed by the leader of that view, that stands on exactly its
 *    own settled feed, and only if every envelope in it passes as it would at admission.
 * 4. It signs only once so many have accepted the same that no later leader can miss it. Its own signature on what it
 *    proposes itself comes last and leaves it only inside a settled head.
 * 5. The feed it serves holds settled blocks alone: those under a head with the signatures of a quorum.
 */
import {
  type CoSignAnswer,
  type CoSigners,
  type CoSignRequest,
  ed25519Sign,
  encodeMultiSignature,
  equalBytes,
  Failure,
  type FeedHead,
  feedHeadHolds,
  feedHeadMessage,
  type FeedSpec,
  FeedTree,
  type KeyId,
  leaderOf,
  leadHolds,
  type Log,
  messagesFeed,
  type Peers,
  type ProcessDescription,
  type Proposal,
  proposalHolds,
  type SignerProof,
  votesFeed,
} from '../../protocol/index.ts'
import type { CommittedFrame } from '../lane.ts'
import { framesOf } from './frames-of.ts'
import { settledBlocks } from './settled-blocks.ts'
import { decodeVoteState, encodeVoteState, mayBeSigned, NO_VOTES, type SignedHead, type VoteState } from './vote-state.ts'

export interface VoterParts {
  readonly key: KeyId
  readonly seed: Uint8Array
  readonly log: Log
  readonly process: ProcessDescription
  readonly peers: CoSigners & Pick<Peers, 'frames'>
  /** Checks blocks that are to stand at `base`, in slots from there on. @throws {Failure} */
  check(process: ProcessDescription, base: number, blocks: readonly Uint8Array[]): Promise<void>
  /** Blocks settled that this node did not schedule itself. */
  settled(frames: readonly CommittedFrame[]): void
  /** Something was accepted, and is to settle soon. */
  accepted(): void
  /** It does not know what it signed before: see `remembersAll`. */
  forgot(): void
}

export class Voter {
  readonly process: ProcessDescription
  readonly feed: FeedSpec
  /** This scheduler's place among the signers. */
  readonly place: number
  readonly #parts: VoterParts
  readonly #votes: FeedSpec
  #voted: number
  #state: VoteState
  #tree: FeedTree
  #turn: Promise<unknown> = Promise.resolve()
  /** Nothing on a base up to this one is signed: it may have signed something else there, before it was restored. */
  #floor: number

  private constructor(parts: VoterParts, known: { voted: number; state: VoteState; tree: FeedTree }) {
    this.#parts = parts
    this.process = parts.process
    this.feed = messagesFeed(parts.process)
    this.place = this.feed.signers.indexOf(parts.key)
    this.#votes = votesFeed(parts.process, parts.key)
    this.#voted = known.voted
    this.#state = known.state
    this.#tree = known.tree
    this.#floor = parts.log.restored === true ? Number.POSITIVE_INFINITY : -1
  }

  /** Reads what was promised, and the tree of what is settled. */
  static async open(parts: VoterParts): Promise<Voter> {
    const { log, process, key } = parts
    const votes = votesFeed(process, key)
    const voted = await log.length(votes)
    const last = voted === 0 ? undefined : await log.block(votes, voted - 1)
    const feed = messagesFeed(process)
    const prefix = await log.prefix(feed, await log.length(feed))
    const tree = FeedTree.from(prefix?.roots ?? [])
    if (prefix === undefined) for await (const block of log.blocks(feed, 0)) tree.append(block)
    return new Voter(parts, { voted, state: last === undefined ? NO_VOTES : decodeVoteState(last), tree })
  }

  get view(): number {
    return this.#state.view
  }

  get leader(): KeyId {
    return leaderOf(this.feed, this.view) ?? this.#parts.key
  }

  /** Blocks settled. */
  get length(): number {
    return this.#tree.length
  }

  /** What was accepted and has not settled. */
  get unsettled(): Proposal | undefined {
    const { accepted } = this.#state
    return accepted !== undefined && accepted.base === this.length ? accepted : undefined
  }

  /** All others told what is settled, and it is here: what it signed before it was restored stands on no later base than that. */
  remembersAll(): void {
    if (this.#floor === Number.POSITIVE_INFINITY) this.#floor = this.length
  }

  head(): Promise<FeedHead | undefined> {
    return this.#parts.log.head(this.feed)
  }

  treeWith(blocks: readonly Uint8Array[]): FeedTree {
    return this.#tree.with(blocks)
  }

  /** Answers another scheduler of the process. @throws {Failure} what the disk or the way to others failed by */
  answer(from: KeyId, request: CoSignRequest): Promise<CoSignAnswer> {
    return this.#inTurn(() => {
      switch (request.kind) {
        case 'propose':
          return this.#consider(from, request)
        case 'lead':
          return this.#follow(request.view, request.signature)
        case 'settle':
          return this.#hearOf(from, request.head)
        case 'ask':
          return this.#tell()
      }
    })
  }

  /** Promises itself to a view that it leads; false if it has promised a later one. */
  stand(view: number): Promise<boolean> {
    return this.#inTurn(async () => {
      if (view <= this.view || this.length <= this.#floor) return false
      await this.#remember({ ...this.#state, view })
      return true
    })
  }

  /** Accepts what it proposes itself; false if it has left that view, or the feed has moved on. */
  acceptOwn(proposal: Proposal): Promise<boolean> {
    return this.#inTurn(async () => {
      if (proposal.view !== this.view || proposal.base !== this.length || proposal.base <= this.#floor) return false
      await this.#remember({ ...this.#state, accepted: proposal })
      return true
    })
  }

  /**
   * Settles what it proposed, with the signatures of others and, where one is missing, its own: nobody sees that one
   * before the block is durable. False if it cannot sign, or the feed has moved on.
   */
  settleOwn({ base, blocks }: Proposal, proofs: readonly SignerProof[], isOurs: boolean): Promise<boolean> {
    return this.#inTurn(async () => {
      if (base !== this.length) return false
      const tree = this.treeWith(blocks)
      const mine = { base, length: tree.length, hash: tree.hash() }
      const all = [...proofs]
      if (all.length < this.feed.quorum) {
        if (!mayBeSigned(this.#state.signed, mine)) return false
        all.push({ signer: this.place, signature: this.#sign(tree) })
      }
      const head = { length: tree.length, signature: encodeMultiSignature(all.slice(0, this.feed.quorum)) }
      await this.#settle(blocks, head, isOurs)
      return true
    })
  }

  /** Takes over from `source` what is settled there. @throws {Failure} `unreachable`, `bad-certificate` */
  catchUp(source: KeyId, head: FeedHead): Promise<void> {
    return this.#inTurn(() => this.#catchUp(source, head))
  }

  async #consider(from: KeyId, request: Extract<CoSignRequest, { kind: 'propose' }>): Promise<CoSignAnswer> {
    const { view, base, blocks, settled, signature } = request
    if (view < this.view) return { kind: 'superseded', view: this.view }
    if (leaderOf(this.feed, view) !== from) return refused('another scheduler leads that view')
    if (base > this.length && settled?.length === base) await this.#hearOf(from, settled)
    if (base < this.length) return this.#tell()
    if (base > this.length) return refused('what it stands on is not settled')
    const tree = this.treeWith(blocks)
    if (!proposalHolds(this.feed, request, tree, signature)) return refused('the signature of the leader does not hold')
    const head: SignedHead = { base, length: tree.length, hash: tree.hash() }
    const { accepted } = this.#state
    const before = accepted?.base === base ? this.treeWith(accepted.blocks) : undefined
    const isKnown = before !== undefined && before.length === head.length && equalBytes(before.hash(), head.hash)
    if (!isKnown && accepted?.base === base && accepted.view === view) return refused('the leader proposed other blocks in that view')
    if (!isKnown) {
      try {
        await this.#parts.check(this.process, base, blocks)
      } catch (error) {
        const failure = Failure.from(error)
        if (failure.blame === 'transient' || failure.blame === 'host') throw failure
        return refused(failure.message)
      }
    }
    return this.#vote({ view, base, blocks }, tree, head, request.holders)
  }

  /** Accepts, and signs if enough others have accepted and nothing else was signed. */
  async #vote(proposal: Proposal, tree: FeedTree, head: SignedHead, holders: number): Promise<CoSignAnswer> {
    const { signers, quorum } = this.feed
    if (head.base <= this.#floor) {
      this.#parts.forgot()
      return refused('it was restored, and may have signed another head there')
    }
    // What was signed stays accepted, so that whoever leads next hears of it and of nothing else.
    if (!mayBeSigned(this.#state.signed, head)) return refused('another head of that base or length was signed')
    const signs = holders + 1 > signers.length - quorum
    const signed = signs ? head : this.#state.signed
    const { accepted } = this.#state
    const isNew = accepted?.view !== proposal.view || accepted.base !== proposal.base || signed !== this.#state.signed
    if (isNew) await this.#remember({ view: proposal.view, accepted: proposal, signed })
    this.#parts.accepted()
    return signs ? { kind: 'signed', signature: this.#sign(tree) } : { kind: 'held' }
  }

  async #follow(view: number, signature: Uint8Array): Promise<CoSignAnswer> {
    if (view < this.view) return { kind: 'superseded', view: this.view }
    if (!leadHolds(this.feed, view, signature)) return refused('the signature of the leader does not hold')
    if (view > this.view) await this.#remember({ ...this.#state, view })
    return { kind: 'follows', head: await this.head(), accepted: this.unsettled }
  }

  async #hearOf(from: KeyId, head: FeedHead): Promise<CoSignAnswer> {
    if (head.length > this.length) {
      const { unsettled } = this
      const isAccepted = unsettled !== undefined && feedHeadHolds(this.feed, this.treeWith(unsettled.blocks), head)
      if (isAccepted) await this.#settle(unsettled.blocks, head)
      else await this.#catchUp(from, head)
    }
    return this.#tell()
  }

  #tell = async (): Promise<CoSignAnswer> => ({ kind: 'has', view: this.view, head: await this.head() })

  async #catchUp(source: KeyId, head: FeedHead): Promise<void> {
    if (head.length <= this.length) return
    await this.#settle(await settledBlocks(this.#parts.peers, source, this.process, this.#tree, head), head)
  }

  /** @throws {Failure} `bad-certificate` if the head does not hold for these blocks */
  async #settle(blocks: readonly Uint8Array[], head: FeedHead, isOurs = false): Promise<void> {
    const { log } = this.#parts
    const tree = this.treeWith(blocks)
    if (!feedHeadHolds(this.feed, tree, head)) {
      throw new Failure('bad-certificate', { process: this.process.id, length: head.length }, { note: 'a head of its feed does not hold' })
    }
    const { frames, spawn } = framesOf(this.process, this.length, blocks)
    const last = frames.length - 1
    await log.commit(frames.map((frame, at) => ({ ...frame, feed: this.feed, signature: at === last ? head.signature : undefined })))
    this.#tree = tree
    if (isOurs) return
    if (spawn !== undefined) await log.directory.addProcess(this.process, spawn)
    this.#parts.settled(frames)
  }

  #sign(tree: FeedTree): Uint8Array {
    return ed25519Sign(this.#parts.seed, feedHeadMessage(this.feed, tree))
  }

  async #remember(state: VoteState): Promise<void> {
    const bytes = encodeVoteState(state)
    // Not the first slot of anything: what stands here is for this scheduler alone.
    const block = { feed: this.#votes, index: this.#voted, bytes, ids: [], firstSlot: this.#voted + 1 }
    await this.#parts.log.commit([block])
    this.#voted += 1
    this.#state = state
  }

  #inTurn<T>(body: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(body)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

const refused = (reason: string): CoSignAnswer => ({ kind: 'refused', reason })
