import { AgentError } from './agent-error.ts'
import { utf8BytesOf } from './text-bytes.ts'

/** The value of a tag in a list of names and values in turn. */
export function tagOf(tags: readonly string[], name: string): string | undefined {
  for (let at = 0; at < tags.length; at += 2) if (tags[at] === name) return tags[at + 1]
  return undefined
}

/** Tags that say how a message travels, not what it says. */
const SYSTEM: ReadonlySet<string> = new Set([
  'Action',
  'Authority',
  'Compute-Quorum',
  'Compute-Unit',
  'Content-Type',
  'Data-Protocol',
  'Error',
  'Exclusive',
  'Messenger',
  'Module',
  'Name',
  'Reference',
  'SDK',
  'Scheduler',
  'Scheduler-Quorum',
  'Type',
  'Variant',
  'Waiting',
  'X-Reference',
])

/** The other tags as an object: how clients of AO say what they mean. */
export function tagInput(tags: readonly string[]): Record<string, string> {
  const input: Record<string, string> = {}
  for (let at = 0; at < tags.length; at += 2) {
    const name = tags[at] ?? ''
    if (!SYSTEM.has(name) && name !== '__proto__') input[name] = tags[at + 1] ?? ''
  }
  return input
}

/** Tags by name, the first of each: as a program sees them. */
export function tagRecord(tags: readonly string[]): Record<string, string> {
  const record: Record<string, string> = Object.create(null)
  for (let at = 0; at < tags.length; at += 2) record[tags[at] ?? ''] ??= tags[at + 1] ?? ''
  return record
}

/** What a message may have: the host's bounds, which fail the slot. */
const TAGS_MAX = 128
const TAGS_MAX_BYTES = 4096

/** Looks whether so many tags more, of so many bytes, find room beside these. @throws {AgentError} `outbox-limit` */
export function checkTags(tags: readonly string[], more = 0, moreBytes = 0): void {
  let bytes = moreBytes
  for (const text of tags) bytes += utf8BytesOf(text)
  if (tags.length / 2 + more > TAGS_MAX || bytes > TAGS_MAX_BYTES)
    throw new AgentError('outbox-limit', `a message has ${TAGS_MAX} tags of ${TAGS_MAX_BYTES} bytes together at most`)
}

/** Tags as a program gives them, as names and values in turn. */
export function flatTags(tags: unknown): string[] {
  if (tags === undefined) return []
  return Object.entries(tags as object).flatMap(([name, value]) => [name, String(value)])
}
