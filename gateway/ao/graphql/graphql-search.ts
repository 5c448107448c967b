import {
  asMessageId,
  asModuleId,
  asProcessId,
  Failure,
  GRAPHQL_FEEDS_LOOKED_AT_MAX,
  GRAPHQL_PER_PAGE,
  GRAPHQL_PER_PAGE_MAX,
  isId,
  messagesFeed,
  type ModuleDescription,
  PAGE_MAX,
  type ProcessDescription,
} from '../../../protocol/index.ts'
import { readSlot } from '../feed-reader.ts'
import { findItem, type FoundItem, schedulerLocation, spawnOf } from '../find-item.ts'
import { blocksOf, filterOf, typesOf } from './graphql-filter.ts'
import { nodeOf } from './graphql-node.ts'
import { type Arguments, numberOf, textsOf } from './graphql-arguments.ts'
import { type MessagesFound, messagesTo, tooMuch } from './messages-to.ts'
import type { AoFacadeParts } from '../parts.ts'
import { readable } from '../readable.ts'
import type { SearchBudget } from './search-budget.ts'
import { ASCENDING, DESCENDING, FirstMatches, type Match, type Order, type Place } from './search-order.ts'

/**
 * `transactions`: items by their ids, or a page of those that fit. Ids and recipients are looked for wherever they may be;
 * all else in what is at hand.
 */
export async function findTransactions(
  parts: AoFacadeParts,
  values: Arguments,
  budget: SearchBudget,
): Promise<unknown> {
  const ids = textsOf(values, 'ids')
  const first = Math.min(numberOf(values, 'first') ?? GRAPHQL_PER_PAGE, GRAPHQL_PER_PAGE_MAX)
  return ids === undefined ? searchPage(parts, values, first, budget) : pageByIds(parts, values, ids, first)
}

async function pageByIds(
  parts: AoFacadeParts,
  values: Arguments,
  ids: readonly string[],
  first: number,
): Promise<unknown> {
  if (ids.length > GRAPHQL_PER_PAGE_MAX)
    throw new Failure('malformed-request', { ids: ids.length, max: GRAPHQL_PER_PAGE_MAX })
  const [fits, within] = [filterOf(values), blocksOf(values)]
  const found = await Promise.all(
    ids.map(async id => {
      const match = await findItem(parts, id)
      if (match === undefined || !within(match) || !fits(match.item.owner.address, match.item)) return undefined
      return { id: match.item.id, node: nodeOf(match) }
    }),
  )
  const matches = found.filter(match => match !== undefined)
  const [after] = textsOf(values, 'after') ?? []
  const start = after === undefined ? 0 : matches.findIndex(({ id }) => id === after) + 1
  const page = matches.slice(start, start + Math.max(first, ids.length))
  return pageOf(page, matches.length > start + page.length)
}

async function searchPage(
  parts: AoFacadeParts,
  values: Arguments,
  first: number,
  budget: SearchBudget,
): Promise<unknown> {
  const ascending = textsOf(values, 'sort')?.[0] === 'HEIGHT_ASC'
  const order = ascending ? ASCENDING : DESCENDING
  const recipients = textsOf(values, 'recipients')
  const processes = recipients === undefined ? await receivers(parts, values) : await namedProcesses(parts, recipients)
  const start = await startOf(parts, processes, values)
  const others = new FirstMatches(order, first + 1)
  const isBehind = (place: Place): boolean => start === undefined || order(start, place) < 0
  const isWhole = recipients !== undefined || (await lookAtOthers(parts, values, { others, isBehind }, budget))
  const senders = recipients === undefined ? parts.atHand : parts.log
  const messages = await messagesTo(
    { feeds: parts.atHand, senders },
    processes,
    { ascending, start, count: first + 1, fits: fitsIn(values) },
    budget,
  )
  const matches = merge(others.inOrder(), messages, order)
  if (matches.length === 0 && messages.reached !== undefined) throw tooMuch()
  return pageOf(matches.slice(0, first), matches.length > first || messages.reached !== undefined || !isWhole)
}

/** Nothing is said of what stands behind the place that was reached among the messages. */
function merge(others: readonly Match[], { matches, reached }: MessagesFound, order: Order): Match[] {
  const before = others.filter(({ place }) => reached === undefined || order(place, reached) < 0)
  return [...before, ...matches].toSorted((a, b) => order(a.place, b.place))
}

const pageOf = (page: readonly Pick<Match, 'id' | 'node'>[], hasNextPage: boolean): unknown => ({
  pageInfo: { hasNextPage },
  edges: page.map(({ id, node }) => ({ cursor: id, node })),
})

function fitsIn(values: Arguments): (found: FoundItem) => boolean {
  const [fits, within] = [filterOf(values), blocksOf(values)]
  return found => within(found) && fits(found.item.owner.address, found.item)
}

/** Only messages have recipients. What is new in the feeds of those that others schedule is taken over first. */
async function namedProcesses({ log }: AoFacadeParts, names: readonly string[]): Promise<ProcessDescription[]> {
  if (names.length > GRAPHQL_PER_PAGE_MAX)
    throw new Failure('malformed-request', { recipients: names.length, max: GRAPHQL_PER_PAGE_MAX })
  const ids = [...new Set(names)].filter(isId).map(asProcessId)
  const found = await Promise.all(ids.map(id => log.directory.process(id)))
  const processes = found.filter(process => process !== undefined)
  await Promise.allSettled(processes.map(process => log.length(messagesFeed(process))))
  return processes
}

/** Processes whose messages may be asked for: all of them, or none. @throws {Failure} if they are too many */
async function receivers({ atHand }: AoFacadeParts, values: Arguments): Promise<readonly ProcessDescription[]> {
  if (typesOf(values)?.includes('Message') === false) return []
  const processes = await atHand.directory.processes({ limit: GRAPHQL_FEEDS_LOOKED_AT_MAX + 1 })
  if (processes.length <= GRAPHQL_FEEDS_LOOKED_AT_MAX) return processes
  const note =
    'GraphQL: this node has many processes; messages are found by their ids or recipients alone, all else with its Type'
  throw new Failure('malformed-request', { max: GRAPHQL_FEEDS_LOOKED_AT_MAX }, { note })
}

/** The place of what `after` names. @throws {Failure} if that is nothing that could be found */
async function startOf(
  parts: AoFacadeParts,
  processes: readonly ProcessDescription[],
  values: Arguments,
): Promise<Place | undefined> {
  const [after] = textsOf(values, 'after') ?? []
  if (after === undefined || after === '') return undefined
  if (locationsOf(parts, values).some(({ item }) => item.id === after)) return timeless(after)
  const place = isId(after) ? await placeOf(parts, processes, after) : undefined
  if (place === undefined)
    throw new Failure('malformed-request', {}, { note: 'GraphQL: after names nothing found here' })
  return place
}

async function placeOf(
  { atHand: log }: AoFacadeParts,
  processes: readonly ProcessDescription[],
  id: string,
): Promise<Place | undefined> {
  const spawned = await log.directory.process(asProcessId(id))
  const places = await log.messages.placesOf(asMessageId(id))
  const process = spawned ?? processes.find(candidate => places.some(place => place.process === candidate.id))
  if (process === undefined)
    return (await log.directory.module(asModuleId(id))) === undefined ? undefined : timeless(id)
  const slot = spawned === undefined ? (places.find(place => place.process === process.id)?.slot ?? 0) : 0
  const entry = await readSlot(log, process, slot)
  return entry && { timestampMs: entry.timestampMs, process: process.id, slot }
}

const timeless = (id: string): Place => ({ timestampMs: 0, process: id, slot: 0 })

function locationsOf(parts: AoFacadeParts, values: Arguments): FoundItem[] {
  const elsewhere = (textsOf(values, 'owners') ?? []).filter(key => parts.schedulerAt?.(key) !== undefined)
  return [...new Set([parts.scheduler.key, ...elsewhere])].map(key => schedulerLocation(parts, key))
}

/** Everything that is no message; false: there is more than the budget allows. */
async function lookAtOthers(
  parts: AoFacadeParts,
  values: Arguments,
  { others, isBehind }: { readonly others: FirstMatches; readonly isBehind: (place: Place) => boolean },
  budget: SearchBudget,
): Promise<boolean> {
  const [fits, within, types] = [filterOf(values), blocksOf(values), typesOf(values)]
  const wants = (type: string): boolean => types === undefined || types.includes(type)
  const take = (found: FoundItem | undefined, place: Place): void => {
    if (found === undefined) return
    budget.takeBytes(found.item.data.length)
    if (!within(found) || !isBehind(place)) return
    others.add({ place, id: found.item.id, node: nodeOf(found) })
  }
  for (const location of locationsOf(parts, values))
    if (fits(location.item.owner.address, location.item)) take(location, timeless(location.item.id))
  const { atHand: log } = parts
  const processesAreWhole =
    !wants('Process') ||
    (await lookThrough<ProcessDescription>(
      after => log.directory.processes({ after, limit: PAGE_MAX }),
      // Children carry no Type in what their parent said of them: being spawned is what makes them processes.
      ({ owner, tags }) =>
        fits(owner, { tags: [...tags, { name: 'Type', value: 'Process' }, { name: 'Data-Protocol', value: 'ao' }] }),
      async process => {
        const found = await spawnOf(log, process)
        take(found, { timestampMs: found?.timestampMs ?? 0, process: process.id, slot: 0 })
      },
      budget,
    ))
  const modulesAreWhole =
    !wants('Module') ||
    (await lookThrough<Omit<ModuleDescription, 'wasm'>>(
      after => log.directory.modules({ after, limit: PAGE_MAX }),
      module => fits(module.owner, module),
      async ({ id }) => take(await findItem({ ...parts, log }, id), timeless(id)),
      budget,
    ))
  return processesAreWhole && modulesAreWhole
}

/** Reads those that fit, page by page; false: there is more than the budget allows. */
async function lookThrough<Entry extends { readonly id: string }>(
  pageAfter: (after: Entry['id'] | undefined) => Promise<readonly Entry[]>,
  fits: (entry: Entry) => boolean,
  read: (entry: Entry) => Promise<void>,
  budget: SearchBudget,
): Promise<boolean> {
  let after: Entry['id'] | undefined
  for (;;) {
    const page = await pageAfter(after)
    if (!(await budget.takeEntries(page.length))) return false
    for (const entry of page) {
      if (!fits(entry)) continue
      if (!(await budget.takeItem())) return false
      await readable(() => read(entry))
    }
    if (page.length < PAGE_MAX) return true
    after = page.at(-1)?.id
  }
}
