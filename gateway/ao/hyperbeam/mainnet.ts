import type { IncomingMessage } from 'node:http'
import {
  asMessageId,
  blockHeightAt,
  Failure,
  isId,
  ITEM_SIZE_MAX_BYTES,
  MODULE_SIZE_MAX_BYTES,
  type ProcessDescription,
  type Receipt,
  type Slot,
  toUtf8,
  WAIT_DEFAULT_MS,
  WAIT_MAX_MS,
} from '../../../protocol/index.ts'
import { answerAsAo } from '../ao-result.ts'
import { type CuParts, resultAt } from '../cu.ts'
import { readPlainBody } from '../../body.ts'
import { type Exchange, expectMethod, nothingThere, parameter, sendBytes, sendJson } from '../exchange.ts'
import { countSlots, knownProcess } from '../feed-reader.ts'
import { decodePart, readWanted, sendWanted } from './hyper-path.ts'
import { locateSlot } from '../locate-slot.ts'
import { showProcess } from './process-state.ts'
import { sendSchedule } from '../su.ts'
import { readItem, submitItem, takenId } from '../submit.ts'

/** A request, and the process that it names if it names one. */
interface Hyper {
  readonly parts: CuParts
  readonly exchange: Exchange
}
interface HyperProcess extends Hyper {
  readonly process: ProcessDescription
}

/** The groups of the path's form. */
type Found = readonly (string | undefined)[]

/** What stands at paths of the node itself. The first form that fits counts, here and below. */
const OF_THE_NODE: readonly (readonly [RegExp, (at: Hyper, found: Found) => Promise<void>])[] = [
  [/^~meta@1\.0\/info([/?].*)?$/s, async (at, [, rest]) => sendNode(at, rest)],
  [/^~scheduler@1\.0\/slot([/?].*)?$/s, async (at, [, rest]) => sendSlot(await withTarget(at), rest)],
  [/^(?:push|(?:~(?:process|scheduler)@1\.0\/)?schedule)([/?].*)?$/s, async (at, [, rest]) => pushOrList(at, rest)],
]

/** What stands at paths of a process, behind its id. */
const OF_A_PROCESS: readonly (readonly [RegExp, (at: HyperProcess, found: Found) => Promise<void>])[] = [
  [/^as=execution\/compute(&.*)?$/s, (at, [, tags]) => dryRun(at, tags)],
  [/^compute(?:\/results)?=([^/?]*)(?:\?.*)?$/s, (at, [, name = '']) => sendResult(at, name)],
  [/^(now|compute)(?:(?:&slot)?=([^/?]*))?([/?].*)?$/s, (at, [, name, slot, rest]) => sendState(at, name, slot, rest)],
  [/^slot([/?].*)?$/s, (at, [, rest]) => sendSlot(at, rest)],
  [
    /^push(\/serialize~json@1\.0|\/~json@1\.0\/serialize)?(?:\?.*)?$/s,
    (at, [, json]) => push(at, at.process, json === undefined ? inRaw : inText),
  ],
  [/^schedule([/?].*)?$/s, (at, [, rest]) => pushOrList(at, rest)],
]

const PROCESS_PATH = /^([\w-]{43})(?:~process@1\.0)?\/(.*)$/s

/**
 * The paths of HyperBEAM that aoconnect uses in its `mainnet` mode, and those that the aos command, other libraries and
 * people ask for. Items in the bodies of reads are signed by the client all the same; nothing there needs a signature, so
 * they are read only.
 */
export async function answerMainnet(parts: CuParts, exchange: Exchange, path: string): Promise<void> {
  expectMethod(exchange, 'GET', 'POST')
  const [own, at] = [path.slice(1), { parts, exchange }]
  for (const [form, answer] of OF_THE_NODE) {
    const found = form.exec(own)
    if (found !== null) return answer(at, found)
  }
  const [, id = '', verb = ''] = PROCESS_PATH.exec(own) ?? []
  for (const [form, answer] of OF_A_PROCESS) {
    const found = form.exec(verb)
    if (found !== null) return answer({ ...at, process: await knownProcess(parts.log, id) }, found)
  }
  nothingThere(exchange)
}

async function withTarget(at: Hyper): Promise<HyperProcess> {
  const target = parameter(at.exchange.query, 'target') ?? ''
  return { ...at, process: await knownProcess(at.parts.log, target) }
}

function sendNode({ parts, exchange }: Hyper, rest = ''): void {
  sendWanted(exchange, { address: parts.scheduler.key }, readWanted(exchange.request, rest))
}

/** A schedule is read, or an item is put into one. */
async function pushOrList(at: Hyper | HyperProcess, rest = ''): Promise<void> {
  const process = 'process' in at ? at.process : undefined
  if (at.exchange.method === 'POST') return rest.startsWith('/') ? nothingThere(at.exchange) : push(at, process, inRaw)
  const { parts, exchange } = at
  if (process === undefined && parameter(exchange.query, 'target') === undefined) expectMethod(exchange, 'POST')
  await sendSchedule(parts, parts.chain, exchange, process ?? (await withTarget(at)).process)
}

/** A result as the fields of an answer. */
type ResultFields = (raw: unknown) => Readonly<Record<string, unknown>>

/** Where releases look for a result: 0.0.98 in `raw`, 0.0.93 in `results`. */
const inRaw: ResultFields = raw => ({ raw, results: { raw } })

/** Where the aos command looks for it: in a text of JSON. */
const inText: ResultFields = raw => ({ ...inRaw(raw), json: { body: JSON.stringify(raw) } })

async function push(
  { parts, exchange }: Hyper,
  process: ProcessDescription | undefined,
  fieldsOf: ResultFields,
): Promise<void> {
  expectMethod(exchange, 'POST')
  const { request, response, signal } = exchange
  refuseHttpSignature(request)
  const bytes = await readPlainBody(request, process === undefined ? MODULE_SIZE_MAX_BYTES : ITEM_SIZE_MAX_BYTES)
  const target = readItem(bytes).target
  if (process !== undefined && target !== process.id) {
    throw new Failure('wrong-target', { target: target ?? '', process: process.id })
  }
  const taken = await submitItem(parts.messenger, bytes, { signal })
  const id = takenId(taken)
  if ('module' in taken) return sendBytes(response, 200, toUtf8(JSON.stringify({ id })), jsonHeaders({ id }))
  const raw = process === undefined ? undefined : await resultSoon(parts, process, taken, signal)
  const { process: to, slot } = taken
  const body = { process: to, slot, id, ...(raw === undefined ? {} : fieldsOf(raw)) }
  sendBytes(response, 200, toUtf8(JSON.stringify(body)), jsonHeaders({ process: to, slot: String(slot), id }))
}

/**
 * Releases from 0.0.84 to 0.0.90 sign the HTTP message (RFC 9421) first, and as an item when they are told 422. What a
 * feed holds is items, so that anybody can check them without the request that brought them.
 */
function refuseHttpSignature({ headers }: IncomingMessage): void {
  if (headers['signature-input'] === undefined) return
  throw new Failure('unsupported-key', {}, { note: 'an HTTP signature' })
}

function jsonHeaders(headers: Record<string, string>): Record<string, string> {
  return { 'content-type': 'application/json; charset=utf-8', ...headers }
}

async function resultSoon(
  parts: CuParts,
  process: ProcessDescription,
  receipt: Receipt,
  signal: AbortSignal,
): Promise<unknown> {
  try {
    return await resultAt(parts, process, receipt.slot, signal, WAIT_DEFAULT_MS)
  } catch (error) {
    // The message has its slot: that its result takes long is no failure of the push.
    if (Failure.is(error) && error.blame !== 'input') return undefined
    throw error
  }
}

/** What the scheduler knows of the last slot. */
async function sendSlot({ parts, exchange, process }: HyperProcess, rest = ''): Promise<void> {
  const current = (await countSlots(parts.log, process)) - 1
  const timestamp = parts.clock.now()
  const known = { process: process.id, current, timestamp, 'block-height': blockHeightAt(timestamp) }
  sendWanted(exchange, known, readWanted(exchange.request, rest))
}

/** `compute/results={slot or message id}`, or `compute={…}` */
async function sendResult({ parts, exchange, process }: HyperProcess, name: string): Promise<void> {
  const slot = await slotNamed(parts, process, decodePart(name))
  const raw = await resultAt(parts, process, slot, exchange.signal, WAIT_MAX_MS)
  sendJson(exchange.response, 200, { process: process.id, slot, ...inRaw(raw) })
}

/** `now` and `compute`, of the last slot or the one that is named. */
async function sendState(
  { parts, exchange, process }: HyperProcess,
  name = '',
  slotText?: string,
  rest = '',
): Promise<void> {
  const named = slotText ?? parameter(exchange.query, 'slot')
  const last = name === 'now' ? 'now' : 'evaluated'
  const asOf = named === undefined ? last : await slotNamed(parts, process, decodePart(named))
  const wanted = readWanted(exchange.request, rest)
  await showProcess(parts, process, asOf, wanted.keys, exchange.signal, state => sendWanted(exchange, state, wanted))
}

async function slotNamed(parts: CuParts, process: ProcessDescription, name: string): Promise<Slot> {
  if (/^\d{1,15}$/.test(name)) return Number(name)
  if (!isId(name)) throw new Failure('malformed-request', {}, { note: 'expected a slot or a message id' })
  const slot = await locateSlot(parts.log, parts.chain, process, asMessageId(name))
  if (slot === undefined) throw new Failure('unknown-message', { message: name, process: process.id })
  return slot
}

/** `as=execution/compute&Tag=value…`, data in the item: it is asked as the signer of that item. */
async function dryRun({ parts, exchange, process }: HyperProcess, tagsText = ''): Promise<void> {
  const { request, response, signal } = exchange
  refuseHttpSignature(request)
  const tags = tagsText
    .split('&')
    .filter(part => part !== '')
    .map(readPair)
  const bytes = exchange.method === 'POST' ? await readPlainBody(request, ITEM_SIZE_MAX_BYTES) : new Uint8Array(0)
  const item = bytes.length === 0 ? undefined : readItem(bytes)
  const owner = item?.ownerAddress ?? '1234'
  const message = { id: item?.id ?? '1234', owner, from: owner, tags, data: item?.data ?? bytes }
  const answer = await parts.computer.query(process.id, message, { signal })
  const raw = answerAsAo(answer, await parts.formats.speakAo(process.module))
  sendJson(response, 200, { process: process.id, slot: answer.slot, ...inRaw(raw) })
}

function readPair(part: string): { name: string; value: string } {
  const at = part.indexOf('=')
  if (at < 1) throw new Failure('malformed-request', {}, { note: 'expected Tag=value' })
  return { name: decodePart(part.slice(0, at)), value: decodePart(part.slice(at + 1)) }
}
