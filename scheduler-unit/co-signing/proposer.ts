/**
 * One scheduler of several, as it leads. (docs/decisions/0023)
 *
 * 1. It leads a view once a quorum, itself included, has promised to take nothing of earlier ones.
 * 2. What any of these has accepted on the same settled feed, in the latest view, it proposes first: it may have been
 *    signed. Only then comes what is new.
 * 3. It has accepted what it proposes, durably, before anybody hears of it.
 * 4. One proposal at a time. What is proposed settles with the signatures of a quorum, or this scheduler leads no more.
 */
import {
  CO_SIGN_CALL_MS,
  CO_SIGN_WAIT_MS,
  CO_SIGNED_BLOCKS_MAX,
  type Clock,
  type CoSignAnswer,
  type CoSigners,
  type CoSignRequest,
  Failure,
  FRAME_SIZE_BYTES,
  feedHeadMessage,
  type KeyId,
  type NewBlock,
  type Proposal,
  signerHolds,
  signLead,
  signProposal,
} from '../../protocol/index.ts'
import { Round } from './round.ts'
import { VIEW_STEP_MAX } from './view-pace.ts'
import type { Voter } from './voter.ts'

export interface ProposerParts {
  readonly key: KeyId
  readonly seed: Uint8Array
  readonly clock: Clock
  readonly peers: CoSigners
  readonly voter: Voter
  /** The encoded envelope of slot 0, should this scheduler be the only one to know it. */
  spawn(): Promise<Uint8Array | undefined>
}

/** Pause before a scheduler that did not answer is asked again. */
const ASK_AGAIN_MS = 250
const PROPOSAL_MAX_BYTES = CO_SIGNED_BLOCKS_MAX * FRAME_SIZE_BYTES

export class Proposer {
  readonly #parts: ProposerParts
  readonly #others: readonly KeyId[]
  /** The view that is led; undefined while none is. */
  #view: number | undefined
  /** Whether all has settled that comes before anything new in that view. */
  #isReady = false
  #taking: Promise<boolean> | undefined
  #heardOf = 0
  #closed = false

  constructor(parts: ProposerParts) {
    this.#parts = parts
    this.#others = parts.voter.feed.signers.filter(key => key !== parts.key)
  }

  /** Whether this scheduler leads, as far as it knows, and may propose what is new. */
  get leads(): boolean {
    return this.#isReady && this.#view !== undefined && this.#view === this.#parts.voter.view
  }

  /**
   * Takes the lead in a view later than `beyond`, and settles what others may have signed before; false if too few answer,
   * or a later view was promised (see `heardOf`).
   */
  takeOver(beyond: number): Promise<boolean> {
    this.#taking ??= this.#takeOver(beyond).finally(() => {
      this.#taking = undefined
    })
    return this.#taking
  }

  /** Has blocks stand at the end of the feed. @throws {Failure} `no-quorum`: it leads no more, and they may stand there later */
  async commit(blocks: readonly NewBlock[]): Promise<void> {
    for (let from = 0; from < blocks.length; ) {
      if (!this.leads) throw this.#tooFew('it leads no more')
      let [to, bytes] = [from, 0]
      while (to < blocks.length && to - from < CO_SIGNED_BLOCKS_MAX && (to === from || bytes < PROPOSAL_MAX_BYTES)) {
        bytes += blocks[to]?.bytes.length ?? 0
        to += 1
      }
      if (blocks[from]?.index !== this.#parts.voter.length) throw this.#tooFew('the feed has moved on')
      await this.#propose(
        blocks.slice(from, to).map(block => block.bytes),
        true,
      )
      from = to
    }
  }

  /** Whatever is waited for ends. */
  close(): void {
    this.#closed = true
    this.#leaves()
  }

  /** The latest view of which another scheduler said that it has promised it. */
  get heardOf(): number {
    return this.#heardOf
  }

  async #takeOver(beyond: number): Promise<boolean> {
    const { voter, seed } = this.#parts
    const { feed, place } = voter
    const { signers, quorum } = feed
    const round = Math.floor(beyond / signers.length)
    // Nobody has promised anything before view 0, so whoever leads it first may do so again.
    const view = [round, round + 1]
      .map(n => n * signers.length + place)
      .find(v => v > beyond || (v === beyond && v === 0))
    if (view === undefined || view < voter.view) return false
    this.#leaves()
    if (view > voter.view && !(await voter.stand(view))) return false
    const spawn = voter.length === 0 ? await this.#parts.spawn() : undefined
    const lead = { ...this.#place, kind: 'lead', view, spawn, signature: signLead(feed, view, seed) } as const
    const answers = await this.#gather(lead, quorum - 1)
    if (answers === undefined) return false
    if (voter.view !== view || this.#closed) return false
    const accepted = [voter.unsettled, ...answers.map(({ answer }) => answer.accepted)].filter(
      one => one?.base === voter.length && one.view <= view,
    )
    const newest = accepted.reduce((a, b) => (b !== undefined && b.view > (a?.view ?? -1) ? b : a), undefined)
    this.#view = view
    if (newest !== undefined) await this.#propose(newest.blocks, false)
    this.#isReady = this.#view === view
    return this.leads
  }

  /** Asks all others to follow; gives what enough of them answered, or nothing if too few did. */
  async #gather(lead: CoSignRequest, wanted: number): Promise<readonly { key: KeyId; answer: Follows }[] | undefined> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const answers: { key: KeyId; answer: Follows }[] = []
    let left = this.#others.length
    for (const key of this.#others) {
      void this.#ask(key, lead)
        .then(answer => {
          if (answer?.kind === 'superseded') this.#hears(answer.view)
          return answer?.kind === 'follows'
            ? this.#isTrue(key, answer).then(() => void answers.push({ key, answer }))
            : undefined
        })
        // Whose word does not hold has said nothing.
        .catch(() => undefined)
        .finally(() => {
          left -= 1
          if (left === 0 || answers.length >= wanted) resolve()
        })
    }
    if (wanted > 0) await promise
    return answers.length >= wanted ? [...answers] : undefined
  }

  /** Has here what one who follows says it has. @throws {Failure} if that does not hold */
  async #isTrue(key: KeyId, { head, accepted }: Follows): Promise<void> {
    const { voter } = this.#parts
    if (head !== undefined && head.length > voter.length) await voter.catchUp(key, head)
    if (accepted !== undefined && accepted.base === voter.length) await voter.check(accepted.blocks)
  }

  /** Somebody says that it has promised a view: one alone takes this one no further than a step. */
  #hears(view: number): void {
    const reach = Math.max(this.#heardOf, this.#parts.voter.view) + VIEW_STEP_MAX
    this.#heardOf = Math.max(this.#heardOf, Math.min(view, reach))
  }

  #leaves(): void {
    this.#view = undefined
    this.#isReady = false
  }

  /** Whatever it fails by, nothing else may be proposed in that view: it may have been signed. */
  async #propose(blocks: readonly Uint8Array[], isOurs: boolean): Promise<void> {
    const view = this.#view
    if (view === undefined) throw this.#tooFew('it does not lead')
    try {
      await this.#settle(view, blocks, isOurs)
    } catch (error) {
      if (this.#view === view) this.#leaves()
      throw error
    }
  }

  async #settle(view: number, blocks: readonly Uint8Array[], isOurs: boolean): Promise<void> {
    const { voter, seed, clock } = this.#parts
    const base = voter.length
    const tree = voter.treeWith(blocks)
    const proposal: Proposal = { view, base, blocks }
    if (!(await voter.acceptOwn(proposal))) throw this.#tooFew('it leads no more')
    const signature = signProposal(voter.feed, view, base, tree, seed)
    const settled = await voter.head()
    // One that lies must not end it: it goes on while there may be enough signatures without it.
    const round = new Round(this.#others.length - (voter.feed.quorum - 1) + 1)
    const superseded: number[] = []
    const message = feedHeadMessage(voter.feed, tree)
    const untilMs = clock.elapsed() + CO_SIGN_WAIT_MS
    const ask = async (key: KeyId): Promise<void> => {
      while (!round.over && this.#view === view && voter.view === view && clock.elapsed() < untilMs) {
        const { holders } = round
        const answer = await this.#ask(key, {
          ...this.#place,
          ...proposal,
          kind: 'propose',
          settled,
          holders,
          signature,
        })
        if (round.over) return
        if (answer?.kind === 'signed') {
          const proof = { signer: voter.feed.signers.indexOf(key), signature: answer.signature }
          if (signerHolds(voter.feed, message, proof)) return round.signed(key, proof)
        }
        if (answer?.kind === 'held') {
          round.held(key)
          await round.moreThan(holders)
        } else if (answer?.kind === 'superseded') {
          superseded.push(answer.view)
          return round.refused(`a later view was promised: ${answer.view}`)
        } else if (answer?.kind === 'has' && answer.head !== undefined && answer.head.length > base) {
          await voter.catchUp(key, answer.head).catch(() => undefined)
          if (voter.length > base) return round.end('another scheduler went on')
          return round.refused('it has a longer feed, it says')
        } else if (answer?.kind === 'refused') return round.refused(answer.reason)
        else await clock.sleep(ASK_AGAIN_MS)
      }
    }
    const asked = Promise.allSettled(this.#others.map(ask)).then(() => round.end('too few signed in time'))
    for (let wanted = voter.feed.quorum - 1; ; wanted += 1) {
      const failure = await round.reached(wanted)
      if (failure !== undefined) {
        for (const later of superseded) this.#hears(later)
        throw this.#tooFew(failure)
      }
      if (await voter.settleOwn(proposal, round.proofs, isOurs)) break
      if (wanted >= voter.feed.quorum) round.end('it signed another head before')
    }
    round.end('settled')
    void asked
    void this.#spread(voter.length)
  }

  /** Tells the others that the feed has grown, until they know or it has grown again. */
  async #spread(length: number): Promise<void> {
    const { voter, clock } = this.#parts
    const head = await voter.head()
    if (head === undefined || head.length !== length) return
    const tell = async (key: KeyId): Promise<void> => {
      for (let attempt = 0; attempt < 5 && voter.length === length && !this.#closed; attempt++) {
        const answer = await this.#ask(key, { ...this.#place, kind: 'settle', head })
        if (answer?.kind === 'has' && (answer.head?.length ?? 0) >= length) return
        await clock.sleep(ASK_AGAIN_MS * 2 ** attempt)
      }
    }
    await Promise.all(this.#others.map(tell))
  }

  /** Nothing, if no answer came. */
  async #ask(key: KeyId, request: CoSignRequest): Promise<CoSignAnswer | undefined> {
    return this.#parts.peers.coSign(key, request, { timeoutMs: CO_SIGN_CALL_MS }).catch(() => undefined)
  }

  get #place(): Pick<CoSignRequest, 'process' | 'epoch'> {
    const { id, epoch } = this.#parts.voter.process
    return { process: id, epoch }
  }

  #tooFew(note: string): Failure {
    return new Failure('no-quorum', { process: this.#parts.voter.process.id }, { note })
  }
}

type Follows = Extract<CoSignAnswer, { kind: 'follows' }>
