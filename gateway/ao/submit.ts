import {
  asMessageId,
  type CallOptions,
  type DataItem,
  Failure,
  isId,
  MalformedBytes,
  type Messenger,
  type ModuleAdded,
  parseDataItem,
  type Receipt,
} from '../../protocol/index.ts'
import type { AoFacadeParts } from './parts.ts'
import { parameter } from './exchange.ts'
import { knownProcess } from './feed-reader.ts'

/** Hands in one item. @throws {Failure} why it was not taken */
export async function submitItem(
  messenger: Messenger,
  bytes: Uint8Array,
  options: CallOptions,
): Promise<Receipt | ModuleAdded> {
  const [answer] = await messenger.submit([bytes], options)
  if (answer === undefined) throw new Error('the messenger gave no answer')
  if (answer instanceof Failure) throw answer
  return answer
}

/** The id by which what was taken is known. */
export function takenId(taken: Receipt | ModuleAdded): string {
  return 'module' in taken ? taken.module : taken.id
}

/**
 * Has a message stand in another process, as asked in `?process-id&assign[&exclude]`; nothing if
 * neither is there. @throws {Failure} `malformed-request`, and why it was not taken
 */
export async function assignByQuery(parts: AoFacadeParts, query: URLSearchParams): Promise<Receipt | undefined> {
  const target = parameter(query, 'process-id')
  const message = parameter(query, 'assign')
  if (target === undefined && message === undefined) return undefined
  if (target === undefined || message === undefined) {
    const note = 'You must set both process-id and assign to send an assignment, not just one'
    throw new Failure('malformed-request', {}, { note })
  }
  if (query.has('base-layer')) {
    throw new Failure('malformed-request', {}, { note: 'there is no base layer under this network' })
  }
  if (!isId(message)) throw new Failure('malformed-request', {}, { note: 'assign is no message id' })
  const process = await knownProcess(parts.log, target)
  const exclude = (parameter(query, 'exclude') ?? '').split(',').filter(name => name !== '')
  return parts.messenger.assign(asMessageId(message), process.id, exclude)
}

/** @throws {Failure} `malformed-item` */
export function readItem(bytes: Uint8Array): DataItem {
  try {
    return parseDataItem(bytes)
  } catch (cause) {
    if (!(cause instanceof MalformedBytes)) throw cause
    throw new Failure('malformed-item', { offset: cause.offset }, { cause })
  }
}
