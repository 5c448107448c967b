import {
  asMessageId,
  blockHeightAt,
  Failure,
  isId,
  JSON_BODY_MAX_BYTES,
  type ProcessDescription,
  type Slot,
  WAIT_MAX_MS,
} from '../../protocol/index.ts'
import { answerAsAo, type ModuleFormats, resultAsAo } from './ao-result.ts'
import type { AssignmentChain } from './assignment-chain.ts'
import { type Exchange, expectMethod, nothingThere, parameter, readJson, sendBytes, sendJson } from './exchange.ts'
import { countSlots, knownProcess, readSlot } from './feed-reader.ts'
import { locateSlot } from './locate-slot.ts'
import type { AoFacadeParts } from './parts.ts'
import type { PublishedStates } from './hyperbeam/published-states.ts'
import { readQueryMessage } from './query-message.ts'
import { cronPage, resultsPage } from './results-page.ts'

/** What the routes of the compute unit stand on. */
export interface CuParts extends AoFacadeParts {
  readonly chain: AssignmentChain
  readonly formats: ModuleFormats
  readonly published: PublishedStates
}

/** AO's compute unit: results, dry-runs and memory. */
export async function answerCu(parts: CuParts, exchange: Exchange): Promise<void> {
  const { path, query, response, signal } = exchange
  const [name, id, ...rest] = path
  if (rest.length > 0) nothingThere(exchange)
  if (name === undefined) {
    expectMethod(exchange, 'GET')
    return sendJson(response, 200, { address: parts.computer.key, timestamp: parts.clock.now() })
  }
  if (name === 'dry-run' && id === undefined) {
    expectMethod(exchange, 'POST')
    return dryRun(parts, exchange)
  }
  if (id === undefined) nothingThere(exchange)
  expectMethod(exchange, 'GET')
  if (name === 'result') return sendResult(parts, exchange, id)
  if (name === 'state') return sendMemory(parts, exchange, id)
  if (name !== 'results' && name !== 'cron') nothingThere(exchange)
  const process = await knownProcess(parts.log, id)
  const page = name === 'cron' ? cronPage : resultsPage
  sendJson(response, 200, await page(parts, process, query, signal))
}

async function sendResult(parts: CuParts, exchange: Exchange, id: string): Promise<void> {
  const { query, response, signal } = exchange
  const processId = parameter(query, 'process-id')
  if (processId === undefined) {
    throw new Failure('malformed-request', {}, { note: "'process-id': Required." })
  }
  const process = await knownProcess(parts.log, processId)
  if (!isId(id)) throw new Failure('malformed-request', {}, { note: 'not a message id' })
  const slot = await locateSlot(parts.log, parts.chain, process, asMessageId(id))
  if (slot === undefined) throw new Failure('unknown-message', { message: id, process: process.id })
  try {
    sendJson(response, 200, await resultAt(parts, process, slot, signal))
  } catch (error) {
    if (!Failure.is(error, 'timeout')) throw error
    const message = `Evaluation of process "${process.id}" to "${id}" is in progress.`
    sendJson(response, 202, { message })
  }
}

/** The result of a slot in AO's shape; waits for it. @throws {Failure} `timeout` */
export async function resultAt(
  parts: CuParts,
  process: ProcessDescription,
  slot: Slot,
  signal: AbortSignal,
  timeoutMs: number = WAIT_MAX_MS,
): Promise<ReturnType<typeof resultAsAo>> {
  const result = await parts.computer.result(process.id, slot, { signal, timeoutMs })
  return resultAsAo(result, await parts.formats.speakAo(process.module))
}

async function dryRun(parts: CuParts, exchange: Exchange): Promise<void> {
  const { request, query, response, signal } = exchange
  const body = await readJson(request, JSON_BODY_MAX_BYTES)
  const id = parameter(query, 'process-id')
  if (id === undefined) {
    throw new Failure('malformed-request', {}, { note: "'process-id': Required." })
  }
  if (parameter(query, 'to') !== undefined) {
    throw new Failure('malformed-request', {}, { note: 'a dry-run sees the latest state; leave out to' })
  }
  const process = await knownProcess(parts.log, id)
  const answer = await parts.computer.query(process.id, readQueryMessage(body), { signal })
  sendJson(response, 200, answerAsAo(answer, await parts.formats.speakAo(process.module)))
}

async function sendMemory(parts: CuParts, exchange: Exchange, id: string): Promise<void> {
  const process = await knownProcess(parts.log, id)
  if (parameter(exchange.query, 'to') !== undefined) {
    throw new Failure('malformed-request', {}, { note: 'only the latest state is kept; leave out to' })
  }
  if ((await countSlots(parts.log, process)) === 0) throw new Failure('unknown-slot', { slot: 0 })
  const { slot, memory } = await parts.computer.memory(process.id)
  const entry = await readSlot(parts.log, process, slot)
  const timestampMs = entry?.timestampMs ?? 0
  sendBytes(exchange.response, 200, memory, {
    'content-type': 'application/octet-stream',
    'last-timestamp': String(timestampMs),
    'last-ordinate': String(slot),
    'last-block-height': String(blockHeightAt(timestampMs)),
  })
}
