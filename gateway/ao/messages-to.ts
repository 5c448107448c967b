import {
  type Assignment,
  asMessageId,
  decodeFrame,
  findFrame,
  GRAPHQL_MESSAGES_LOOKED_AT_MAX,
  isId,
  type Log,
  messagesFeed,
  type ProcessDescription,
  type Slot,
} from '../../protocol/index.ts'
import { entryAsAo } from './ao-item.ts'
import { countSlots, readSlots, type SlotEntry, slotAfter } from './feed-reader.ts'
import type { FoundItem } from './find-item.ts'

/** Which messages, and in which order. */
export interface MessagesWanted {
  readonly ascending: boolean
  /** The id of a message: those behind it, in that order. */
  readonly after: string | undefined
  readonly count: number
  readonly fits: (found: FoundItem) => boolean
}

/** Where a message stands, for an order over several feeds: by time, then by process. */
interface Place {
  readonly process: ProcessDescription
  readonly slot: Slot
  readonly timestampMs: number
}

type Candidate = Place & { readonly entry: SlotEntry }

/** Spawns are found as processes. */
const FIRST_MESSAGE: Slot = 1

/** Messages that somebody sent to these processes, as far as they are found among the first that are looked at. */
export async function messagesTo(
  log: Log,
  processes: readonly ProcessDescription[],
  { ascending, after, count, fits }: MessagesWanted,
): Promise<FoundItem[]> {
  const start = after === undefined ? undefined : await placeOf(log, processes, after)
  const feeds = processes.map(process => candidates(log, process, start, ascending))
  const found: FoundItem[] = []
  let looked = 0
  for await (const { process, entry } of merged(feeds, ascending)) {
    if (++looked > GRAPHQL_MESSAGES_LOOKED_AT_MAX) break
    if (entry.envelope.kind !== 'item' && entry.envelope.kind !== 'push') continue
    const message = { item: await entryAsAo(log, process, entry), timestampMs: entry.timestampMs }
    if (!fits(message)) continue
    found.push(message)
    if (found.length === count) break
  }
  return found
}

async function placeOf(log: Log, processes: readonly ProcessDescription[], id: string): Promise<Place | undefined> {
  if (!isId(id)) return undefined
  for (const { process: there, slot } of await log.messages.placesOf(asMessageId(id))) {
    const process = processes.find(candidate => candidate.id === there)
    if (process === undefined) continue
    for await (const { timestampMs } of readSlots(log, process, slot, slot + 1)) return { process, slot, timestampMs }
  }
  return undefined
}

/** Messages of one feed behind `start`. */
async function* candidates(
  log: Log,
  process: ProcessDescription,
  start: Place | undefined,
  ascending: boolean,
): AsyncGenerator<Candidate> {
  const bound = start === undefined ? undefined : await boundOf(log, process, start, ascending)
  const entries = ascending
    ? readSlots(log, process, Math.max(FIRST_MESSAGE, bound ?? 0))
    : slotsBackwards(log, process, bound ?? (await countSlots(log, process)))
  for await (const entry of entries) yield { process, slot: entry.slot, timestampMs: entry.timestampMs, entry }
}

/** The first slot behind `start`, or, backwards, the one that follows the last. */
async function boundOf(log: Log, process: ProcessDescription, start: Place, ascending: boolean): Promise<Slot> {
  if (process.id === start.process.id) return ascending ? start.slot + 1 : start.slot
  const isLaterAtOnce = process.id > start.process.id
  return slotAfter(log, process, isLaterAtOnce ? start.timestampMs - 1 : start.timestampMs)
}

/** Slots below `before`, the last first, but for the spawn. */
async function* slotsBackwards(log: Log, process: ProcessDescription, before: Slot): AsyncGenerator<SlotEntry> {
  if (before <= FIRST_MESSAGE) return
  const feed = messagesFeed(process)
  const last = await findFrame(log, feed, before - 1)
  for (let index = last?.index ?? -1; index >= 0; index--) {
    const bytes = await log.block(feed, index)
    if (bytes === undefined) return
    const { firstSlot, assignments } = decodeFrame(bytes)
    for (let at = assignments.length - 1; at >= 0; at--) {
      const slot = firstSlot + at
      if (slot < before && slot >= FIRST_MESSAGE) yield { slot, ...(assignments[at] as Assignment) }
    }
  }
}

async function* merged(
  feeds: readonly AsyncGenerator<Candidate>[],
  ascending: boolean,
): AsyncGenerator<Candidate, void, undefined> {
  const heads = await Promise.all(feeds.map(async feed => ({ feed, head: await headOf(feed) })))
  for (;;) {
    let next: (typeof heads)[number] | undefined
    for (const candidate of heads) {
      if (candidate.head === undefined) continue
      if (next?.head === undefined || isEarlier(candidate.head, next.head) === ascending) next = candidate
    }
    if (next?.head === undefined) return
    yield next.head
    next.head = await headOf(next.feed)
  }
}

async function headOf(feed: AsyncGenerator<Candidate>): Promise<Candidate | undefined> {
  const { done, value } = await feed.next()
  return done === true ? undefined : value
}

const isEarlier = (a: Place, b: Place): boolean =>
  a.timestampMs < b.timestampMs || (a.timestampMs === b.timestampMs && a.process.id < b.process.id)
