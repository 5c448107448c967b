import { Failure, type Log, type ProcessDescription, type Slot } from '../../protocol/index.ts'
import { parameter } from './exchange.ts'
import { slotAfter, type SlotEntry } from './feed-reader.ts'

/** Whether a page is asked for, and its cursors shall be, in nonces. */
export function inNonces(query: URLSearchParams): boolean {
  return parameter(query, 'from-nonce') !== undefined || parameter(query, 'to-nonce') !== undefined
}

/** Slots [from, to) of a query whose own `from` is exclusive and `to` inclusive. @throws {Failure} */
export async function feedRange(
  log: Log,
  process: ProcessDescription,
  query: URLSearchParams,
): Promise<{ from: Slot; to: Slot }> {
  if (inNonces(query)) {
    const from = readNumber('from-nonce', parameter(query, 'from-nonce') ?? '-1', -1)
    const to = parameter(query, 'to-nonce')
    return { from: from + 1, to: to === undefined ? Infinity : readNumber('to-nonce', to, 0) + 1 }
  }
  const from = parameter(query, 'from')
  const to = parameter(query, 'to')
  return {
    from: from === undefined ? 0 : await slotBehind(log, process, 'from', from),
    to: to === undefined ? Infinity : await slotBehind(log, process, 'to', to),
  }
}

/** Slots [from, to) of a query whose own `from` and `to` are slots, both inclusive. @throws {Failure} */
export function slotRange(query: URLSearchParams): { from: Slot; to: Slot } {
  const to = parameter(query, 'to')
  return {
    from: readNumber('from', parameter(query, 'from') ?? '0', 0),
    to: to === undefined ? Infinity : readNumber('to', to, 0) + 1,
  }
}

/**
 * The cursor of an entry: its timestamp, as in AO. Slots of one commit share their timestamp, so where
 * that would lose the next ones, `.` and the nonce stand behind it: still a number to read, and every
 * slot is on exactly one page.
 */
export function feedCursor(entries: readonly SlotEntry[], position: number, nonces: boolean): string {
  const entry = entries[position]
  const next = entries[position + 1]
  if (entry === undefined) throw new RangeError(`no entry at ${position}`)
  if (nonces) return String(entry.slot)
  const alone = next !== undefined && next.timestampMs > entry.timestampMs
  return alone ? String(entry.timestampMs) : `${entry.timestampMs}.${entry.slot}`
}

async function slotBehind(log: Log, process: ProcessDescription, name: string, text: string): Promise<Slot> {
  const [timestamp, nonce] = text.split('.', 2)
  const timestampMs = readNumber(name, timestamp ?? '', 0)
  if (nonce !== undefined) return readNumber(name, nonce, 0) + 1
  return slotAfter(log, process, timestampMs)
}

function readNumber(name: string, text: string, min: number): number {
  const value = Number(text)
  if (text === '' || !Number.isSafeInteger(value) || value < min) {
    const note = 'expected a timestamp in ms, a nonce, or a cursor'
    throw new Failure('malformed-request', { [name]: text.slice(0, 64) }, { note })
  }
  return value
}
