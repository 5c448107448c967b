import {
  type AssignmentOutline,
  asMessageId,
  type CellKey,
  CRON_TIMER_PREFIX,
  type DataItem,
  decodePushBody,
  equalBytes,
  type GuestMessage,
  type MessageId,
  type ModuleId,
  outlineDataItem,
  type ProcessDescription,
  type ProcessId,
  parseDataItem,
  placeId,
  type PushCore,
  pushId,
  type Slot,
  type Tag,
} from '../../protocol/index.ts'
import { toCellKey } from './cells.ts'
import { readCrons } from './cron.ts'

/** Where an assignment stands and whose feed it is in. */
export interface Place {
  readonly process: ProcessDescription
  readonly slot: Slot
  readonly timestampMs: number
}

/** What the compute unit found out about the sender of a push, from the sender's own spawn message. */
export interface SenderFacts {
  /** Key of the first compute unit that signed. */
  readonly owner: string
  readonly module: ModuleId
}

/** An item as a guest sees it; what is costly is made when it is asked for. */
export class ItemMessage implements GuestMessage {
  readonly kind: GuestMessage['kind']
  readonly slot: Slot
  readonly timestampMs: number
  readonly depth = 0
  readonly fromProcess = undefined
  readonly fromModule = undefined
  readonly timer = undefined
  readonly id: MessageId
  readonly #item: DataItem
  readonly #process: ProcessId
  #from: string | undefined

  constructor(id: MessageId, item: DataItem, kind: GuestMessage['kind'], place: Place) {
    this.id = id
    this.#item = item
    this.#process = place.process.id
    this.kind = kind
    this.slot = place.slot
    this.timestampMs = place.timestampMs
  }

  get origin(): MessageId {
    return this.id
  }

  get target(): string {
    // A spawn has no target of its own; it is addressed to the process it makes. A message came here by its target.
    return this.kind === 'assigned' ? (this.#item.target ?? '') : this.#process
  }

  get from(): string {
    this.#from ??= addressOf(this.#item)
    return this.#from
  }

  get owner(): string {
    return this.from
  }

  get tags(): readonly Tag[] {
    return this.#item.tags
  }

  get tagsBytes(): Uint8Array {
    return this.#item.tagsBytes
  }

  get data(): Uint8Array {
    return this.#item.data
  }

  get anchor(): Uint8Array | undefined {
    return this.#item.anchor
  }

  get signature(): Uint8Array {
    return this.#item.signature
  }
}

/** A push as a guest sees it. */
function pushMessage(
  id: MessageId,
  core: PushCore,
  bodyBytes: Uint8Array,
  kind: GuestMessage['kind'],
  place: Place,
  sender: SenderFacts,
): GuestMessage {
  const { tags, data, anchor } = decodePushBody(bodyBytes)
  return {
    kind,
    /** A child is known by its own id from the first: its spawn message has that id. */
    id: kind === 'spawn' ? core.to : id,
    slot: place.slot,
    timestampMs: place.timestampMs,
    target: core.to,
    from: core.from,
    owner: sender.owner,
    fromProcess: core.from,
    fromModule: sender.module,
    tags,
    data,
    anchor,
    signature: undefined,
    origin: core.origin,
    depth: core.depth,
    timer: undefined,
  }
}

/** A tick as a guest sees it: from the owner of the process, with the tags of its cron if it is one. */
function tickMessage(timer: CellKey, place: Place): GuestMessage {
  const { process, slot, timestampMs } = place
  const id = placeId(process.id, slot)
  return {
    kind: 'tick',
    id,
    slot,
    timestampMs,
    target: process.id,
    from: process.owner,
    owner: process.owner,
    fromProcess: undefined,
    fromModule: undefined,
    tags: timer.startsWith(CRON_TIMER_PREFIX) ? cronTags(timer, process) : [],
    data: new Uint8Array(0),
    anchor: undefined,
    signature: undefined,
    origin: id,
    depth: 0,
    timer,
  }
}

/** The message of an assignment; nothing for a reject. `core` is that of a push, `idOf` gives the id of an item or push. */
export function guestMessage(
  { envelope }: AssignmentOutline,
  core: PushCore | undefined,
  idOf: (kind: 'item' | 'push') => MessageId,
  place: Place,
  sender: SenderFacts,
): GuestMessage | undefined {
  const kind = place.slot === 0 ? 'spawn' : 'message'
  switch (envelope.kind) {
    case 'item':
      return new ItemMessage(idOf('item'), outlineDataItem(envelope.item), kind, place)
    case 'push':
      return core && pushMessage(idOf('push'), core, envelope.bodyBytes, kind, place, sender)
    case 'tick':
      return tickMessage(toCellKey(envelope.timer), place)
    case 'assign':
      return assignedMessage(envelope, place, sender)
    case 'reject':
      return undefined
  }
}

function assignedMessage(
  { message, exclude }: Extract<AssignmentOutline['envelope'], { kind: 'assign' }>,
  place: Place,
  sender: SenderFacts,
): GuestMessage {
  if (message.kind === 'push') {
    const { core, coreBytes, bodyBytes } = message.push
    return pushMessage(pushId(coreBytes), core, bodyBytes, 'assigned', place, sender)
  }
  const item = parseDataItem(message.item)
  return new ItemMessage(asMessageId(item.id), withoutExcluded(item, exclude), 'assigned', place)
}

/** AO lets an assignment leave out parts of the message, by name. */
function withoutExcluded(item: DataItem, exclude: readonly string[]): DataItem {
  const names = exclude.map(name => name.toLowerCase())
  if (names.length === 0) return item
  const { id, scheme, owner, ownerAddress, signature, target, bytes } = item
  return {
    id,
    scheme,
    owner,
    ownerAddress,
    signature,
    target,
    bytes,
    data: names.includes('data') ? new Uint8Array(0) : item.data,
    tags: names.includes('tags') ? [] : item.tags,
    tagsBytes: names.includes('tags') ? new Uint8Array(0) : item.tagsBytes,
    anchor: names.includes('anchor') ? undefined : item.anchor,
  }
}

function cronTags(timer: CellKey, process: ProcessDescription): readonly Tag[] {
  return readCrons(process.tags, 0).find(cron => cron.timer.key === timer)?.tags ?? []
}

/** Addresses of the last senders, by some bytes of their keys: senders recur. */
const addresses: ({ readonly owner: Uint8Array; readonly address: string } | undefined)[] = []
const ADDRESSES_MAX = 4096

function addressOf(item: DataItem): string {
  const { owner } = item
  const place = ((owner[3] ?? 0) | ((owner[4] ?? 0) << 8)) % ADDRESSES_MAX
  const known = addresses[place]
  if (known !== undefined && equalBytes(known.owner, owner)) return known.address
  const address = item.ownerAddress
  addresses[place] = { owner: owner.slice(), address }
  return address
}
