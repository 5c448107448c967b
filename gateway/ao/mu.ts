import { Failure, ITEM_SIZE_MAX_BYTES, MODULE_SIZE_MAX_BYTES, verifyDataItem } from '../../protocol/index.ts'
import { type Exchange, expectMethod, nothingThere, sendJson, sendText } from './exchange.ts'
import { readPlainBody } from '../body.ts'
import { knownProcess } from './feed-reader.ts'
import type { AoFacadeParts } from './parts.ts'
import { assignByQuery, readItem, submitItem, takenId } from './submit.ts'

/** AO's messenger unit: takes items, assignments and monitors. */
export async function answerMu(parts: AoFacadeParts, exchange: Exchange): Promise<void> {
  const [name, process, ...rest] = exchange.path
  if (name === undefined) {
    expectMethod(exchange, 'GET', 'POST')
    if (exchange.method === 'POST') return take(parts, exchange)
    return sendText(exchange.response, 200, 'ao messenger unit')
  }
  if (name === 'monitor' && process !== undefined && rest.length === 0) {
    expectMethod(exchange, 'POST', 'DELETE')
    return monitor(parts, exchange, process)
  }
  nothingThere(exchange)
}

async function take(parts: AoFacadeParts, exchange: Exchange): Promise<void> {
  const { request, response, query, signal } = exchange
  const assigned = await assignByQuery(parts, query)
  if (assigned !== undefined) {
    return sendJson(response, 202, { message: 'Processing Assignment', id: assigned.id })
  }
  const bytes = await readPlainBody(request, MODULE_SIZE_MAX_BYTES)
  const taken = await submitItem(parts.messenger, bytes, { signal })
  sendJson(response, 202, { message: 'Processing DataItem', id: takenId(taken) })
}

/** Anybody may ask for the ticks of a process, but has to sign for it. */
async function monitor(parts: AoFacadeParts, exchange: Exchange, id: string): Promise<void> {
  const { request, response, method } = exchange
  const item = readItem(await readPlainBody(request, ITEM_SIZE_MAX_BYTES))
  if (item.target !== id) throw new Failure('wrong-target', { target: item.target ?? '' })
  const process = await knownProcess(parts.log, id)
  if (!verifyDataItem(item)) throw new Failure('bad-signature', { id: item.id })
  if (method === 'POST') {
    await parts.monitor.add(process.id)
    return sendText(response, 200, 'Monitoring process')
  }
  await parts.monitor.remove(process.id)
  sendText(response, 200, 'Process deleted')
}
