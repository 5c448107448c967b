import {
  AO_CATCH_UP_MS,
  AO_CRONS_PER_PAGE,
  AO_RESULTS_PER_PAGE,
  AO_SLOTS_LOOKED_AT_MAX,
  CRON_TIMER_PREFIX,
  Failure,
  type Log,
  PAGE_MAX,
  type ProcessDescription,
  type Result,
  type Slot,
} from '../../protocol/index.ts'
import { timerName } from './ao-item.ts'
import { type AoResult, resultAsAo } from './ao-result.ts'
import type { CuParts } from './cu.ts'
import { decodeCursor, encodeCursor, readSort, type Sort } from './cursor.ts'
import { pageSize, parameter } from './exchange.ts'
import { countSlots, readSlots, slotAfter, type SlotEntry } from './feed-reader.ts'

/** Results as AO's compute unit lists them. */
export interface ResultsPage {
  readonly pageInfo: { readonly hasNextPage: boolean }
  readonly edges: readonly { readonly node: Omit<AoResult, 'GasUsed'>; readonly cursor: string }[]
}

/** Slots looked at in one go when going backwards. */
const STRETCH = 128

/** `GET /results/{pid}`: `from` exclusive and `to` inclusive, whatever the order. */
export async function resultsPage(
  parts: CuParts,
  process: ProcessDescription,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<ResultsPage> {
  const limit = pageSize(query, AO_RESULTS_PER_PAGE, PAGE_MAX)
  return collect(parts, process, { query, limit, signal, keep: () => true })
}

/** `GET /cron/{pid}`: results of ticks only, oldest first. */
export async function cronPage(
  parts: CuParts,
  process: ProcessDescription,
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<ResultsPage> {
  const limit = pageSize(query, AO_CRONS_PER_PAGE, PAGE_MAX)
  const keep = ({ envelope }: SlotEntry): boolean => envelope.kind === 'tick'
  return collect(parts, process, { query, limit, signal, keep, sort: 'ASC' })
}

interface Wanted {
  readonly query: URLSearchParams
  readonly limit: number
  readonly signal: AbortSignal
  readonly sort?: Sort
  keep(entry: SlotEntry): boolean
}

async function collect(parts: CuParts, process: ProcessDescription, wanted: Wanted): Promise<ResultsPage> {
  const { query, limit, signal } = wanted
  const range = await resultsRange(parts.log, process, query)
  const sort = wanted.sort ?? range.sort
  const evaluated = await catchUp(parts, process, range.to, signal)
  const ao = await parts.formats.speakAo(process.module)
  const edges: ResultsPage['edges'][number][] = []
  let looked = 0
  const stretches = stretchesOf(range.from, Math.min(range.to, evaluated), sort)
  for (const [from, to] of stretches) {
    const found = await evaluatedEntries(parts, process, { from, to, signal, keep: wanted.keep })
    for (const { entry, result } of sort === 'ASC' ? found : found.toReversed()) {
      const { GasUsed: _, ...node } = resultAsAo(result, ao)
      if (node['Error'] !== undefined) continue
      if (edges.length === limit) return { pageInfo: { hasNextPage: true }, edges }
      edges.push({ node, cursor: cursorOf(process, entry, sort) })
    }
    looked += to - from
    if (looked >= AO_SLOTS_LOOKED_AT_MAX && edges.length > 0) return { pageInfo: { hasNextPage: true }, edges }
    if (signal.aborted) throw new Failure('aborted', {}, { cause: signal.reason })
  }
  return { pageInfo: { hasNextPage: false }, edges }
}

/** Stretches [from, to) of slots, in the order in which they are looked at. */
function* stretchesOf(from: Slot, to: Slot, sort: Sort): Generator<[from: Slot, to: Slot]> {
  if (sort === 'ASC') {
    for (let at = from; at < to; at += STRETCH) yield [at, Math.min(at + STRETCH, to)]
  } else {
    for (let at = to; at > from; at -= STRETCH) yield [Math.max(at - STRETCH, from), at]
  }
}

async function evaluatedEntries(
  parts: CuParts,
  process: ProcessDescription,
  wanted: { from: Slot; to: Slot; signal: AbortSignal; keep(entry: SlotEntry): boolean },
): Promise<{ entry: SlotEntry; result: Result }[]> {
  const { from, to, signal } = wanted
  const entries: SlotEntry[] = []
  for await (const entry of readSlots(parts.log, process, from, to)) {
    if (wanted.keep(entry)) entries.push(entry)
  }
  const first = entries[0]?.slot
  if (first === undefined) return []
  const bySlot = new Map(entries.map(entry => [entry.slot, entry]))
  const found: { entry: SlotEntry; result: Result }[] = []
  for await (const result of parts.computer.results(process.id, first, to, { signal })) {
    const entry = bySlot.get(result.slot)
    if (entry !== undefined) found.push({ entry, result })
  }
  return found
}

/** Slots [from, to) of a query by cursors or bare timestamps. */
async function resultsRange(
  log: Log,
  process: ProcessDescription,
  query: URLSearchParams,
): Promise<{ from: Slot; to: Slot; sort: Sort }> {
  const cursors = ['from', 'to'].map(name => {
    const text = parameter(query, name)
    return text === undefined ? undefined : decodeCursor(text)
  })
  const [from, to] = await Promise.all(
    cursors.map(async cursor => {
      if (cursor === undefined) return undefined
      if (cursor.ordinate !== undefined) return cursor.ordinate + 1
      return slotAfter(log, process, cursor.timestamp)
    }),
  )
  // The order a cursor was made in wins over the one asked for, as in AO.
  const sort = cursors[0]?.sort ?? cursors[1]?.sort ?? readSort(parameter(query, 'sort')) ?? 'ASC'
  return { from: from ?? 0, to: to ?? Infinity, sort }
}

/** Waits a little for the slots of the feed before `to`; how far evaluation has come then. */
async function catchUp(parts: CuParts, process: ProcessDescription, to: Slot, signal: AbortSignal): Promise<Slot> {
  const end = Math.min(await countSlots(parts.log, process), to)
  const evaluated = await parts.computer.evaluated(process.id)
  if (evaluated >= end) return end
  try {
    await parts.computer.result(process.id, end - 1, { signal, timeoutMs: AO_CATCH_UP_MS })
    return end
  } catch (error) {
    if (!Failure.is(error, 'timeout')) throw error
    return Math.min(await parts.computer.evaluated(process.id), end)
  }
}

function cursorOf(process: ProcessDescription, entry: SlotEntry, sort: Sort): string {
  const { slot, timestampMs, envelope } = entry
  const cron = envelope.kind === 'tick' ? cronName(process, timerName(envelope.timer)) : null
  return encodeCursor({ timestamp: timestampMs, ordinate: String(slot), cron, sort })
}

const CRON_TIMER = new RegExp(`^${CRON_TIMER_PREFIX}(\\d+)-`)
/** Intervals that make a cron; the others are passed over and not counted. */
const INTERVAL = /^\s*0*[1-9]\d*-(millisecond|second|minute|hour|day|week|month|year|block)s?\s*$/i

/** `<number>-<interval>`, as AO names the crons of a process; timers of other kinds by their key. */
function cronName(process: ProcessDescription, timer: string): string {
  const number = CRON_TIMER.exec(timer)?.[1]
  if (number === undefined) return `0-${timer}`
  const intervals = process.tags.filter(({ name, value }) => name === 'Cron-Interval' && INTERVAL.test(value))
  const interval = intervals[Number(number)]?.value.trim()
  return interval === undefined ? timer.slice(CRON_TIMER_PREFIX.length) : `${number}-${interval}`
}
