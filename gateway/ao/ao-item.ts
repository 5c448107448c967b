import {
  type DataItem,
  dataText,
  decodeIngress,
  decodePushBody,
  type Envelope,
  envelopeId,
  Failure,
  findTag,
  type Log,
  parseDataItem,
  principalText,
  type ProcessDescription,
  type Push,
  pushId,
  requestMessageId,
  type Tag,
  toBase64Url,
  unitOf,
} from '../../protocol/index.ts'
import type { SlotEntry } from './feed-reader.ts'

/** A message in AO's terms, whoever vouches for it. */
export interface AoItem {
  readonly id: string
  /** `key` in base64url; both fields are the key itself where a unit of this network vouches. */
  readonly owner: { readonly address: string; readonly key: string }
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  readonly anchor: Uint8Array | undefined
  /** In base64url; empty where nobody signs (ticks). */
  readonly signature: string
  /** 43 characters, or empty. */
  readonly target: string
}

/** A message as AO's scheduler unit writes it. */
export interface SuMessage {
  readonly id: string
  readonly owner: AoItem['owner']
  /** null: not UTF-8; `/raw/{id}` has the bytes. */
  readonly data: string | null
  readonly tags: readonly Tag[]
  readonly signature: string
  /** The 32 bytes as text, not in base64url: AO's compute unit counts its bytes. */
  readonly anchor: string | null
  readonly target: string
}

export const AO_VARIANT = 'ao.TN.1'

/** Tags of an outbox that the network sets itself, as AO's messenger does. */
const SET_BY_NETWORK = new Set(['Data-Protocol', 'Type', 'From-Process', 'From-Module', 'Pushed-For', 'Assignments'])

const anchorDecoder = new TextDecoder('utf-8', { ignoreBOM: true })

export function suMessage(item: AoItem): SuMessage {
  const { id, owner, tags, signature, target } = item
  const data = dataText(item.data) ?? null
  return { id, owner, data, tags, signature, anchor: anchorText(item.anchor), target }
}

export function anchorText(anchor: Uint8Array | undefined): string | null {
  return anchor === undefined || anchor.length === 0 ? null : anchorDecoder.decode(anchor)
}

/** A signed item, as it is. */
export function itemAsAo(item: DataItem): AoItem {
  return {
    id: item.id,
    owner: { address: item.ownerAddress, key: toBase64Url(item.owner) },
    tags: item.tags,
    data: item.data,
    anchor: item.anchor,
    signature: toBase64Url(item.signature),
    target: item.target ?? '',
  }
}

/**
 * A push as AO's messenger would have signed it; here the first compute unit that attests it stands
 * as the owner, and its signature of the certificate as the signature. Where the scheduler of the feed
 * vouches for it, that is the owner, and its signature is that of the feed.
 */
export function pushAsAo(
  { push, proof }: Extract<Envelope, { kind: 'push' }>,
  sender: ProcessDescription,
  process: ProcessDescription,
): AoItem {
  const { core } = push
  const body = decodePushBody(push.bodyBytes)
  const attested = proof?.signatures[0]
  const unit = attested && unitOf(sender, attested.unit)
  const key = proof === undefined ? (process.policy.schedulers[0] ?? '') : (unit ?? '')
  const own = body.tags.filter(tag => !SET_BY_NETWORK.has(tag.name))
  const variant = findTag(own, 'Variant') === undefined ? [tag('Variant', AO_VARIANT)] : []
  const tags = [
    ...own,
    tag('Data-Protocol', 'ao'),
    ...variant,
    tag('Type', body.kind === 'spawn' ? 'Process' : 'Message'),
    tag('From-Process', core.from),
    tag('From-Module', sender.module),
    tag('Pushed-For', core.origin),
  ]
  return {
    // A process has the id of its spawn message, and AO's programs and clients compare the two.
    id: body.kind === 'spawn' ? core.to : pushId(push.coreBytes),
    owner: { address: key, key },
    tags,
    data: body.data,
    anchor: body.anchor,
    signature: attested === undefined ? '' : toBase64Url(attested.signature),
    target: body.kind === 'spawn' ? '' : core.to,
  }
}

/** What stands in a slot, in AO's terms; an assigned message is the message itself. */
export async function entryAsAo(log: Log, process: ProcessDescription, entry: SlotEntry): Promise<AoItem> {
  const { envelope } = entry
  const inner = envelope.kind === 'assign' ? envelope.message : envelope
  if (inner.kind === 'item') return itemAsAo(parseDataItem(inner.item))
  if (inner.kind === 'push') return pushAsAo(inner, await senderOf(log, inner.push), process)
  if (inner.kind === 'ingress') return requestAsAo(inner.bytes, process)
  return {
    id: envelopeId(inner, process.id, entry.slot),
    owner: { address: process.owner, key: '' },
    tags: [tag('Data-Protocol', 'ao'), tag('Variant', AO_VARIANT), tag('Type', 'Message'), ...placeTags(inner)],
    data: new Uint8Array(0),
    anchor: undefined,
    signature: '',
    target: process.id,
  }
}

/** A request of the IC, as a message from the principal of its sender. */
function requestAsAo(bytes: Uint8Array, process: ProcessDescription): AoItem {
  const { id, request } = decodeIngress(bytes)
  return {
    id: requestMessageId(id),
    owner: { address: principalText(request.sender), key: '' },
    tags: [
      tag('Data-Protocol', 'ao'),
      tag('Variant', AO_VARIANT),
      tag('Type', 'Message'),
      tag('Action', request.method),
      tag('Content-Type', 'application/candid'),
    ],
    data: request.arg,
    anchor: undefined,
    signature: '',
    target: process.id,
  }
}

/** What a slot without a message of its own is there for. */
function placeTags(envelope: Extract<Envelope, { kind: 'tick' | 'reject' }>): Tag[] {
  if (envelope.kind === 'reject') {
    return [tag('Rejected-From', envelope.from), tag('Reason', envelope.reason)]
  }
  return [tag('Action', 'Cron'), tag('Cron', 'true'), tag('Timer', timerName(envelope.timer))]
}

/** The key of a timer as text. */
export function timerName(timer: Uint8Array): string {
  return dataText(timer) ?? toBase64Url(timer)
}

async function senderOf(log: Log, push: Push): Promise<ProcessDescription> {
  const sender = await log.directory.process(push.core.from)
  if (sender === undefined) throw new Failure('unknown-process', { process: push.core.from })
  return sender
}

function tag(name: string, value: string): Tag {
  return { name, value }
}
