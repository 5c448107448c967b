import {
  COMPLAINTS_MAX_BYTES,
  EVIDENCE_ELSEWHERE_MAX_BYTES,
  EVIDENCE_PER_PROCESS_MAX,
  type EvidenceEntry,
} from '../protocol/index.ts'
import type { Judged } from './judge.ts'

/**
 * How much evidence there is room for: it is held in memory, and anybody can make some.
 *
 * 1. So many pieces of each kind of one process. Processes that nobody knows cost nothing to name: they share the room of one.
 * 2. So many bytes of all complaints: each has an item in it.
 * 3. So many bytes of what else is about processes of which this node has no feed: whoever makes processes, and signs two feeds of each,
 *    makes as much of it as he likes. Processes that have a feed here cost more than what is known of them.
 */
export class EvidenceRoom {
  readonly #counts = new Map<string, number>()
  readonly #elsewhere = new Set<string>()
  #complaintBytes = 0
  #elsewhereBytes = 0

  has(shown: Judged, bytes: number, isElsewhere: boolean): boolean {
    if (shown.kind === 'complaint') {
      if (this.#complaintBytes + bytes > COMPLAINTS_MAX_BYTES) return false
    } else if (isElsewhere && this.#elsewhereBytes + bytes > EVIDENCE_ELSEWHERE_MAX_BYTES) return false
    return (this.#counts.get(sharerOf(shown)) ?? 0) < EVIDENCE_PER_PROCESS_MAX
  }

  take(entry: EvidenceEntry, isElsewhere: boolean): void {
    if (isElsewhere && entry.kind !== 'complaint') this.#elsewhere.add(entry.id)
    this.#count(entry, 1)
  }

  give(entry: EvidenceEntry): void {
    this.#count(entry, -1)
    this.#elsewhere.delete(entry.id)
  }

  #count(entry: EvidenceEntry, sign: 1 | -1): void {
    const sharer = sharerOf(entry)
    const count = (this.#counts.get(sharer) ?? 0) + sign
    if (count > 0) this.#counts.set(sharer, count)
    else this.#counts.delete(sharer)
    if (entry.kind === 'complaint') this.#complaintBytes += sign * entry.bytes.length
    if (this.#elsewhere.has(entry.id)) this.#elsewhereBytes += sign * entry.bytes.length
  }
}

/** Whose room a piece of evidence takes. */
const sharerOf = ({ kind, process, accused }: Judged): string => `${kind} ${accused.length > 0 ? process : 'of nobody'}`
