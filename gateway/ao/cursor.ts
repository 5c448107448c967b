import { Failure } from '../../protocol/index.ts'

export type Sort = 'ASC' | 'DESC'

/**
 * Where a result stands, as AO's compute unit tells it. Clients look inside: it is base64 (with
 * padding) of this as JSON, `ordinate` as text.
 */
export interface ResultCursor {
  readonly timestamp: number
  /** The nonce, which here is the slot, of ticks too. */
  readonly ordinate: string
  /** Of a tick: `<number of the timer>-<interval>`. */
  readonly cron: string | null
  readonly sort: Sort
}

export function encodeCursor({ timestamp, ordinate, cron, sort }: ResultCursor): string {
  return Buffer.from(JSON.stringify({ timestamp, ordinate, cron, sort })).toString('base64')
}

/** A cursor, or a bare timestamp: then all but the timestamp is missing. @throws {Failure} */
export function decodeCursor(text: string): {
  timestamp: number
  ordinate: number | undefined
  sort: Sort | undefined
} {
  if (/^\d+$/.test(text)) return { timestamp: Number(text), ordinate: undefined, sort: undefined }
  const fields = readFields(text)
  const timestamp = Number(fields['timestamp'])
  const ordinate = fields['ordinate'] === undefined ? undefined : Number(fields['ordinate'])
  if (!isCount(timestamp) || (ordinate !== undefined && !isCount(ordinate))) throw notACursor(text)
  return { timestamp, ordinate, sort: readSort(fields['sort']) }
}

/** The order asked for; nothing if none is. @throws {Failure} `malformed-request` */
export function readSort(value: unknown): Sort | undefined {
  if (value === undefined || value === null) return undefined
  const sort = String(value).toUpperCase()
  if (sort === 'ASC' || sort === 'DESC') return sort
  throw new Failure('malformed-request', {}, { note: 'sort is ASC or DESC' })
}

function readFields(text: string): Record<string, unknown> {
  try {
    const fields: unknown = JSON.parse(Buffer.from(text, 'base64').toString('utf8'))
    if (typeof fields === 'object' && fields !== null) return { ...fields }
  } catch {
    // Told below, in one way for all that is no cursor.
  }
  throw notACursor(text)
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

function notACursor(text: string): Failure {
  const note = 'expected a timestamp in ms or the cursor of a result'
  return new Failure('malformed-request', { cursor: text.slice(0, 64) }, { note })
}
