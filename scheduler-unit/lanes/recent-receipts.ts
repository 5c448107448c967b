import {
  assignmentAt,
  type Envelope,
  type MessageId,
  type ProcessId,
  RECENT_RECEIPTS_MAX,
  RECENT_RECEIPTS_MAX_BYTES,
  type Receipt,
  type ScheduleAnswer,
} from '../../protocol/index.ts'
import type { CommittedFrame } from './committed-frame.ts'

/** A message that has, or is about to have, its slot. */
export interface Seated {
  readonly envelope: Envelope
  readonly answer: Promise<ScheduleAnswer> | ScheduleAnswer
}

type Told = Pick<CommittedFrame, 'process' | 'firstSlot' | 'ids' | 'bytes'>

/** A frame in which some of these stand; they are linked, oldest first. */
interface Link {
  readonly frame: Told
  readonly ids: readonly MessageId[]
  next: Link | undefined
}

/**
 * The last messages that got their slot, of all processes: repeats are answered without a look into feeds. By id, which
 * nearly always stands in one process alone; where it stands in several, the last is remembered. What is kept is whole frames,
 * and taken apart when somebody asks: hardly anybody does, and thousands of receipts would grow old in the heap.
 */
export class RecentReceipts {
  readonly #links = new Map<MessageId, Link>()
  #oldest: Link | undefined
  #newest: Link | undefined
  readonly #max: number
  #bytes = 0

  constructor(max = RECENT_RECEIPTS_MAX) {
    this.#max = max
  }

  get(process: ProcessId, id: MessageId): Seated | undefined {
    const link = this.#links.get(id)
    return link?.frame.process.id === process ? seatedIn(link.frame, id) : undefined
  }

  /** Takes out of `waiting` what stands in these frames, which are durable. */
  takeOver(waiting: Map<MessageId, unknown>, frames: readonly Told[]): void {
    for (const frame of frames)
      this.add(
        frame,
        frame.ids.filter(id => waiting.delete(id)),
      )
  }

  /** Takes a frame that is durable; `ids` are those in it by which messages are told from their repetitions. */
  add(frame: Told, ids: readonly MessageId[]): void {
    if (ids.length === 0) return
    const link: Link = { frame, ids, next: undefined }
    for (const id of ids) this.#links.set(id, link)
    if (this.#newest === undefined) this.#oldest = link
    else this.#newest.next = link
    this.#newest = link
    this.#bytes += frame.bytes.length
    while (this.#links.size > this.#max || this.#bytes > RECENT_RECEIPTS_MAX_BYTES) {
      if (this.#oldest === undefined) return
      this.#forget(this.#oldest)
    }
  }

  /** Forgets those of one process. */
  forgetAll(process: ProcessId): void {
    for (const [id, { frame }] of this.#links) if (frame.process.id === process) this.#links.delete(id)
  }

  #forget(oldest: Link): void {
    for (const id of oldest.ids) if (this.#links.get(id) === oldest) this.#links.delete(id)
    this.#bytes -= oldest.frame.bytes.length
    this.#oldest = oldest.next
    // The engine looks for what grew old and died only now and then: until then it would keep all that came after it.
    oldest.next = undefined
    if (this.#oldest === undefined) this.#newest = undefined
  }
}

function seatedIn({ process, firstSlot, ids, bytes }: Told, id: MessageId): Seated {
  const position = ids.indexOf(id)
  const { timestampMs, envelope } = assignmentAt(bytes, position)
  const receipt: Receipt = { id, process: process.id, slot: firstSlot + position, timestampMs }
  return { envelope, answer: { status: 'scheduled', receipt } }
}
