import type { Result } from '../../../protocol/index.ts'
import { resultAsAo } from '../ao-result.ts'
import { isMap } from './fields.ts'

const DEVICE = 'patch@1.0'
const METHOD = 'PATCH'

/** What belongs to the message that publishes, not to what is published. */
const ENVELOPE: ReadonlySet<string> = new Set([
  'target',
  'anchor',
  'tags',
  'device',
  'method',
  'data-protocol',
  'variant',
  'type',
  'reference',
  'from-process',
  'from-module',
])

/** What the messages of a result of AO publish, as HyperBEAM's `patch@1.0` understands them, in their order. */
export function patchesOf(result: Result): readonly Iterable<readonly [string, unknown]>[] {
  return publishes(result) ? resultAsAo(result, true).Messages.map(patchOf) : []
}

/** Whether it is worth reading: most results publish nothing. */
function publishes({ status, output }: Result): boolean {
  if (status !== 'ok') return false
  const bytes = Buffer.from(output.buffer, output.byteOffset, output.length)
  return bytes.includes(DEVICE) || bytes.includes(METHOD)
}

function patchOf(message: unknown): readonly (readonly [string, unknown])[] {
  if (!isMap(message)) return []
  const all = new Map(Object.entries(message))
  const tags: unknown = message['Tags']
  for (const tag of Array.isArray(tags) ? tags : []) {
    if (isMap(tag) && typeof tag['name'] === 'string') all.set(tag['name'], tag['value'])
  }
  const isPatch = all.get('device') === DEVICE || all.get('Device') === DEVICE || all.get('method') === METHOD
  return isPatch ? [...all].filter(([name, value]) => !ENVELOPE.has(name.toLowerCase()) && value !== undefined) : []
}
