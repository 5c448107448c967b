import {
  AO_ENTRIES_PER_PAGE,
  asMessageId,
  blockHeightAt,
  Failure,
  isId,
  ITEM_SIZE_MAX_BYTES,
  PAGE_MAX,
  PAGE_SIZE_MAX_BYTES,
  type ProcessDescription,
  type Slot,
} from '../../protocol/index.ts'
import { entryAsAo, suMessage, type SuMessage } from './ao-item.ts'
import type { AssignmentChain, SuAssignment } from './assignment-chain.ts'
import { type Exchange, expectMethod, nothingThere, pageSize, parameter, sendJson, sendText } from './exchange.ts'
import { readPlainBody } from '../body.ts'
import { countSlots, knownProcess, readSlot, readSlots, type SlotEntry } from './feed-reader.ts'
import { locateSlot } from './locate-slot.ts'
import type { AoFacadeParts } from './parts.ts'
import { feedCursor, feedRange, inNonces, slotRange } from './su-range.ts'
import { assignByQuery, submitItem, takenId } from './submit.ts'

/** A slot as AO's scheduler unit writes it; `message` is null where a message was assigned. */
interface SuNode {
  readonly message: SuMessage | null
  readonly assignment: SuAssignment
}

/** AO's scheduler unit: takes items, and shows the feed as messages with signed assignments. */
export async function answerSu(parts: AoFacadeParts, chain: AssignmentChain, exchange: Exchange): Promise<void> {
  const { path, response } = exchange
  const [name, second, third] = path
  if (name === undefined) {
    expectMethod(exchange, 'GET', 'POST')
    if (exchange.method === 'POST') return take(parts, exchange)
    const timestamp = String(parts.clock.now())
    return sendJson(response, 200, { timestamp, address: parts.scheduler.key })
  }
  expectMethod(exchange, 'GET')
  if (third !== undefined) nothingThere(exchange)
  if (second === undefined && name === 'timestamp') return sendNow(parts, exchange)
  if (second === undefined && name === 'health') return sendText(response, 200, '')
  if (name === 'processes' && second !== undefined) return sendProcess(parts, exchange, second)
  if (second === 'latest') return sendLatest(parts, chain, exchange, name)
  if (second !== undefined) nothingThere(exchange)
  const processId = parameter(exchange.query, 'process-id') ?? name
  const process = await knownProcess(parts.log, processId)
  if (processId === name) return sendPage(parts, chain, exchange, process)
  return sendOne(parts, chain, exchange, process, name)
}

async function take(parts: AoFacadeParts, exchange: Exchange): Promise<void> {
  const { request, response, query, signal } = exchange
  const assigned = await assignByQuery(parts, query)
  const timestamp = parts.clock.now()
  if (assigned !== undefined) return sendJson(response, 200, { timestamp, id: assigned.id })
  const bytes = await readPlainBody(request, ITEM_SIZE_MAX_BYTES)
  const taken = await submitItem(parts.messenger, bytes, { signal })
  sendJson(response, 200, { timestamp, id: takenId(taken) })
}

function sendNow(parts: AoFacadeParts, exchange: Exchange): void {
  const now = parts.clock.now()
  sendJson(exchange.response, 200, { timestamp: String(now), block_height: padded(now) })
}

async function sendProcess(parts: AoFacadeParts, exchange: Exchange, id: string): Promise<void> {
  const process = await knownProcess(parts.log, id)
  const entry = await readSlot(parts.log, process, 0)
  if (entry === undefined) throw new Failure('unknown-process', { process: process.id })
  const { owner, tags, data, anchor, signature, target } = suMessage(await entryAsAo(parts.log, process, entry))
  sendJson(exchange.response, 200, {
    process_id: process.id,
    block: String(blockHeightAt(entry.timestampMs)),
    owner,
    tags,
    timestamp: entry.timestampMs,
    data,
    anchor,
    signature,
    target,
  })
}

async function sendLatest(parts: AoFacadeParts, chain: AssignmentChain, exchange: Exchange, id: string): Promise<void> {
  const process = await knownProcess(parts.log, id)
  const entry = await readSlot(parts.log, process, (await countSlots(parts.log, process)) - 1)
  if (entry === undefined) throw new Failure('unknown-process', { process: process.id })
  sendJson(exchange.response, 200, (await suNodes(parts, chain, process, [entry]))[0])
}

async function sendOne(
  parts: AoFacadeParts,
  chain: AssignmentChain,
  exchange: Exchange,
  process: ProcessDescription,
  id: string,
): Promise<void> {
  if (!isId(id)) throw new Failure('malformed-request', {}, { note: 'not a message id' })
  const slot = await locateSlot(parts.log, chain, process, asMessageId(id))
  const entry = slot === undefined ? undefined : await readSlot(parts.log, process, slot)
  if (entry === undefined) throw new Failure('unknown-message', { message: id, process: process.id })
  sendJson(exchange.response, 200, (await suNodes(parts, chain, process, [entry]))[0])
}

async function sendPage(
  parts: AoFacadeParts,
  chain: AssignmentChain,
  exchange: Exchange,
  process: ProcessDescription,
): Promise<void> {
  const { query, response } = exchange
  const range = await feedRange(parts.log, process, query)
  const { entries, nodes, hasNextPage } = await readPage(parts, chain, process, { query, ...range })
  const nonces = inNonces(query)
  const edges = nodes.map((node, i) => ({ node, cursor: feedCursor(entries, i, nonces) }))
  sendJson(response, 200, { page_info: { has_next_page: hasNextPage }, edges })
}

/** A schedule as HyperBEAM lists it: `from` and `to` are slots, both inclusive, and so are the cursors. */
export async function sendSchedule(
  parts: AoFacadeParts,
  chain: AssignmentChain,
  exchange: Exchange,
  process: ProcessDescription,
): Promise<void> {
  const { query, response } = exchange
  const { from, to } = slotRange(query)
  const { nodes, hasNextPage } = await readPage(parts, chain, process, { query, from, to })
  const edges = nodes.map((node, i) => ({ node, cursor: from + i }))
  sendJson(response, 200, { page_info: { process: process.id, has_next_page: hasNextPage }, edges })
}

interface Page {
  /** Those of the page, and the one behind them if there is one. */
  readonly entries: readonly SlotEntry[]
  readonly nodes: readonly SuNode[]
  readonly hasNextPage: boolean
}

async function readPage(
  parts: AoFacadeParts,
  chain: AssignmentChain,
  process: ProcessDescription,
  { query, from, to }: { query: URLSearchParams; from: Slot; to: Slot },
): Promise<Page> {
  const limit = pageSize(query, AO_ENTRIES_PER_PAGE, PAGE_MAX)
  const entries: SlotEntry[] = []
  let room = PAGE_SIZE_MAX_BYTES
  // One entry more than the page holds: whether there is more, and whether the last has its own time.
  for await (const entry of readSlots(parts.log, process, from, Math.min(to, from + limit) + 1)) {
    entries.push(entry)
    if (room <= 0) break
    room -= sizeOf(entry)
  }
  const end = Math.min(entries.length, limit, Math.max(to - from, 0), room <= 0 ? entries.length - 1 : limit)
  const nodes = await suNodes(parts, chain, process, entries.slice(0, end))
  return { entries, nodes, hasNextPage: end < entries.length && from + end < to }
}

function sizeOf({ envelope }: SlotEntry): number {
  const inner = envelope.kind === 'assign' ? envelope.message : envelope
  if (inner.kind === 'item') return inner.item.length
  return inner.kind === 'push' ? inner.push.bodyBytes.length : 0
}

async function suNodes(
  parts: AoFacadeParts,
  chain: AssignmentChain,
  process: ProcessDescription,
  entries: readonly SlotEntry[],
): Promise<SuNode[]> {
  const assignments = await chain.assignments(process, entries)
  const nodes: SuNode[] = []
  for (const [i, assignment] of assignments.entries()) {
    const entry = entries[i]
    if (entry === undefined) break
    const assigned = entry.envelope.kind === 'assign'
    const message = assigned ? null : suMessage(await entryAsAo(parts.log, process, entry))
    nodes.push({ message, assignment })
  }
  return nodes
}

/** A height as AO's scheduler unit writes it: 12 digits. */
function padded(timestampMs: number): string {
  return String(blockHeightAt(timestampMs)).padStart(12, '0')
}
