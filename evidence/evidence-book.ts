/**
 * What this node knows of broken rules.
 *
 * 1. Nothing is kept or handed on that was not checked here; checked again when the node starts, so the disk is not believed
 *    (but for the signatures of complaints: there may be hundreds, and a node that is killed often has little time).
 * 2. Schedulers that signed two feeds: the process stands still where the two trees are still one as far as is known: the
 *    shortest length that somebody showed, less one. What stands before it goes on being served.
 * 3. A compute unit that signed what a frame did not give: its word counts for nothing more, in that process; what it signed of
 *    earlier frames, and others found final by it, stays.
 * 4. A complaint changes nothing; people read it.
 * 5. What is new goes to all peers but the one that brought it; who is met later hears of the last complaints only. An equivocation of
 *    a shorter length moves the end, so it finds room where others do not: that of the longest gives way.
 */
import {
  asKeyId,
  type Clock,
  COMPLAINTS_TOLD_MAX,
  type Disagreement,
  encodeEquivocation,
  encodeFault,
  equivocationOf,
  type Evidence,
  type EvidenceEntry,
  type EvidenceKind,
  evidenceId,
  Failure,
  type FeedConflict,
  type KeyId,
  type Log,
  feedOfEpoch,
  messagesFeed,
  type ProcessDescription,
  type ProcessId,
  type Slot,
  toUtf8,
  type UnitFault,
  unitOf,
} from '../protocol/index.ts'
import { AwaitedComplaints } from './complaint-offers.ts'
import { Disagreements } from './disagreements.ts'
import { EvidenceRoom } from './evidence-room.ts'
import { judge, type Judged, type JudgeParts } from './judge.ts'

export interface EvidenceBookParts extends JudgeParts {
  readonly log: Pick<Log, 'store' | 'freeze' | 'messages' | 'length'>
  readonly clock: Pick<Clock, 'now' | 'elapsed'>
  /** Hands what is new to all peers but `from`. */
  readonly share: (entry: EvidenceEntry, from: KeyId | undefined) => void
  readonly trouble: (what: string, failure: Failure) => void
  /** Told of all that is new. */
  readonly noticed?: ((entry: EvidenceEntry) => void) | undefined
}

/** One says so, and nothing that is known here speaks against it yet. */
function notShown(error: unknown): void {
  if (!Failure.is(error, 'bad-evidence')) throw error
}

const PREFIX = 'evidence/'
const SEEN_BYTES = 8

export class EvidenceBook implements Evidence {
  readonly #parts: EvidenceBookParts
  readonly #entries = new Map<string, EvidenceEntry>()
  readonly #room = new EvidenceRoom()
  readonly #awaited: AwaitedComplaints
  /** Processes that stand still, by epoch: how many blocks of their feed are common to both sides, as far as is known. */
  readonly #ends = new Map<string, number>()
  readonly #disagreements = new Disagreements()
  /** Units at fault, with the first slot of the first frame that shows it. */
  readonly #excluded = new Map<ProcessId, Map<KeyId, Slot>>()

  private constructor(parts: EvidenceBookParts) {
    this.#parts = parts
    this.#awaited = new AwaitedComplaints(parts.clock)
  }

  /** Reads what was kept, and acts upon it again. */
  static async open(parts: EvidenceBookParts): Promise<EvidenceBook> {
    const book = new EvidenceBook(parts)
    for await (const { value } of parts.log.store.range({ gte: toUtf8(PREFIX), lt: toUtf8('evidence0') })) {
      const seenMs = Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0))
      await book.#look(value.subarray(SEEN_BYTES), seenMs, true).catch(error => {
        if (!Failure.is(error)) throw error
      })
    }
    return book
  }

  /**
   * Takes what somebody brought: checks it, keeps it, acts upon it, hands it on.
   * @throws {Failure} `bad-evidence`, `unknown-process`
   */
  async take(bytes: Uint8Array, from?: KeyId): Promise<{ readonly id: string; readonly isNew: boolean }> {
    const id = evidenceId(bytes)
    this.#awaited.came(id)
    if (this.#entries.has(id)) return { id, isNew: false }
    const kept = bytes.slice()
    const seenMs = this.#parts.clock.now()
    const entry = await this.#look(kept, seenMs)
    if (entry === undefined) return { id, isNew: false }
    const value = new Uint8Array(SEEN_BYTES + kept.length)
    new DataView(value.buffer).setBigUint64(0, BigInt(seenMs))
    value.set(kept, SEEN_BYTES)
    this.#parts.log.store.write([{ key: storeKey(entry), value }])
    this.#parts.share(entry, from)
    this.#parts.noticed?.(entry)
    return { id, isNew: true }
  }

  /** A log saw that the schedulers of a process signed two feeds. */
  async conflict(conflict: FeedConflict): Promise<void> {
    if (conflict.feed.kind === 'messages') await this.take(encodeEquivocation(equivocationOf(conflict)))
  }

  /** See `Evidence`: who is at fault shows once enough units have said what a frame gave, or this node has evaluated it. */
  disagreement(disagreement: Disagreement): void {
    this.#weigh(disagreement).catch(error => this.#parts.trouble('evidence', Failure.from(error)))
  }

  /** See `Evidence`. */
  fault(fault: UnitFault): void {
    this.take(encodeFault(fault)).catch(error => this.#parts.trouble('evidence', Failure.from(error)))
  }

  async #weigh(disagreement: Disagreement): Promise<void> {
    const process = await this.#parts.describe(disagreement.process)
    if (process === undefined) return
    for (const fault of this.#disagreements.add(disagreement, process)) await this.take(encodeFault(fault))
    for (const { unit, certificateBytes, signature } of disagreement.attestations) {
      const fault: UnitFault = { process: process.id, certificateBytes, unit, signature, other: undefined }
      const isKnown = this.isExcluded(process.id, unitOf(process, unit) ?? asKeyId(''))
      if (!isKnown) await this.take(encodeFault(fault)).catch(notShown)
    }
  }

  /** All that is known, newest first. */
  list({ process, kind }: { process?: ProcessId | undefined; kind?: EvidenceKind | undefined } = {}): EvidenceEntry[] {
    const entries = [...this.#entries.values()]
    const wanted = entries.filter(
      entry => (process ?? entry.process) === entry.process && (kind ?? entry.kind) === entry.kind,
    )
    return wanted.sort((a, b) => b.seenMs - a.seenMs)
  }

  /** What a node that is met is told: all that anybody acts upon, and of complaints, which change nothing, the last few. */
  toTell(): { readonly proofs: readonly EvidenceEntry[]; readonly complaints: readonly EvidenceEntry[] } {
    return {
      proofs: this.list().filter(({ kind }) => kind !== 'complaint'),
      complaints: this.list({ kind: 'complaint' }).slice(0, COMPLAINTS_TOLD_MAX),
    }
  }

  /** Those of the complaints that somebody names which this node lacks; of whoever else names them it does not want them meanwhile. */
  lacks(ids: readonly string[]): readonly string[] {
    return this.#awaited.await(ids.filter(id => !this.#entries.has(id)))
  }

  get(id: string): EvidenceEntry | undefined {
    return this.#entries.get(id)
  }

  /** See `Evidence`. */
  isExcluded(process: ProcessId, unit: KeyId, slot: Slot = Number.POSITIVE_INFINITY): boolean {
    const from = this.#excluded.get(process)?.get(unit)
    return from !== undefined && slot >= from
  }

  /** Blocks of a process that stands still which are common to both feeds of its schedulers; nothing, if it does not. */
  endOf({ id, epoch }: Pick<ProcessDescription, 'id' | 'epoch'>): number | undefined {
    return this.#ends.get(endName(id, epoch))
  }

  /** Whether a message that was complained about stands in its feed by now. */
  async isSettled({ process, message }: EvidenceEntry): Promise<boolean> {
    return message !== undefined && (await this.#parts.log.messages.slotOf(process, message)) !== undefined
  }

  /** Nothing, if there is no room for it. @throws {Failure} as `take` */
  async #look(bytes: Uint8Array, seenMs: number, isAgain = false): Promise<EvidenceEntry | undefined> {
    const hasRoom = (complaint: Judged): boolean => this.#room.has(complaint, bytes.length, false)
    const judged = await judge(bytes, this.#parts, { isAgain, hasRoom })
    if (judged === undefined) return undefined
    const entry: EvidenceEntry = { id: evidenceId(bytes), ...judged, seenMs, bytes }
    const isElsewhere = judged.kind !== 'complaint' && (await this.#isElsewhere(judged.process))
    // Somebody else brought it while it was judged: it counts once.
    if (this.#entries.has(entry.id) || !this.#makeRoom(entry, isElsewhere)) return undefined
    this.#room.take(entry, isElsewhere)
    this.#entries.set(entry.id, entry)
    try {
      await this.#act(entry)
    } catch (error) {
      // Whoever brings it again is heard.
      this.#forget(entry)
      throw error
    }
    return entry
  }

  /** Whether this node has no feed of a process. */
  async #isElsewhere(id: ProcessId): Promise<boolean> {
    const process = await this.#parts.describe(id)
    return process === undefined || (await this.#parts.log.length(messagesFeed(process))) === 0
  }

  /** Whether there is room for it, perhaps since another gave way. */
  #makeRoom(entry: EvidenceEntry, isElsewhere: boolean): boolean {
    if (this.#room.has(entry, entry.bytes.length, isElsewhere)) return true
    const { length, process, epoch } = entry
    const end = this.#ends.get(endName(process, epoch)) ?? Number.POSITIVE_INFINITY
    if (length === undefined || length > end) return false
    const longest = this.#longest(entry)
    if (longest !== undefined) {
      this.#forget(longest)
      this.#parts.log.store.write([{ key: storeKey(longest), value: undefined }])
    }
    // What shows where an epoch ended stays, so there may be one more for each.
    return longest !== undefined || !isElsewhere
  }

  /** Of the same epoch, whose end moves. */
  #longest({ process, epoch }: EvidenceEntry): EvidenceEntry | undefined {
    const alike = this.list({ process, kind: 'equivocation' }).filter(entry => entry.epoch === epoch)
    const [longest] = alike.sort((a, b) => (b.length ?? 0) - (a.length ?? 0))
    return longest
  }

  #forget(entry: EvidenceEntry): void {
    this.#entries.delete(entry.id)
    this.#room.give(entry)
  }

  async #act({ id, kind, process, length, epoch, accused, slot = 0 }: EvidenceEntry): Promise<void> {
    if (kind === 'fault') {
      const units = this.#excluded.get(process) ?? new Map<KeyId, Slot>()
      for (const unit of accused) units.set(unit, Math.min(slot, units.get(unit) ?? slot))
      this.#excluded.set(process, units)
    }
    if (kind !== 'equivocation' || length === undefined || epoch === undefined) return
    const name = endName(process, epoch)
    const end = Math.min(length - 1, this.#ends.get(name) ?? Number.POSITIVE_INFINITY)
    this.#ends.set(name, end)
    const description = await this.#parts.describe(process)
    const feed = description && feedOfEpoch(description, epoch)
    const why = new Failure('equivocated', { process, evidence: id, blocks: end })
    if (feed !== undefined) this.#parts.log.freeze(feed, end, why)
  }
}

const storeKey = ({ process, kind, id }: EvidenceEntry): Uint8Array => toUtf8(`${PREFIX}${process}/${kind}/${id}`)
const endName = (process: ProcessId, epoch = 0): string => `${process} ${epoch}`
