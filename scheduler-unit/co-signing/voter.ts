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
 * 5. While it waits for others it answers others: nothing is fetched or checked in its turn. One other scheduler has one
 *    proposal looked at at a time, and leads it from view to view only so fast and so far: views and disks are not endless.
 * 6. The feed it serves holds settled blocks alone: those under a head with the signatures of a quorum.
 */
import {
  type CoSignAnswer,
  type CoSignRequest,
  ed25519Sign,
  encodeMultiSignature,
  Failure,
  type FeedHead,
  feedHeadHolds,
  feedHeadMessage,
  type FeedSpec,
  FeedTree,
  type KeyId,
  leaderOf,
  leadHolds,
  messagesFeed,
  type ProcessDescription,
  type Proposal,
  type SignerProof,
  votesFeed,
} from '../../protocol/index.ts'
import { framesOf } from './frames-of.ts'
import { isAccepted, mayPropose, refused, refuseProposal } from './refuse-proposal.ts'
import { settledBlocks } from './settled-blocks.ts'
import { Turns } from './turns.ts'
import { VIEW_STEP_MAX, ViewPaces } from './view-pace.ts'
import type { VoterParts } from './voter-parts.ts'
import {
  decodeVoteState,
  encodeVoteState,
  mayBeSigned,
  NO_VOTES,
  type SignedHead,
  type VoteState,
} from './vote-state.ts'

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
  readonly #turns = new Turns()
  readonly #paces = new ViewPaces()
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

  /** Whether all that was voted for has settled, once votes under way are given. */
  isStill(): Promise<boolean> {
    return this.#turns.decide(async () => this.unsettled === undefined)
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
    switch (request.kind) {
      case 'propose':
        return this.#turns.lookFor(from, () => this.#consider(from, request))
      case 'settle':
        return this.#turns.lookFor(from, () => this.#hearOf(from, request.head))
      case 'lead':
        return this.#turns.decide(() => this.#follow(request.view, request.signature))
      case 'ask':
        return this.#turns.decide(this.#tell)
    }
  }

  /** Whether blocks may stand at the end of the feed. @throws {Failure} why not */
  check(blocks: readonly Uint8Array[]): Promise<void> {
    return this.#parts.check(this.process, this.length, blocks)
  }

  /** Promises itself to a view that it leads; false if it has promised a later one. */
  stand(view: number): Promise<boolean> {
    return this.#turns.decide(async () => {
      if (view <= this.view || this.length <= this.#floor) return false
      await this.#remember({ ...this.#state, view })
      return true
    })
  }

  /** Accepts what it proposes itself; false if it has left that view, the feed has moved on, or something else stands in its place. */
  acceptOwn(proposal: Proposal): Promise<boolean> {
    return this.#turns.decide(async () => {
      if (proposal.base <= this.#floor || !mayPropose(this.#standing, proposal, this.#parts.isHeld())) return false
      await this.#remember({ ...this.#state, accepted: proposal })
      return true
    })
  }

  /**
   * Settles what it proposed, with the signatures of others and, where one is missing, its own: nobody sees that one
   * before the block is durable. False if it cannot sign, or the feed has moved on.
   */
  settleOwn({ base, blocks }: Proposal, proofs: readonly SignerProof[], isOurs: boolean): Promise<boolean> {
    return this.#turns.decide(async () => {
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
  async catchUp(source: KeyId, head: FeedHead): Promise<void> {
    const before = this.#tree
    if (head.length <= before.length) return
    const blocks = await settledBlocks(this.#parts.peers, source, this.process, before, head)
    await this.#turns.decide(async () => {
      // Others may have brought some of it meanwhile.
      if (head.length > this.length) await this.#settle(blocks.slice(this.length - before.length), head)
    })
  }

  async #consider(from: KeyId, request: Extract<CoSignRequest, { kind: 'propose' }>): Promise<CoSignAnswer> {
    const { view, base, blocks, settled } = request
    if (view < this.view) return { kind: 'superseded', view: this.view }
    if (leaderOf(this.feed, view) !== from) return refused('another scheduler leads that view')
    if (base > this.length && settled?.length === base) await this.#hearOf(from, settled)
    const refusal = await this.#refusalOf(request)
    if (refusal !== undefined) return refusal
    try {
      if (!isAccepted(this.#standing, base, this.treeWith(blocks))) await this.#parts.check(this.process, base, blocks)
    } catch (error) {
      const failure = Failure.from(error)
      if (failure.blame === 'transient' || failure.blame === 'host') throw failure
      return refused(failure.message)
    }
    return this.#turns.decide(async () => (await this.#refusalOf(request)) ?? this.#vote(request))
  }

  async #refusalOf(request: Extract<CoSignRequest, { kind: 'propose' }>): Promise<CoSignAnswer | undefined> {
    const refusal = refuseProposal(this.#standing, request)
    return refusal === 'behind' ? this.#tell() : refusal
  }

  get #standing(): Parameters<typeof refuseProposal>[0] {
    return { feed: this.feed, length: this.length, state: this.#state, treeWith: blocks => this.treeWith(blocks) }
  }

  /** Accepts, and signs if enough others have accepted and nothing else was signed. */
  async #vote({ view, base, blocks, holders }: Extract<CoSignRequest, { kind: 'propose' }>): Promise<CoSignAnswer> {
    const tree = this.treeWith(blocks)
    // What it voted for before may settle: it is not still, and whoever holds it waits for that.
    if (this.#parts.isHeld() && !isAccepted(this.#standing, base, tree))
      return refused('the process is being handed over')
    const head: SignedHead = { base, length: tree.length, hash: tree.hash() }
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
    if (view > this.view && !this.#mayGoTo(view)) return refused(TOO_FAST)
    const isNew = accepted?.view !== view || accepted.base !== base || signed !== this.#state.signed
    if (isNew) await this.#remember({ view, accepted: { view, base, blocks }, signed })
    this.#parts.accepted()
    return signs ? { kind: 'signed', signature: this.#sign(tree) } : { kind: 'held' }
  }

  async #follow(view: number, signature: Uint8Array): Promise<CoSignAnswer> {
    if (view < this.view) return { kind: 'superseded', view: this.view }
    if (!leadHolds(this.feed, view, signature)) return refused('the signature of the leader does not hold')
    if (view > this.view) {
      if (!this.#mayGoTo(view)) return refused(TOO_FAST)
      const reached = Math.min(view, this.view + VIEW_STEP_MAX)
      await this.#remember({ ...this.#state, view: reached })
      if (reached < view) return refused('that view is far ahead: once more')
    }
    return { kind: 'follows', head: await this.head(), accepted: this.unsettled }
  }

  /** Whether its leader may have this scheduler leave its view for that one now. */
  #mayGoTo(view: number): boolean {
    return this.#paces.take(leaderOf(this.feed, view) ?? this.#parts.key, this.#parts.clock.now())
  }

  async #hearOf(from: KeyId, head: FeedHead): Promise<CoSignAnswer> {
    const isKnown = await this.#turns.decide(async () => {
      const { unsettled } = this
      if (head.length <= this.length) return true
      if (unsettled === undefined || !feedHeadHolds(this.feed, this.treeWith(unsettled.blocks), head)) return false
      await this.#settle(unsettled.blocks, head)
      return true
    })
    if (!isKnown) await this.catchUp(from, head)
    return this.#tell()
  }

  #tell = async (): Promise<CoSignAnswer> => ({ kind: 'has', view: this.view, head: await this.head() })

  /** @throws {Failure} `bad-certificate` if the head does not hold for these blocks */
  async #settle(blocks: readonly Uint8Array[], head: FeedHead, isOurs = false): Promise<void> {
    const { log } = this.#parts
    const tree = this.treeWith(blocks)
    if (!feedHeadHolds(this.feed, tree, head)) {
      throw new Failure(
        'bad-certificate',
        { process: this.process.id, length: head.length },
        { note: 'a head of its feed does not hold' },
      )
    }
    const { frames, spawn } = framesOf(this.process, this.length, blocks)
    const last = frames.length - 1
    await log.commit(
      frames.map((frame, at) => ({ ...frame, feed: this.feed, signature: at === last ? head.signature : undefined })),
    )
    if (this.length <= (this.process.prologue?.length ?? 0)) this.#parts.begun()
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
}

const TOO_FAST = 'it goes from view to view too fast'
