import {
  asProcessId,
  blockHeightAt,
  blockStartMs,
  Failure,
  GRAPHQL_BODY_MAX_BYTES,
  GRAPHQL_FEEDS_LOOKED_AT_MAX,
  GRAPHQL_LOOKED_AT_MAX,
  GRAPHQL_MATCHES_MAX,
  GRAPHQL_PER_PAGE,
  GRAPHQL_PER_PAGE_MAX,
  isId,
  type ModuleId,
  PAGE_MAX,
  type ProcessDescription,
  type ProcessId,
  toBase64Url,
} from '../../protocol/index.ts'
import { anchorText } from './ao-item.ts'
import { type Exchange, expectMethod, nothingThere, readJson, sendJson } from './exchange.ts'
import { findItem, type FoundItem, schedulerLocation, spawnOf } from './find-item.ts'
import {
  type Arguments,
  numberOf,
  objectOf,
  type Question,
  readQuestions,
  tagFiltersOf,
  textsOf,
} from './graphql-query.ts'
import { messagesTo, type MessagesWanted } from './messages-to.ts'
import type { AoFacadeParts } from './parts.ts'

const FIELDS = ['transactions', 'transaction', 'blocks'] as const

/**
 * The part of an Arweave gateway's GraphQL that AO's clients use: `transactions`, `transaction` and `blocks`. Messages,
 * processes, modules and this node's scheduler are found by their ids, owners and tags, and messages by the processes that
 * they were sent to.
 */
export async function answerGraphql(parts: AoFacadeParts, exchange: Exchange): Promise<void> {
  expectMethod(exchange, 'POST')
  if (exchange.path.length > 0) nothingThere(exchange)
  const { query, variables } = readBodyFields(await readJson(exchange.request, GRAPHQL_BODY_MAX_BYTES))
  const questions = readQuestions(query, FIELDS, variables)
  if (questions.length === 0) {
    const note = 'GraphQL: only transactions, transaction and blocks can be asked for'
    throw new Failure('malformed-request', {}, { note })
  }
  const answers: [string, unknown][] = []
  for (const question of questions) answers.push([question.name, await answerTo(parts, question)])
  sendJson(exchange.response, 200, { data: Object.fromEntries(answers) })
}

async function answerTo(parts: AoFacadeParts, { field, values }: Question<(typeof FIELDS)[number]>): Promise<unknown> {
  if (field === 'transactions') return transactions(parts, values)
  if (field === 'blocks') return blocks(parts, values)
  const [id] = textsOf(values, 'id') ?? []
  const found = id === undefined ? undefined : await findItem(parts, id)
  return found === undefined ? null : nodeOf(found)
}

function readBodyFields(body: unknown): { query: string; variables: Record<string, unknown> } {
  const fields: Record<string, unknown> = typeof body === 'object' && body !== null ? { ...body } : {}
  const { query, variables } = fields
  if (typeof query !== 'string') throw new Failure('malformed-request', {}, { note: 'GraphQL: no query' })
  if (variables === undefined || variables === null) return { query, variables: {} }
  if (typeof variables !== 'object')
    throw new Failure('malformed-request', {}, { note: 'GraphQL: variables are no object' })
  return { query, variables: { ...variables } }
}

async function transactions(parts: AoFacadeParts, values: Arguments): Promise<unknown> {
  const ids = textsOf(values, 'ids')
  const recipients = textsOf(values, 'recipients')
  const first = Math.min(numberOf(values, 'first') ?? GRAPHQL_PER_PAGE, GRAPHQL_PER_PAGE_MAX)
  const ascending = textsOf(values, 'sort')?.[0] === 'HEIGHT_ASC'
  const [after] = textsOf(values, 'after') ?? []
  if (ids === undefined && (recipients !== undefined || wantsMessagesAlone(values))) {
    const processes = recipients === undefined ? await allProcesses(parts) : await namedProcesses(parts, recipients)
    if (processes === undefined) throw tooMany()
    const found = await messagesIn(parts, processes, values, { ascending, after, count: first + 1 })
    return pageOf(found.slice(0, first), found.length > first)
  }
  const within = blocksOf(values)
  const matches = (ids === undefined ? await search(parts, values) : await byIds(parts, ids, values)).filter(within)
  const sorted = ids === undefined ? sortByTime(matches, ascending) : matches
  const start = after === undefined ? 0 : sorted.findIndex(({ item }) => item.id === after) + 1
  const limit = ids === undefined ? first : Math.max(first, ids.length)
  const page = sorted.slice(start, start + limit)
  return pageOf(page, sorted.length > start + page.length)
}

const pageOf = (page: readonly FoundItem[], hasNextPage: boolean): unknown => ({
  pageInfo: { hasNextPage },
  edges: page.map(found => ({ cursor: found.item.id, node: nodeOf(found) })),
})

/** Only messages have recipients, and only those to processes of this node are known here. */
async function namedProcesses({ log }: AoFacadeParts, names: readonly string[]): Promise<ProcessDescription[]> {
  if (names.length > GRAPHQL_PER_PAGE_MAX)
    throw new Failure('malformed-request', { recipients: names.length, max: GRAPHQL_PER_PAGE_MAX })
  const ids = [...new Set(names)].filter(isId).map(asProcessId)
  const processes = await Promise.all(ids.map(id => log.directory.process(id)))
  return processes.filter(process => process !== undefined)
}

/** Nothing, if there are too many to look for messages in all of them. */
async function allProcesses({ log }: AoFacadeParts): Promise<readonly ProcessDescription[] | undefined> {
  const processes = await log.directory.processes({ limit: GRAPHQL_FEEDS_LOOKED_AT_MAX + 1 })
  return processes.length > GRAPHQL_FEEDS_LOOKED_AT_MAX ? undefined : processes
}

function tooMany(): Failure {
  const note = 'GraphQL: this node has many processes; messages are found by their ids or recipients alone'
  return new Failure('malformed-request', { max: GRAPHQL_FEEDS_LOOKED_AT_MAX }, { note })
}

async function messagesIn(
  { log }: AoFacadeParts,
  processes: readonly ProcessDescription[],
  values: Arguments,
  wanted: Omit<MessagesWanted, 'fits'>,
): Promise<FoundItem[]> {
  const [fits, within] = [filterOf(values), blocksOf(values)]
  return messagesTo(log, processes, {
    ...wanted,
    fits: found => within(found) && fits(found.item.owner.address, found.item),
  })
}

async function byIds(parts: AoFacadeParts, ids: readonly string[], values: Arguments): Promise<FoundItem[]> {
  if (ids.length > GRAPHQL_PER_PAGE_MAX)
    throw new Failure('malformed-request', { ids: ids.length, max: GRAPHQL_PER_PAGE_MAX })
  const fits = filterOf(values)
  const found = await Promise.all(ids.map(id => findItem(parts, id)))
  return found.filter(match => match !== undefined).filter(({ item }) => fits(item.owner.address, item))
}

async function search(parts: AoFacadeParts, values: Arguments): Promise<FoundItem[]> {
  const fits = filterOf(values)
  const types = typesOf(values)
  const wants = (type: string): boolean => types === undefined || types.includes(type)
  const matches: FoundItem[] = []
  const elsewhere = (textsOf(values, 'owners') ?? []).filter(key => parts.schedulerAt?.(key) !== undefined)
  for (const key of new Set([parts.scheduler.key, ...elsewhere])) {
    const location = schedulerLocation(parts, key)
    if (fits(location.item.owner.address, location.item)) matches.push(location)
  }
  if (wants('Process')) matches.push(...(await searchProcesses(parts, fits)))
  if (wants('Module')) matches.push(...(await searchModules(parts, fits)))
  if (wants('Message')) {
    const processes = await allProcesses(parts)
    if (processes === undefined && types !== undefined) throw tooMany()
    const wanted = { ascending: false, after: undefined, count: GRAPHQL_MATCHES_MAX }
    matches.push(...(await messagesIn(parts, processes ?? [], values, wanted)))
  }
  return matches
}

/** The types that are asked for; nothing: all of them. */
function typesOf(values: Arguments): readonly string[] | undefined {
  const types = tagFiltersOf(values).find(({ name }) => name === 'Type')?.values
  return types?.length === 0 ? undefined : types
}

function wantsMessagesAlone(values: Arguments): boolean {
  return typesOf(values)?.every(type => type === 'Message') === true
}

type Filter = (owner: string, item: { tags: readonly { name: string; value: string }[]; target?: string }) => boolean

function filterOf(values: Arguments): Filter {
  const owners = textsOf(values, 'owners')
  const recipients = textsOf(values, 'recipients')
  const wanted = tagFiltersOf(values)
  return (owner, { tags, target }) =>
    (owners === undefined || owners.includes(owner)) &&
    (recipients === undefined || recipients.includes(target ?? '')) &&
    wanted.every(({ name, values: accepted }) =>
      tags.some(tag => tag.name === name && (accepted.length === 0 || accepted.includes(tag.value))),
    )
}

/** Whether an item stands in the blocks asked for. What nobody keeps the time of stands in none. */
function blocksOf(values: Arguments): (found: FoundItem) => boolean {
  const bounds = objectOf(values, 'block')
  const [min, max] = [numberOf(bounds, 'min'), numberOf(bounds, 'max')]
  if (min === undefined && max === undefined) return () => true
  return ({ timestampMs }) => {
    const height = timestampMs === undefined ? undefined : blockHeightAt(timestampMs)
    return height !== undefined && height >= (min ?? height) && height <= (max ?? height)
  }
}

async function searchProcesses(parts: AoFacadeParts, fits: Filter): Promise<FoundItem[]> {
  const { log } = parts
  const matches: FoundItem[] = []
  let after: ProcessId | undefined
  for (let looked = 0; looked < GRAPHQL_LOOKED_AT_MAX && matches.length < GRAPHQL_MATCHES_MAX; looked += PAGE_MAX) {
    const page = await log.directory.processes({ after, limit: PAGE_MAX })
    for (const process of page) {
      // Children carry no Type in what their parent said of them: being spawned is what makes them processes.
      const tags = [...process.tags, { name: 'Type', value: 'Process' }, { name: 'Data-Protocol', value: 'ao' }]
      if (!fits(process.owner, { tags })) continue
      const found = await spawnOf(log, process)
      if (found !== undefined) matches.push(found)
    }
    after = page.at(-1)?.id
    if (page.length < PAGE_MAX) break
  }
  return matches
}

async function searchModules(parts: AoFacadeParts, fits: Filter): Promise<FoundItem[]> {
  const matches: FoundItem[] = []
  let after: ModuleId | undefined
  for (let looked = 0; looked < GRAPHQL_LOOKED_AT_MAX && matches.length < GRAPHQL_MATCHES_MAX; looked += PAGE_MAX) {
    const page = await parts.log.directory.modules({ after, limit: PAGE_MAX })
    for (const module of page) {
      if (!fits(module.owner, module)) continue
      const found = await findItem(parts, module.id)
      if (found !== undefined) matches.push(found)
    }
    after = page.at(-1)?.id
    if (page.length < PAGE_MAX) break
  }
  return matches
}

function sortByTime(matches: readonly FoundItem[], ascending: boolean): FoundItem[] {
  const sign = ascending ? 1 : -1
  return matches.toSorted((a, b) => sign * ((a.timestampMs ?? 0) - (b.timestampMs ?? 0)))
}

function nodeOf({ item, timestampMs }: FoundItem): unknown {
  const nothing = { winston: '0', ar: '0.000000000000' }
  const type = item.tags.find(({ name }) => name === 'Content-Type')?.value ?? null
  return {
    id: item.id,
    anchor: anchorText(item.anchor) ?? '',
    signature: item.signature,
    recipient: item.target,
    owner: item.owner,
    tags: item.tags,
    block: timestampMs === undefined ? null : blockOf(blockHeightAt(timestampMs), Math.floor(timestampMs / 1000)),
    data: { size: String(item.data.length), type },
    fee: nothing,
    quantity: nothing,
    parent: null,
    bundledIn: null,
    ingested_at: timestampMs === undefined ? null : Math.floor(timestampMs / 1000),
  }
}

/** A block of AO's slow clock; nothing stands in it, so its id is made of its height. */
function blockOf(
  height: number,
  timestamp: number,
): { id: string; height: number; timestamp: number; previous: string } {
  return { id: blockId(height), height, timestamp, previous: blockId(height - 1) }
}

function blockId(height: number): string {
  const bytes = new Uint8Array(36)
  new DataView(bytes.buffer).setUint32(32, height)
  return toBase64Url(bytes)
}

function blocks(parts: AoFacadeParts, values: Arguments): unknown {
  const bounds = objectOf(values, 'height')
  const now = blockHeightAt(parts.clock.now())
  const max = Math.min(numberOf(bounds, 'max') ?? now, now)
  const first = Math.min(numberOf(values, 'first') ?? GRAPHQL_PER_PAGE, GRAPHQL_PER_PAGE_MAX)
  const ascending = textsOf(values, 'sort')?.[0] === 'HEIGHT_ASC'
  const min = Math.max(numberOf(bounds, 'min') ?? 0, blockHeightAt(0), 0)
  const after = Number(textsOf(values, 'after')?.[0] ?? NaN)
  const [from, to] = ascending
    ? [Number.isNaN(after) ? min : Math.max(min, after + 1), max]
    : [min, Number.isNaN(after) ? max : Math.min(max, after - 1)]
  const count = Math.max(0, to - from + 1)
  const heights = Array.from({ length: Math.min(count, first) }, (_, i) => (ascending ? from + i : to - i))
  const edges = heights.map(height => ({
    cursor: String(height),
    node: blockOf(height, Math.floor(blockStartMs(height) / 1000)),
  }))
  return { pageInfo: { hasNextPage: count > edges.length }, edges }
}
