import {
  decodeFrame,
  Failure,
  type FeedSpec,
  findFrame,
  type Frame,
  type Log,
  messagesFeed,
  type ProcessDescription,
  type Slot,
} from '../../../protocol/index.ts'
import { entryAsAo } from '../ao-item.ts'
import { countSlots, type SlotEntry, slotAfter } from '../feed-reader.ts'
import type { FoundItem } from '../find-item.ts'
import { nodeOf } from './graphql-node.ts'
import { readable } from '../readable.ts'
import type { SearchBudget } from './search-budget.ts'
import { ASCENDING, DESCENDING, type Match, type Place } from './search-order.ts'

/** Which messages, and in which order. */
export interface MessagesWanted {
  readonly ascending: boolean
  /** Only what comes behind it, in that order. */
  readonly start: Place | undefined
  readonly count: number
  readonly fits: (found: FoundItem) => boolean
}

export interface MessagesFound {
  readonly matches: readonly Match[]
  /** Where looking ended though there is more: nothing is known of what stands there or behind. */
  readonly reached: Place | undefined
}

/** Where feeds are read, and where senders of pushes are described. */
export interface MessageSources {
  readonly feeds: Log
  readonly senders: Log
}

/** Spawns are found as processes. */
const FIRST_MESSAGE: Slot = 1

/**
 * Messages that somebody sent to these processes, as far as the budget goes. What cannot be read for what others wrote is left
 * out. Of each feed nothing is held but the place where it is looked at.
 */
export async function messagesTo(
  { feeds, senders }: MessageSources,
  processes: readonly ProcessDescription[],
  { ascending, start, count, fits }: MessagesWanted,
  budget: SearchBudget,
): Promise<MessagesFound> {
  const frames = new FrameReader(feeds, budget)
  const walks: Walk[] = []
  for (const process of processes) {
    if (!(await budget.takeItem())) throw tooMuch()
    const walk = new Walk(frames, process, ascending)
    await readable(() => walk.open(start))
    walks.push(walk)
  }
  const matches: Match[] = []
  while (matches.length < count) {
    const walk = foremost(walks, ascending)
    const place = walk?.head
    if (walk === undefined || place === undefined) break
    if (!(await budget.takeItem())) return { matches, reached: place }
    const found = await readable(async () => messageIn(senders, walk.process, await walk.entry()))
    if (found !== undefined && fits(found)) matches.push({ place, id: found.item.id, node: nodeOf(found) })
    await readable(() => walk.advance())
  }
  return { matches, reached: undefined }
}

/** There is more than one request looks through, and nothing of what was looked at fits. */
export function tooMuch(): Failure {
  const note = 'GraphQL: there is more here than one request looks through; ask for ids, recipients, or fewer blocks'
  return new Failure('malformed-request', {}, { note })
}

async function messageIn(
  senders: Log,
  process: ProcessDescription,
  entry: SlotEntry | undefined,
): Promise<FoundItem | undefined> {
  if (entry?.envelope.kind !== 'item' && entry?.envelope.kind !== 'push') return undefined
  return { item: await entryAsAo(senders, process, entry), timestampMs: entry.timestampMs }
}

function foremost(walks: readonly Walk[], ascending: boolean): Walk | undefined {
  const order = ascending ? ASCENDING : DESCENDING
  let first: Walk | undefined
  for (const walk of walks)
    if (walk.head !== undefined && (first?.head === undefined || order(walk.head, first.head) < 0)) first = walk
  return first
}

/** Reads frames, and holds the last one alone: feeds are many, and frames large. */
class FrameReader {
  readonly log: Log
  readonly #budget: SearchBudget
  #last: { readonly feed: FeedSpec; readonly index: number; readonly frame: Frame | undefined } | undefined

  constructor(log: Log, budget: SearchBudget) {
    this.log = log
    this.#budget = budget
  }

  async read(feed: FeedSpec, index: number): Promise<Frame | undefined> {
    if (this.#last?.feed !== feed || this.#last.index !== index) {
      this.#last = undefined
      const bytes = await this.log.block(feed, index)
      this.#budget.takeBytes(bytes?.length ?? 0)
      this.#last = { feed, index, frame: bytes && decodeFrame(bytes) }
    }
    return this.#last.frame
  }
}

/** Goes along one feed, message by message. */
class Walk {
  readonly process: ProcessDescription
  /** The message it stands on; nothing: it is at its end. */
  head: Place | undefined
  readonly #frames: FrameReader
  readonly #feed: FeedSpec
  readonly #ascending: boolean
  #index = 0

  constructor(frames: FrameReader, process: ProcessDescription, ascending: boolean) {
    this.process = process
    this.#frames = frames
    this.#feed = messagesFeed(process)
    this.#ascending = ascending
  }

  /** Goes to the first message behind `start`. */
  async open(start: Place | undefined): Promise<void> {
    const slot = await this.#firstBehind(start)
    const frame = slot < FIRST_MESSAGE ? undefined : await findFrame(this.#frames.log, this.#feed, slot)
    if (frame !== undefined) await this.#standOn(frame.index, slot)
  }

  /** What stands where it is. */
  async entry(): Promise<SlotEntry | undefined> {
    const frame = await this.#frames.read(this.#feed, this.#index)
    const slot = this.head?.slot
    const assignment = slot === undefined ? undefined : frame?.assignments[slot - frame.firstSlot]
    return slot === undefined || assignment === undefined ? undefined : { slot, ...assignment }
  }

  async advance(): Promise<void> {
    if (this.head === undefined) return
    const step = this.#ascending ? 1 : -1
    const slot = this.head.slot + step
    this.head = undefined
    if (slot < FIRST_MESSAGE) return
    if (!(await this.#standOn(this.#index, slot))) await this.#standOn(this.#index + step, slot)
  }

  async #standOn(index: number, slot: Slot): Promise<boolean> {
    const frame = index < 0 ? undefined : await this.#frames.read(this.#feed, index)
    const assignment = frame?.assignments[slot - frame.firstSlot]
    if (assignment === undefined) return false
    this.#index = index
    this.head = { timestampMs: assignment.timestampMs, process: this.process.id, slot }
    return true
  }

  async #firstBehind(start: Place | undefined): Promise<Slot> {
    const { log } = this.#frames
    if (start === undefined) return this.#ascending ? FIRST_MESSAGE : (await countSlots(log, this.process)) - 1
    if (this.process.id === start.process) return this.#ascending ? start.slot + 1 : start.slot - 1
    const isLaterAtOnce = this.process.id > start.process
    const next = await slotAfter(log, this.process, isLaterAtOnce ? start.timestampMs - 1 : start.timestampMs)
    return this.#ascending ? Math.max(FIRST_MESSAGE, next) : next - 1
  }
}
