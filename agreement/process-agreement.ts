import {
  type Attestation,
  type Attested,
  type Certificate,
  certificateOf,
  decodeCertificate,
  type Disagreement,
  Failure,
  type ProcessDescription,
  type Sending,
  type Slot,
  unitAt,
} from '../protocol/index.ts'
import type { FinalEnd, FinalStore } from './final-store.ts'
import { sameWord } from './parts.ts'

/** Frames ahead of the final ones whose attestations are kept; what lies beyond is asked for when its time comes. */
const AHEAD_MAX = 1024
/** Final frames whose attestations are in memory: the others' words arrive a moment later. */
const RECENT_MAX = 64

export interface ProcessAgreementParts {
  readonly process: ProcessDescription
  /** Position of this node's own unit in the policy. */
  readonly own: number
  readonly store: FinalStore
  final(certificate: Certificate, sending: readonly Sending[] | undefined): void
  disagreement(disagreement: Disagreement): void
  /** Whether the unit at a position of the policy was proven to be at fault. */
  isExcluded(unit: number): boolean
  /** As many units as the process asks for agree on something else than this node's own. */
  diverged(failure: Failure): void
}

interface OpenFrame {
  readonly words: Map<number, Attestation>
  /** Set when this node's own unit has evaluated it. */
  own?: { readonly certificate: Certificate; readonly sending: readonly Sending[] | undefined }
}

/**
 * What the compute units of one process attest, and how far enough of them agree. This node's own is one of them.
 *
 * 1. A frame is final when `computeQuorum` units signed the same certificate, this node's own among those heard.
 * 2. Frames become final in order; of those that are, nothing is ever taken back.
 * 3. A unit has one word for a frame: a second, different one is kept as evidence and counts for nothing.
 * 4. No unit signs where in the feed a frame stands: anybody can hand on a true word with another index. So what was heard counts
 *    only if it is about the slots that this node's own unit evaluated there; what was kept before is looked at again then.
 */
export class ProcessAgreement {
  readonly #parts: ProcessAgreementParts
  readonly #open = new Map<number, OpenFrame>()
  readonly #recent = new Map<number, Attestation[]>()
  #waiting: { slot: Slot; resolve: () => void; reject: (error: unknown) => void }[] = []
  #blocks: number
  #slots: Slot
  #failure: Failure | undefined

  private constructor(parts: ProcessAgreementParts, blocks: number, slots: Slot) {
    this.#parts = parts
    this.#blocks = blocks
    this.#slots = slots
  }

  /**
   * `certified`: how far this node's own unit has come, as its feed shows. A crash may have taken from that what was final already: it
   * becomes final once more when it is evaluated again, for what it asks to be sent may not have gone out.
   */
  static async open(parts: ProcessAgreementParts, certified: FinalEnd): Promise<ProcessAgreement> {
    const { store, process, own } = parts
    const end = await store.end(process.id)
    const { blocks, slots } = end.blocks > certified.blocks ? certified : end
    const agreement = new ProcessAgreement(parts, blocks, slots)
    for (let index = blocks; index < Math.min(end.blocks, blocks + AHEAD_MAX); index++) {
      const words = await store.attestations(process.id, index)
      for (const word of words) if (word.unit !== own) agreement.#frame(index).words.set(word.unit, word)
    }
    return agreement
  }

  /** Frames that are final. */
  get blocks(): number {
    return this.#blocks
  }

  /** Slots that are final. */
  get slots(): Slot {
    return this.#slots
  }

  /** Set once this node's own unit stands against enough others. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  /** Whether this node's own unit waits for others to agree with it. */
  get isBehind(): boolean {
    return this.#failure === undefined && this.#open.get(this.#blocks)?.own !== undefined
  }

  /** Takes what this node's own unit got. */
  evaluated(attestation: Attestation, certificate: Certificate, sending: readonly Sending[] | undefined): void {
    if (attestation.index < this.#blocks) return
    const frame = this.#frame(attestation.index)
    frame.own = { certificate, sending }
    for (const [unit, word] of frame.words) {
      if (!isAbout(word, certificate)) frame.words.delete(unit)
    }
    this.#keep(frame, attestation)
    this.#advance()
  }

  /** Takes what another unit says; false if it proves nothing or cannot be kept. */
  async heard(attestation: Attestation): Promise<boolean> {
    const { index, unit } = attestation
    if (unit === this.#parts.own || this.#parts.isExcluded(unit) || index >= this.#blocks + AHEAD_MAX) return false
    if (index < this.#blocks) return this.#heardLate(attestation)
    const known = this.#open.get(index)?.words.get(unit)
    if (known !== undefined && sameWord(known, attestation)) return true
    if (certificateOf(attestation, this.#parts.process) === undefined) return false
    const own = this.#open.get(index)?.own
    if (own !== undefined && !isAbout(attestation, own.certificate)) return false
    this.#keep(this.#frame(index), attestation)
    this.#advance()
    return true
  }

  /** Of a frame that is not final yet. */
  words(index: number): Attestation[] {
    return [...(this.#open.get(index)?.words.values() ?? [])]
  }

  /** Of a final frame: those who agreed. */
  async agreeing(index: number): Promise<readonly Attestation[]> {
    return this.#recent.get(index) ?? this.#parts.store.attestations(this.#parts.process.id, index)
  }

  /** Who attests a frame, as far as this node has heard; of an open one, those who say what this node's own unit says. */
  async attested(index: number): Promise<Attested> {
    const { own, process } = this.#parts
    const { computeUnits, computeQuorum } = process.policy
    const words = index < this.#blocks ? await this.agreeing(index) : this.words(index)
    const mine = words.find(({ unit }) => unit === own)
    const by = words.flatMap(word =>
      mine !== undefined && sameWord(word, mine) ? [unitAt(this.#parts.process.policy, word.unit)] : [],
    )
    return {
      by: by.filter(key => key !== undefined),
      needed: computeQuorum,
      of: computeUnits.length,
    }
  }

  /** Resolves when `slot` is final. @throws once this node's own unit has diverged */
  reached(slot: Slot): Promise<void> {
    if (slot < this.#slots) return Promise.resolve()
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#waiting.push({ slot, resolve, reject })
    return promise
  }

  /** Its process is in another epoch: whoever waits is told, and nobody is asked any more. */
  leave(failure: Failure): void {
    this.#failure ??= failure
    for (const { reject } of this.#waiting) reject(failure)
    this.#waiting = []
  }

  #frame(index: number): OpenFrame {
    const known = this.#open.get(index)
    if (known !== undefined) return known
    const frame: OpenFrame = { words: new Map() }
    this.#open.set(index, frame)
    return frame
  }

  #keep(frame: OpenFrame, attestation: Attestation): void {
    for (const other of frame.words.values()) this.#compare(other, attestation)
    if (!frame.words.has(attestation.unit)) frame.words.set(attestation.unit, attestation)
  }

  #compare(a: Attestation, b: Attestation): void {
    if (sameWord(a, b) || !isAbout(a, decodeCertificate(b.certificateBytes))) return
    this.#parts.disagreement({ process: this.#parts.process.id, attestations: [a, b] })
  }

  async #heardLate(attestation: Attestation): Promise<boolean> {
    const { index, unit } = attestation
    const words = [...(await this.agreeing(index))]
    const [first] = words
    if (words.some(word => word.unit === unit && sameWord(word, attestation))) return true
    if (first === undefined || certificateOf(attestation, this.#parts.process) === undefined) return false
    if (!isAbout(attestation, decodeCertificate(first.certificateBytes))) return false
    this.#compare(first, attestation)
    if (!sameWord(first, attestation)) return true
    words.push(attestation)
    words.sort((a, b) => a.unit - b.unit)
    if (this.#recent.has(index)) this.#recent.set(index, words)
    this.#parts.store.write(this.#parts.process.id, index, words)
    return true
  }

  #advance(): void {
    for (let frame = this.#open.get(this.#blocks); frame?.own !== undefined; frame = this.#open.get(this.#blocks)) {
      const agreed = this.#agreed([...frame.words.values()])
      if (agreed === undefined) return
      if (!agreed.some(({ unit }) => unit === this.#parts.own)) return this.#diverge(frame.own.certificate)
      const { certificate, sending } = frame.own
      this.#finish(certificate, agreed)
      this.#parts.final(certificate, sending)
    }
  }

  /** The words of those who agree, if they are enough. */
  #agreed(words: readonly Attestation[]): Attestation[] | undefined {
    const { computeQuorum } = this.#parts.process.policy
    for (const word of words) {
      const same = words.filter(other => sameWord(word, other))
      if (same.length >= computeQuorum) return same.sort((a, b) => a.unit - b.unit)
    }
    return undefined
  }

  #finish(certificate: Certificate, agreed: Attestation[]): void {
    const index = this.#blocks
    this.#open.delete(index)
    this.#blocks += 1
    this.#slots = certificate.firstSlot + certificate.count
    this.#recent.set(index, agreed)
    this.#recent.delete(index - RECENT_MAX)
    const { process, store } = this.#parts
    store.write(process.id, index, agreed, { blocks: this.#blocks, slots: this.#slots })
    const reached = this.#waiting.filter(({ slot }) => slot < this.#slots)
    this.#waiting = this.#waiting.filter(({ slot }) => slot >= this.#slots)
    for (const { resolve } of reached) resolve()
  }

  #diverge({ process, firstSlot, count }: Certificate): void {
    if (this.#failure !== undefined) return
    const note = 'enough other compute units agree on something else than this one'
    this.#failure = new Failure('verification-failed', { process, firstSlot, count }, { note })
    for (const { reject } of this.#waiting) reject(this.#failure)
    this.#waiting = []
    this.#parts.diverged(this.#failure)
  }
}

/** Whether a word is about the frame of a certificate, whatever it says of that. */
function isAbout({ certificateBytes }: Attestation, { firstSlot }: Certificate): boolean {
  return decodeCertificate(certificateBytes).firstSlot === firstSlot
}
