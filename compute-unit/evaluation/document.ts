import {
  DOCUMENT_SIZE_MAX_BYTES,
  type Ending,
  fromUtf8,
  MalformedBytes,
  toUtf8,
  SCHEDULE_TIMER_PREFIX,
} from '../../protocol/index.ts'

/** A control message cannot be carried out: its slot ends in this error, and nothing has changed. */
export class ControlFailed extends Error {
  override readonly name = 'ControlFailed'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export type JsonDocument = Readonly<Record<string, unknown>>

/** Reads a document of state. @throws {ControlFailed} `bad-document`, `document-too-large` */
export function parseDocument(bytes: Uint8Array): JsonDocument {
  if (bytes.length > DOCUMENT_SIZE_MAX_BYTES) {
    throw new ControlFailed(
      'document-too-large',
      `a document of ${bytes.length} bytes; ${DOCUMENT_SIZE_MAX_BYTES} are allowed`,
    )
  }
  let value: unknown
  try {
    value = JSON.parse(fromUtf8(bytes))
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof MalformedBytes)) throw error
    throw new ControlFailed('bad-document', 'a document of state is JSON')
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonDocument
  throw new ControlFailed('bad-document', 'a document of state is a JSON object')
}

/**
 * The document in what a program answered: the answer itself, or the `reply` in it.
 * @throws {ControlFailed} as `parseDocument`
 */
export function documentIn(output: Uint8Array): { bytes: Uint8Array; document: JsonDocument } {
  const answer = parseDocument(output)
  if ('v' in answer) return { bytes: output, document: answer }
  const { reply } = answer
  const bytes = toUtf8(JSON.stringify(reply ?? null))
  return { bytes, document: parseDocument(bytes) }
}

/** Calls that are open, as the document tells them. */
export function pendingIn(document: JsonDocument): readonly unknown[] {
  const { pending } = document
  return Array.isArray(pending) ? pending : []
}

/**
 * The document with these open calls in place of its own: those of the time when it was taken have had their answers.
 * Bytes that need no change stay as they are.
 */
export function withPending(bytes: Uint8Array, document: JsonDocument, pending: readonly unknown[]): Uint8Array {
  if (pending.length === 0 && pendingIn(document).length === 0) return bytes
  return toUtf8(JSON.stringify({ ...document, pending }))
}

/** The document without schedules that have no timer any more: their owner cancelled them. */
export function withoutDeadSchedules(
  bytes: Uint8Array,
  document: JsonDocument,
  hasTimer: (key: string) => boolean,
): Uint8Array {
  const { schedules } = document
  if (!Array.isArray(schedules)) return bytes
  const alive = schedules.filter(schedule => hasTimer(SCHEDULE_TIMER_PREFIX + keyOf(schedule)))
  if (alive.length === schedules.length) return bytes
  return toUtf8(JSON.stringify({ ...document, schedules: alive }))
}

function keyOf(schedule: unknown): string {
  if (typeof schedule !== 'object' || schedule === null || !('key' in schedule)) return ''
  return String(schedule.key)
}

/** The program itself failed while it told or took a state: its own error stands. */
export class GuestFailed extends Error {
  override readonly name = 'GuestFailed'
  readonly ending: Extract<Ending, { status: 'error' }>

  constructor(ending: Extract<Ending, { status: 'error' }>) {
    super(ending.error.message)
    this.ending = ending
  }
}
