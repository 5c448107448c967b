import {
  blockHeightAt,
  dataText,
  type GuestMessage,
  type ModuleDescription,
  type ProcessDescription,
  type Tag,
  toBase64Url,
} from '../../protocol/index.ts'

/** Tags that only the network may speak: `From` and `Owner` are fields of their own. */
const FIELD_TAGS: ReadonlySet<string> = new Set(['From', 'Owner'])

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The `env` argument of `handle`, JSON in UTF-8: the process and its module. */
export function encodeEnvironment(process: ProcessDescription, module: ModuleDescription): Uint8Array {
  return encoder.encode(
    JSON.stringify({
      Process: { Id: process.id, Owner: process.owner, Tags: processTags(process) },
      Module: { Id: module.id, Owner: module.owner, Tags: tagList(module.tags) },
    }),
  )
}

/** The tags of a process; one that a process spawned has those that AO's messenger adds. */
function processTags(process: ProcessDescription): Tag[] {
  if (process.parent === undefined) return tagList(process.tags)
  return [...withDefaults(process.tags, 'Process'), { name: 'From-Process', value: process.parent }]
}

const tagList = (tags: readonly Tag[]): Tag[] => tags.map(({ name, value }) => ({ name, value }))

/** Tags with those every AO message has, where they are absent. */
function withDefaults(tags: readonly Tag[], type: 'Message' | 'Process'): Tag[] {
  const all = tagList(tags)
  for (const [name, value] of [
    ['Data-Protocol', 'ao'],
    ['Variant', 'ao.TN.1'],
    ['Type', type],
  ] as const) {
    if (!tags.some(tag => tag.name === name)) all.push({ name, value })
  }
  return all
}

/**
 * The `msg` argument of `handle`, JSON in UTF-8, field by field as AO's compute unit builds it.
 * Tags that say where a message comes from are made here from what is verified, never taken from
 * the sender.
 */
export function encodeMessage(message: GuestMessage, process: ProcessDescription): Uint8Array {
  const { kind } = message
  const height = {
    Timestamp: message.timestampMs,
    'Block-Height': blockHeightAt(message.timestampMs),
  }
  const who = kind === 'tick' ? { from: process.owner, owner: process.owner } : message
  const fields = {
    Id: message.id,
    Signature: signatureText(message),
    Data: dataText(message.data) ?? null,
    Owner: who.owner,
    Target: message.target,
    Anchor: anchorText(message.anchor),
    From: who.from,
    'Forwarded-By': message.fromProcess === undefined ? undefined : message.owner,
    Tags: messageTags(message),
  }
  const place = kind === 'query' ? {} : { Epoch: process.epoch, Nonce: message.slot }
  const last = kind === 'query' ? { 'Read-Only': true } : {}
  return encoder.encode(JSON.stringify({ ...fields, ...place, ...height, Cron: kind === 'tick', ...last }))
}

function messageTags(message: GuestMessage): Tag[] {
  const { fromProcess, fromModule } = message
  const tags = message.tags.filter(tag => !FIELD_TAGS.has(tag.name))
  if (fromProcess === undefined) return tagList(tags)
  const all = withDefaults(
    tags.filter(tag => !FROM_TAGS.has(tag.name)),
    message.kind === 'spawn' ? 'Process' : 'Message',
  )
  all.push({ name: 'From-Process', value: fromProcess })
  if (fromModule !== undefined) all.push({ name: 'From-Module', value: fromModule })
  all.push({ name: 'Pushed-For', value: message.origin })
  return all
}

const FROM_TAGS: ReadonlySet<string> = new Set(['From-Process', 'From-Module', 'Pushed-For'])

const signatureText = (message: GuestMessage): string | undefined =>
  message.signature === undefined ? undefined : toBase64Url(message.signature)

/** An anchor is text to AO programs; one that is no text is not shown. */
function anchorText(anchor: Uint8Array | undefined): string | undefined {
  if (anchor === undefined || anchor.length === 0) return undefined
  try {
    return decoder.decode(anchor)
  } catch {
    return undefined
  }
}
