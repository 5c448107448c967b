import {
  type Attestation,
  type Certificate,
  decodeCertificate,
  type Disagreement,
  Failure,
  type KeyId,
  type ProcessDescription,
  type ProcessId,
  type Result,
  type Sending,
  type UnitPeers,
  resultsFeed,
  speaksAlone,
  unitAt,
} from '../protocol/index.ts'
import { type FinalEnd, FinalStore } from './final-store.ts'
import { type AgreementParts, positionOf } from './parts.ts'
import { ProcessAgreement, type ProcessAgreementParts } from './process-agreement.ts'
import { Telling } from './telling.ts'

/** How long the others' words are awaited before they are asked for. */
const ASK_FIRST_MS = 250
const ASK_MAX_MS = 5_000
/** Attestations in one answer. */
const PAGE = 64
/** Units whose disagreement is noted, over all processes of a run. */
const EVIDENCE_MAX = 10_000
const NOTHING_FINAL: FinalEnd = { blocks: 0, slots: 0 }

/** A frame that this node's own compute unit evaluated. */
export interface EvaluatedOwn {
  readonly process: ProcessDescription
  readonly index: number
  readonly certificate: Certificate
  readonly certificateBytes: Uint8Array
}

/**
 * Collects what the compute units of processes attest, and tells when it is enough. Where this node's word is enough by
 * itself, that is at once. What was collected is a cache: every unit can sign again what stands in its feed of results.
 */
export class Agreement {
  readonly #parts: AgreementParts
  readonly #store: FinalStore
  readonly #telling: Telling | undefined
  readonly #processes = new Map<ProcessId, Promise<ProcessAgreement>>()
  /** Units that are asked for their word of a process. */
  readonly #asking = new Map<ProcessId, Set<KeyId>>()
  readonly #finals = new Map<ProcessId, Promise<void>>()
  readonly #blamed = new Set<string>()
  #closed = false

  constructor(parts: AgreementParts) {
    this.#parts = parts
    this.#store = new FinalStore(parts.log.store)
    this.#telling = parts.peers && new Telling(parts.peers)
  }

  /** Takes what this node's own unit got from a frame; `sending` are results that ask for something to be sent. */
  evaluated({ process, index, certificate, certificateBytes }: EvaluatedOwn, sending: readonly Sending[]): void {
    const { key, unit, final } = this.#parts
    if (speaksAlone(process.policy, key)) return final(process, certificate, sending)
    const own = positionOf(process, key)
    if (own < 0) return
    const word = { index, unit: own, certificateBytes, signature: unit.sign(certificateBytes) }
    this.#tell(process, word)
    void this.of(process).then(agreement => {
      agreement.evaluated(word, certificate, sending)
      this.#ask(agreement, process)
    }, this.#troubleOf(process.id))
  }

  /**
   * Takes what other units attest of a process; what proves nothing is dropped. So is all that comes from a node of which no epoch
   * knows: each word is a signature to check, and units tell each other.
   */
  async heard(id: ProcessId, words: readonly Attestation[], from?: KeyId): Promise<void> {
    const process = await this.#parts.log.directory.process(id)
    if (process === undefined || !this.#collects(process)) return
    const policies = [process, ...(process.earlier ?? [])].map(({ policy }) => policy)
    if (from !== undefined && !policies.some(({ computeUnits }) => computeUnits.includes(from))) return
    const agreement = await this.of(process)
    for (const [at, word] of words.slice(0, PAGE * PAGE).entries()) {
      // Others have their turn.
      if (at > 0 && at % PAGE === 0) await this.#parts.clock.sleep(0)
      await agreement.heard(word)
    }
  }

  /** What this unit attests of frames from `from` on, and what it heard of others. */
  async attestations(process: ProcessDescription, from: number): Promise<Attestation[]> {
    const { key, log } = this.#parts
    const feed = resultsFeed(process, key)
    const end = Math.min(await log.length(feed), from + PAGE)
    if (from >= end) return []
    const own = positionOf(process, key)
    const agreement = this.#collects(process) ? await this.of(process) : undefined
    const words: Attestation[] = []
    let index = from
    for await (const certificateBytes of log.blocks(feed, from, end)) {
      words.push({
        index,
        unit: own,
        certificateBytes,
        signature: this.#parts.unit.sign(certificateBytes),
      })
      if (agreement !== undefined) {
        const heard = index < agreement.blocks ? await agreement.agreeing(index) : agreement.words(index)
        words.push(...heard.filter(({ unit }) => unit !== own))
      }
      index += 1
    }
    return words
  }

  /** Goes on with frames that were evaluated by an earlier run and did not become final. */
  catchUp(process: ProcessDescription): void {
    if (this.#collects(process)) void this.of(process).catch(this.#troubleOf(process.id))
  }

  /** Why this node's own unit is no longer believed about a process, if it is not. */
  async failureOf(process: ProcessDescription): Promise<Failure | undefined> {
    return this.#collects(process) ? (await this.of(process)).failure : undefined
  }

  /** The agreement on a process of which this node is one compute unit of several that must agree. */
  of(process: ProcessDescription): Promise<ProcessAgreement> {
    const known = this.#processes.get(process.id)
    if (known !== undefined) return known
    const opening = this.#open(process)
    this.#processes.set(process.id, opening)
    opening.catch(() => this.#processes.delete(process.id))
    return opening
  }

  /**
   * A process is in a new epoch: what its units agreed on stays as far as its prologue goes, if they are still those of before; all
   * else is agreed on anew.
   */
  async moved(process: ProcessDescription): Promise<void> {
    const { id, policy, earlier } = process
    const opening = this.#processes.get(id)
    this.#processes.delete(id)
    const before = await opening?.catch(() => undefined)
    before?.leave(new Failure('moved', { process: id, epoch: process.epoch }))
    this.#asking.delete(id)
    const isSame = (earlier?.at(-1)?.policy.unitsFrom ?? 0) === (policy.unitsFrom ?? 0)
    // What this node's own unit certified in earlier epochs, of the blocks that stay.
    await this.#store.cut(id, isSame ? await this.#certified(process, process.prologue?.length ?? 0) : NOTHING_FINAL)
  }

  /** How far this node's own unit has certified, of so many blocks. */
  async #certified(process: ProcessDescription, max = Number.POSITIVE_INFINITY): Promise<FinalEnd> {
    const { log, key } = this.#parts
    const feed = resultsFeed(process, key)
    const blocks = Math.min(max, await log.length(feed))
    const last = blocks === 0 ? undefined : await log.block(feed, blocks - 1)
    if (last === undefined) return NOTHING_FINAL
    const { firstSlot, count } = decodeCertificate(last)
    return { blocks, slots: firstSlot + count }
  }

  stop(): void {
    this.#closed = true
  }

  /** Whether this node's own unit needs others to agree. */
  #collects(process: ProcessDescription): boolean {
    return positionOf(process, this.#parts.key) >= 0 && process.policy.computeQuorum > 1
  }

  async #open(process: ProcessDescription): Promise<ProcessAgreement> {
    const { key, log, trouble, unit, evidence } = this.#parts
    const own = positionOf(process, key)
    const parts: ProcessAgreementParts = {
      process,
      own,
      store: this.#store,
      final: (certificate, sending) => this.#final(process, certificate, sending),
      disagreement: disagreement => this.#disagreement(disagreement),
      isExcluded: at => {
        const other = unitAt(process.policy, at)
        return other !== undefined && evidence?.isExcluded(process.id, other) === true
      },
      diverged: failure => trouble?.(process.id, failure),
    }
    const agreement = await ProcessAgreement.open(parts, await this.#certified(process))
    // What an earlier run evaluated is told again: who waits for it may have missed it.
    let index = agreement.blocks
    for await (const certificateBytes of log.blocks(resultsFeed(process, key), index)) {
      const word = { index, unit: own, certificateBytes, signature: unit.sign(certificateBytes) }
      if (index < agreement.blocks + PAGE) this.#tell(process, word)
      agreement.evaluated(word, decodeCertificate(certificateBytes), undefined)
      index += 1
    }
    this.#ask(agreement, process)
    return agreement
  }

  #tell(process: ProcessDescription, word: Attestation): void {
    for (const key of process.policy.computeUnits) {
      if (key !== this.#parts.key) this.#telling?.tell(key, process.id, word)
    }
  }

  /** Asks the other units for what they did not tell, as long as this node's own waits for them. One that is gone holds up no other. */
  #ask(agreement: ProcessAgreement, { id, policy }: ProcessDescription): void {
    if (this.#parts.peers === undefined || !agreement.isBehind) return
    const asked = this.#asking.get(id) ?? new Set()
    this.#asking.set(id, asked)
    for (const unit of policy.computeUnits) {
      if (unit === this.#parts.key || asked.has(unit)) continue
      asked.add(unit)
      const asking = this.#askOne(this.#parts.peers, agreement, id, unit).catch(this.#troubleOf(id))
      void asking.then(() => {
        asked.delete(unit)
        if (asked.size === 0 && this.#asking.get(id) === asked) this.#asking.delete(id)
      })
    }
  }

  async #askOne(peers: UnitPeers, agreement: ProcessAgreement, id: ProcessId, unit: KeyId): Promise<void> {
    for (let pauseMs = ASK_FIRST_MS; agreement.isBehind && !this.#closed; ) {
      const before = agreement.blocks
      await this.#parts.clock.sleep(pauseMs)
      // Page after page, as long as it gets on: a unit that was away may lack hundreds.
      for (let from = -1; agreement.isBehind && agreement.blocks > from && !this.#closed; ) {
        from = agreement.blocks
        const words = await peers.attestations(unit, id, from).catch(() => [])
        for (const word of words) await agreement.heard(word)
      }
      pauseMs = agreement.blocks > before ? ASK_FIRST_MS : Math.min(ASK_MAX_MS, 2 * pauseMs)
    }
  }

  /** Tells of a final frame, in order; what it asks to be sent is looked up if an earlier run evaluated it. */
  #final(process: ProcessDescription, certificate: Certificate, sending: readonly Sending[] | undefined): void {
    const before = this.#finals.get(process.id)
    if (before === undefined && sending !== undefined) return this.#parts.final(process, certificate, sending)
    const told = (before ?? Promise.resolve()).then(async () => {
      this.#parts.final(process, certificate, sending ?? (await this.#sendingOf(process.id, certificate)))
    })
    const tail = told.catch(this.#troubleOf(process.id)).finally(() => {
      if (this.#finals.get(process.id) === tail) this.#finals.delete(process.id)
    })
    this.#finals.set(process.id, tail)
  }

  async #sendingOf(process: ProcessId, { firstSlot, count }: Certificate): Promise<Result[]> {
    const sending: Result[] = []
    for await (const result of this.#parts.unit.results(process, firstSlot, firstSlot + count)) {
      if (result.outbox.length + result.assigns.length > 0) sending.push(result)
    }
    return sending
  }

  #disagreement(disagreement: Disagreement): void {
    const { process, attestations } = disagreement
    const [{ unit: first }, { unit: second }] = attestations
    const name = `${process} ${Math.min(first, second)} ${Math.max(first, second)}`
    if (this.#blamed.has(name) || this.#blamed.size >= EVIDENCE_MAX) return
    this.#blamed.add(name)
    for (const { unit } of attestations) this.#store.keepEvidence(process, unit, attestations)
    this.#parts.evidence?.disagreement(disagreement)
  }

  #troubleOf(process: ProcessId): (error: unknown) => void {
    return error => {
      if (!this.#closed) this.#parts.trouble?.(process, Failure.from(error))
    }
  }
}
