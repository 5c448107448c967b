import {
  CELL_KEY_MAX_BYTES,
  CELL_VALUE_MAX_BYTES,
  CHUNK_SIZE_BYTES,
  CRON_TIMER_PREFIX,
  DOCUMENT_SIZE_MAX_BYTES,
  fromBase64Url,
  type GuestSnapshot,
  MalformedBytes,
  type ModuleId,
  toBase64Url,
  toUtf8,
} from '../../protocol/index.ts'
import { type CellStore, toBytes, toCellKey } from './cells.ts'
import { ControlFailed, type JsonDocument } from './document.ts'
import type { Mailbox } from './mailbox.ts'

/** Where the state of a process lies whose program keeps it in cells. */
export interface CellState {
  readonly cells: CellStore
  readonly mailbox: Mailbox
  /** Called for each cell that is read, taken away or put. @throws {ControlFailed} when that costs too much */
  touched(): void
}

/** The state of such a process as a document; memory too, if it is not as in the module's image. */
export function encodeCells(
  { cells, mailbox, touched }: CellState,
  module: ModuleId,
  memory: GuestSnapshot | undefined,
): Uint8Array {
  const held: Record<string, string> = {}
  let left = DOCUMENT_SIZE_MAX_BYTES - (memory === undefined ? 0 : memory.chunks.size * CHUNK_SIZE_BYTES)
  for (const key of programKeys(cells)) {
    touched()
    const value = cells.program.get(key)
    if (value === undefined) continue
    left -= key.length + value.length
    if (left < 0) throw tooLarge()
    held[textOf(key)] = toBase64Url(value)
  }
  const timers = mailbox
    .timers()
    .filter(({ key }) => !key.startsWith(CRON_TIMER_PREFIX))
    .map(({ key, dueMs, everyMs }) => ({ key: textOf(key), dueMs, everyMs: everyMs ?? null }))
  const document = { v: 1, module, cells: held, timers }
  const whole = memory === undefined ? document : { ...document, memory: encodeMemory(memory) }
  const bytes = toUtf8(JSON.stringify(whole))
  if (bytes.length > DOCUMENT_SIZE_MAX_BYTES) throw tooLarge()
  return bytes
}

function encodeMemory({ pages, engine, chunks }: GuestSnapshot): JsonDocument {
  const held: Record<string, string> = {}
  for (const [index, bytes] of chunks) held[String(index)] = toBase64Url(bytes)
  return { pages, engine: toBase64Url(engine), chunks: held }
}

/**
 * Puts the cells and timers of a document in place of those that are there; gives the memory it tells, if it does.
 * @throws {ControlFailed} `bad-document` @throws {GuestLimit}
 */
export function restoreCells(state: CellState, document: JsonDocument): GuestSnapshot | undefined {
  const { cells, mailbox, touched } = state
  clearCells(state)
  clearTimers(mailbox)
  for (const [name, text] of Object.entries(recordOf(document, 'cells'))) {
    const [key, value] = [bytesOf(name), bytesOf(text)]
    if (key.length > CELL_KEY_MAX_BYTES || value.length > CELL_VALUE_MAX_BYTES) throw bad('a cell is too large')
    touched()
    cells.program.put(toCellKey(key), value)
  }
  const timers = document['timers'] ?? []
  if (!Array.isArray(timers)) throw bad('timers: expected a list')
  for (const timer of timers) {
    const { key, dueMs, everyMs } = asRecord(timer, 'timer')
    if (typeof dueMs !== 'number' || (everyMs !== null && typeof everyMs !== 'number'))
      throw bad('a timer without times')
    mailbox.setTimer({ key: toCellKey(bytesOf(key)), dueMs, everyMs: everyMs ?? undefined })
  }
  return document['memory'] === undefined ? undefined : decodeMemory(recordOf(document, 'memory'))
}

function decodeMemory(memory: JsonDocument): GuestSnapshot {
  const { pages } = memory
  if (typeof pages !== 'number' || !Number.isSafeInteger(pages) || pages < 0) throw bad('memory without its size')
  const chunks = new Map<number, Uint8Array>()
  for (const [name, text] of Object.entries(recordOf(memory, 'chunks'))) {
    const bytes = bytesOf(text)
    const index = /^(0|[1-9]\d{0,8})$/.test(name) ? Number(name) : Number.NaN
    if (!(index < pages * 16) || bytes.length !== CHUNK_SIZE_BYTES) throw bad('a chunk outside of memory')
    chunks.set(index, bytes)
  }
  return { pages, engine: bytesOf(memory['engine']), chunks }
}

/** Takes away all cells of the program. */
export function clearCells({ cells, touched }: CellState): void {
  for (const key of programKeys(cells)) {
    touched()
    cells.program.put(key, undefined)
  }
}

/** Takes away the timers that the program set; those of its spawn tags stay. */
export function clearTimers(mailbox: Mailbox): void {
  for (const { key } of mailbox.timers()) if (!key.startsWith(CRON_TIMER_PREFIX)) mailbox.clearTimer(key)
}

const ABOVE_ALL_KEYS = '\xff'.repeat(CELL_KEY_MAX_BYTES + 1)
const programKeys = ({ program }: CellStore): string[] => program.scan('', ABOVE_ALL_KEYS, program.size, false)

const textOf = (key: string): string => toBase64Url(toBytes(key))

function bytesOf(text: unknown): Uint8Array {
  if (typeof text !== 'string') throw bad('expected bytes as text')
  try {
    return fromBase64Url(text)
  } catch (error) {
    if (error instanceof MalformedBytes) throw bad('expected bytes as base64url')
    throw error
  }
}

function recordOf(document: JsonDocument, name: string): JsonDocument {
  return asRecord(document[name], name)
}

function asRecord(value: unknown, name: string): JsonDocument {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonDocument
  throw bad(`${name}: expected an object`)
}

const bad = (what: string): ControlFailed => new ControlFailed('bad-document', what)
const tooLarge = (): ControlFailed =>
  new ControlFailed('document-too-large', `more than ${DOCUMENT_SIZE_MAX_BYTES} bytes of state`)
