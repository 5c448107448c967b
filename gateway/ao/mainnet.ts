import type { IncomingMessage } from 'node:http'
import {
  asMessageId,
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
} from '../../protocol/index.ts'
import { answerAsAo } from './ao-result.ts'
import { type CuParts, resultAt } from './cu.ts'
import { type Exchange, expectMethod, nothingThere, sendBytes, sendJson, sendText } from './exchange.ts'
import { readPlainBody } from '../body.ts'
import { countSlots, knownProcess } from './feed-reader.ts'
import { locateSlot } from './locate-slot.ts'
import { readItem, submitItem, takenId } from './submit.ts'

const PROCESS_PATH =
  /^\/([\w-]{43})(?:~process@1\.0)?\/(push|schedule|slot\/current|compute(?:\/results)?=|compute&slot=|as=execution\/compute)(.*)$/s

/** Ends a path whose answer is wanted as JSON; without it, it is JSON here all the same. */
const AS_JSON = '/serialize~json@1.0'

/**
 * The paths that aoconnect uses in its `mainnet` mode, and those that the aos command and others ask it for. Items in the bodies of reads are signed by the
 * client all the same; nothing there needs a signature, so they are read only.
 */
export async function answerMainnet(parts: CuParts, exchange: Exchange, path: string): Promise<boolean> {
  if (path === '/~meta@1.0/info/address') {
    expectMethod(exchange, 'GET', 'POST')
    sendText(exchange.response, 200, parts.scheduler.key)
    return true
  }
  if (path === '/push' || path === '/schedule') {
    await push(parts, exchange, undefined, resultFields)
    return true
  }
  const match = PROCESS_PATH.exec(path)
  const [, id, verb, rest] = match ?? []
  if (id === undefined || verb === undefined || rest === undefined) return false
  expectMethod(exchange, 'GET', 'POST')
  const process = await knownProcess(parts.log, id)
  if (verb === 'as=execution/compute') await dryRun(parts, exchange, process, rest)
  else if (verb === 'compute&slot=') await sendResult(parts, exchange, process, slotOf(exchange, rest), jsonFields)
  else if (verb.endsWith('=')) await sendResult(parts, exchange, process, rest, resultFields)
  else if (verb === 'slot/current') await sendCurrentSlot(parts, exchange, process, rest)
  else if (verb === 'push' && rest === AS_JSON) await push(parts, exchange, process, jsonFields)
  else if (rest !== '') nothingThere(exchange)
  else await push(parts, exchange, process, resultFields)
  return true
}

/** A result as the fields of an answer. */
type ResultFields = (raw: unknown) => Readonly<Record<string, unknown>>

async function push(
  parts: CuParts,
  exchange: Exchange,
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

/** Where releases look for a result: 0.0.98 in `raw`, 0.0.93 in `results`. */
const resultFields: ResultFields = raw => ({ raw, results: { raw } })

/** Where the aos command looks for it: in a text of JSON. */
const jsonFields: ResultFields = raw => ({ ...resultFields(raw), json: { body: JSON.stringify(raw) } })

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

/** The last slot: a number as text, or as the aos command asks for it. */
async function sendCurrentSlot(
  { log }: CuParts,
  exchange: Exchange,
  process: ProcessDescription,
  rest: string,
): Promise<void> {
  const slot = (await countSlots(log, process)) - 1
  if (rest === '') sendText(exchange.response, 200, String(slot))
  else if (rest === `/body${AS_JSON}`) sendJson(exchange.response, 200, { body: slot })
  else nothingThere(exchange)
}

/** The slot of `{slot}/results`, which may be wanted as JSON. */
function slotOf(exchange: Exchange, rest: string): string {
  const wanted = rest.endsWith(AS_JSON) ? rest.slice(0, -AS_JSON.length) : rest
  return wanted.endsWith('/results') ? wanted.slice(0, -'/results'.length) : nothingThere(exchange)
}

/** `compute/results={slot or message id}`, or `compute={…}` */
async function sendResult(
  parts: CuParts,
  exchange: Exchange,
  process: ProcessDescription,
  name: string,
  fieldsOf: ResultFields,
): Promise<void> {
  const { response, signal } = exchange
  const slot = await slotNamed(parts, process, decode(name))
  const raw = await resultAt(parts, process, slot, signal, WAIT_MAX_MS)
  sendJson(response, 200, { process: process.id, slot, ...fieldsOf(raw) })
}

async function slotNamed(parts: CuParts, process: ProcessDescription, name: string): Promise<Slot> {
  if (/^\d{1,15}$/.test(name)) return Number(name)
  if (!isId(name)) throw new Failure('malformed-request', {}, { note: 'expected a slot or a message id' })
  const slot = await locateSlot(parts.log, parts.chain, process, asMessageId(name))
  if (slot === undefined) throw new Failure('unknown-message', { message: name, process: process.id })
  return slot
}

/** `as=execution/compute&Tag=value…`, data in the item: it is asked as the signer of that item. */
async function dryRun(parts: CuParts, exchange: Exchange, process: ProcessDescription, rest: string): Promise<void> {
  const { request, response, signal } = exchange
  if (rest !== '' && !rest.startsWith('&')) nothingThere(exchange)
  refuseHttpSignature(request)
  const tags = rest
    .split('&')
    .filter(part => part !== '')
    .map(readPair)
  const bytes = exchange.method === 'POST' ? await readPlainBody(request, ITEM_SIZE_MAX_BYTES) : new Uint8Array(0)
  const item = bytes.length === 0 ? undefined : readItem(bytes)
  const owner = item?.ownerAddress ?? '1234'
  const message = { id: item?.id ?? '1234', owner, from: owner, tags, data: item?.data ?? bytes }
  const answer = await parts.computer.query(process.id, message, { signal })
  const raw = answerAsAo(answer, await parts.formats.speakAo(process.module))
  sendJson(response, 200, { process: process.id, slot: answer.slot, ...resultFields(raw) })
}

function readPair(part: string): { name: string; value: string } {
  const at = part.indexOf('=')
  if (at < 1) throw new Failure('malformed-request', {}, { note: 'expected Tag=value' })
  return { name: decode(part.slice(0, at)), value: decode(part.slice(at + 1)) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new Failure('malformed-request', {}, { cause, note: 'the path is not well-formed' })
  }
}
