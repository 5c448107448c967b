import {
  asMessageId,
  type Assignment,
  type CellKey,
  CRON_TIMER_PREFIX,
  type DataItem,
  decodePushBody,
  type GuestMessage,
  type MessageId,
  type ModuleId,
  type ProcessDescription,
  type ProcessId,
  parseDataItem,
  placeId,
  type Push,
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
  readonly #item: DataItem
  readonly #process: ProcessId
  #from: string | undefined

  constructor(item: DataItem, kind: GuestMessage['kind'], place: Place) {
    this.#item = item
    this.#process = place.process.id
    this.kind = kind
    this.slot = place.slot
    this.timestampMs = place.timestampMs
  }

  get id(): string {
    return this.#item.id
  }

  get origin(): MessageId {
    return asMessageId(this.#item.id)
  }

  get target(): string {
    // A spawn has no target of its own; it is addressed to the process it makes.
    return this.kind === 'spawn' ? this.#process : (this.#item.target ?? '')
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
export function pushMessage(push: Push, kind: GuestMessage['kind'], place: Place, sender: SenderFacts): GuestMessage {
  const body = decodePushBody(push.bodyBytes)
  const { core, coreBytes } = push
  return {
    kind,
    /** A child is known by its own id from the first: its spawn message has that id. */
    get id() {
      return kind === 'spawn' ? core.to : pushId(coreBytes)
    },
    slot: place.slot,
    timestampMs: place.timestampMs,
    target: core.to,
    from: core.from,
    owner: sender.owner,
    fromProcess: core.from,
    fromModule: sender.module,
    tags: body.tags,
    data: body.data,
    anchor: body.anchor,
    signature: undefined,
    origin: core.origin,
    depth: core.depth,
    timer: undefined,
  }
}

/** A tick as a guest sees it: from the owner of the process, with the tags of its cron if it is one. */
export function tickMessage(timer: CellKey, place: Place): GuestMessage {
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

/** The message of an assignment, and what it may spend; nothing for a reject. */
export function guestMessage(
  { envelope }: Assignment,
  place: Place,
  sender: SenderFacts,
): GuestMessage | undefined {
  switch (envelope.kind) {
    case 'item':
      return new ItemMessage(parseDataItem(envelope.item), place.slot === 0 ? 'spawn' : 'message', place)
    case 'push':
      return pushMessage(envelope.push, place.slot === 0 ? 'spawn' : 'message', place, sender)
    case 'tick':
      return tickMessage(toCellKey(envelope.timer), place)
    case 'assign':
      return envelope.message.kind === 'item'
        ? new ItemMessage(withoutExcluded(parseDataItem(envelope.message.item), envelope.exclude), 'assigned', place)
        : pushMessage(envelope.message.push, 'assigned', place, sender)
    case 'reject':
      return undefined
  }
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
    anchor: names.includes('anchor') ? undefined : item.anchor,
  }
}

function cronTags(timer: CellKey, process: ProcessDescription): readonly Tag[] {
  return readCrons(process.tags, 0).find(cron => cron.timer.key === timer)?.tags ?? []
}

const addresses = new Map<string, string>()

/** Senders recur; the addresses of the last ones are kept. */
function addressOf(item: DataItem): string {
  const key = item.scheme + toCellKey(item.owner)
  const known = addresses.get(key)
  if (known !== undefined) return known
  const address = item.ownerAddress
  if (addresses.size >= 16_384) addresses.clear()
  addresses.set(key, address)
  return address
}
