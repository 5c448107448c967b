import { type GuestContext, isId, type ProcessDescription, SYSTEM_TAGS, type Tag } from '../../protocol/index.ts'
import type { Json, JsonObject, Response } from './response.ts'

/** Tags that the receiving side makes from what is verified; a program cannot say them. */
const MADE_BY_THE_NETWORK: ReadonlySet<string> = new Set([
  'Data-Protocol',
  'Type',
  'From-Process',
  'From-Module',
  'Pushed-For',
  'Assignments',
])

/** Readers may fold the case of system tags, so none comes twice in any case. */
const SYSTEM_TAGS_LOWER: ReadonlySet<string> = new Set(Array.from(SYSTEM_TAGS, name => name.toLowerCase()))

const DEFAULT_VARIANT = 'ao.TN.1'
/** What AO's messenger sends in place of no data. */
const NO_DATA = ' '

const encoder = new TextEncoder()

/** Sends messages, then spawns, then assignments of a response, as AO's messenger does. */
export function sendOutbox(response: Response, process: ProcessDescription, context: GuestContext): void {
  for (const message of response.messages) sendMessage(message, context)
  for (const spawn of response.spawns) sendSpawn(spawn, process, context)
  for (const assignment of response.assignments) sendAssignment(assignment, context)
}

/** Messages without target, anchor or tags are for the reader of the result only. */
function sendMessage(message: JsonObject, context: GuestContext): void {
  const to = message['Target']
  const anchor = message['Anchor']
  if (typeof to !== 'string' || to === '' || !isTruthy(anchor) || !Array.isArray(message['Tags'])) return
  context.send({
    to,
    tags: outgoing(tagsOf(message['Tags'])),
    data: dataOf(message['Data']),
    anchor: encodeText(anchor),
  })
}

/** Spawns, and tells the program the id of its child, as AO's messenger does. */
function sendSpawn(spawn: JsonObject, process: ProcessDescription, context: GuestContext): void {
  const given = tagsOf(spawn['Tags'])
  const module = given.find(tag => tag.name === 'Module')?.value
  if (module === undefined || !isId(module)) {
    context.log('a spawn was dropped: its Module tag is no id')
    return
  }
  const tags = outgoing(given)
  const fromModule: Tag = { name: 'From-Module', value: process.module }
  const data = dataOf(spawn['Data'])
  const child = context.spawn({
    module,
    tags: [...tags, fromModule],
    data,
    anchor: encodeText(spawn['Anchor']),
  })
  const notice = [...tags, { name: 'Process', value: child }, { name: 'Action', value: 'Spawned' }]
  context.send({ to: process.id, tags: notice, data: encoder.encode(NO_DATA) })
}

function sendAssignment(assignment: JsonObject, context: GuestContext): void {
  const message = assignment['Message']
  const processes = textsOf(assignment['Processes'])
  if (typeof message !== 'string' || processes.length === 0) return
  context.assign(message, processes, textsOf(assignment['Exclude']))
}

/** Drops what the receiving side makes anew, and system tags that come a second time. */
function outgoing(tags: readonly Tag[]): Tag[] {
  const seen = new Set<string>()
  return tags.filter(({ name, value }) => {
    if (MADE_BY_THE_NETWORK.has(name)) return false
    const lower = name.toLowerCase()
    if (!SYSTEM_TAGS_LOWER.has(lower)) return true
    if (seen.has(lower)) return false
    seen.add(lower)
    return name !== 'Variant' || value !== DEFAULT_VARIANT
  })
}

/** Tags of a response; numbers and booleans become text, what else is no text is left out. */
function tagsOf(value: Json | undefined): Tag[] {
  if (!Array.isArray(value)) return []
  const tags: Tag[] = []
  for (const entry of value as readonly Json[]) {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) continue
    const { name, value: text } = entry as JsonObject
    if (typeof name !== 'string' || !isScalar(text)) continue
    tags.push({ name: name.toWellFormed(), value: String(text).toWellFormed() })
  }
  return tags
}

const isScalar = (value: Json | undefined): value is string | number | boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

const isTruthy = (value: Json | undefined): value is Json => value !== undefined && Boolean(value)

function textsOf(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? (value as readonly Json[]).filter(item => typeof item === 'string') : []
}

function dataOf(value: Json | undefined): Uint8Array {
  if (!isTruthy(value) || value === '') return encoder.encode(NO_DATA)
  return encoder.encode(typeof value === 'string' ? value : JSON.stringify(value))
}

const encodeText = (value: Json | undefined): Uint8Array | undefined =>
  isScalar(value) ? encoder.encode(String(value)) : undefined
