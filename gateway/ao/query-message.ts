import { Failure, findTag, type QueryMessage, TAGS_MAX, type Tag, toUtf8 } from '../../protocol/index.ts'

/**
 * The message of a dry-run from the JSON that AO's clients send: `Id, Owner, Target, Data, Tags,
 * Anchor, Timestamp`, each of which may be missing. Nobody signs it: whoever asks may ask as anybody.
 * @throws {Failure} `malformed-request`
 */
export function readQueryMessage(body: unknown): QueryMessage {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw wrong('an object')
  const fields: Record<string, unknown> = { ...body }
  const tags = readTags(fields['Tags'])
  const owner = readText(fields, 'Owner') ?? '1234'
  const anchor = readText(fields, 'Anchor')
  const timestamp = readText(fields, 'Timestamp')
  return {
    id: readText(fields, 'Id') ?? '1234',
    owner,
    // As for messages in a feed: a process speaks through whoever signs for it.
    from: readText(fields, 'From') ?? findTag(tags, 'From-Process') ?? owner,
    tags,
    data: toUtf8(readText(fields, 'Data') ?? ''),
    anchor: anchor === undefined ? undefined : toUtf8(anchor),
    timestampMs: timestamp === undefined ? undefined : readTimestamp(timestamp),
  }
}

function readTags(value: unknown): Tag[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value) || value.length > TAGS_MAX) throw wrong(`at most ${TAGS_MAX} Tags in a list`)
  return value.map((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) throw wrong('tags with name and value')
    const fields: Record<string, unknown> = { ...entry }
    const [name, text] = [readText(fields, 'name'), readText(fields, 'value')]
    if (name === undefined || text === undefined) throw wrong('tags with name and value')
    return { name, value: text }
  })
}

/** Text, or a number or truth value written as text. */
function readText(fields: Record<string, unknown>, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw wrong(`${name} as text`)
}

function readTimestamp(text: string): number {
  const timestampMs = Number(text)
  if (Number.isSafeInteger(timestampMs) && timestampMs >= 0) return timestampMs
  throw wrong('Timestamp in ms')
}

function wrong(expected: string): Failure {
  return new Failure('malformed-request', {}, { note: `a dry-run takes ${expected}` })
}
