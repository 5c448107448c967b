import {
  type AssignmentOutline,
  asMessageId,
  type CallRequest,
  type CellKey,
  CRON_TIMER_PREFIX,
  type DataItem,
  decodeIngress,
  decodePushBody,
  fromBase64Url,
  type GuestMessage,
  type MessageId,
  type ModuleId,
  outlineDataItem,
  type ProcessDescription,
  type ProcessId,
  outlinePushBody,
  outlinePushCore,
  parseDataItem,
  type Piece,
  pieceOfAll,
  placeId,
  type PushCoreOutline,
  pushId,
  type RawMessage,
  type RequestEnvelope,
  type Slot,
  type Tag,
  toBase64Url,
  viewOf,
} from '../../protocol/index.ts'
import { toCellKey } from './cells.ts'
import { readCrons } from './cron.ts'
import { IngressMessage } from './ingress-message.ts'

const NO_BYTES = new Uint8Array(0)

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
class ItemMessage implements GuestMessage {
  readonly kind: GuestMessage['kind']
  readonly slot: Slot
  readonly timestampMs: number
  readonly depth = 0
  readonly fromProcess = undefined
  readonly fromModule = undefined
  readonly timer = undefined
  readonly raw: RawMessage
  #id: MessageId | undefined
  readonly #item: DataItem
  readonly #process: ProcessId

  constructor(id: Piece, item: DataItem, kind: GuestMessage['kind'], place: Place) {
    this.raw = { id, origin: id, tags: item.tagsPiece, data: item.dataPiece }
    this.#item = item
    this.#process = place.process.id
    this.kind = kind
    this.slot = place.slot
    this.timestampMs = place.timestampMs
  }

  get id(): MessageId {
    this.#id ??= asMessageId(toBase64Url(viewOf(this.raw.id)))
    return this.#id
  }

  get origin(): MessageId {
    return this.id
  }

  get target(): string {
    // A spawn has no target of its own; it is addressed to the process it makes. A message came here by its target.
    return this.kind === 'assigned' ? (this.#item.target ?? '') : this.#process
  }

  get from(): string {
    return this.#item.ownerAddress
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
class PushMessage implements GuestMessage {
  readonly kind: GuestMessage['kind']
  readonly slot: Slot
  readonly timestampMs: number
  readonly target: string
  readonly from: string
  readonly owner: string
  readonly fromProcess: ProcessId
  readonly fromModule: ModuleId
  readonly anchor: Uint8Array | undefined
  readonly signature = undefined
  readonly depth: number
  readonly fuel: bigint
  readonly timer = undefined
  readonly raw: RawMessage
  readonly #body: Piece
  #tags: readonly Tag[] | undefined

  constructor(
    id: Piece,
    /** What `source` holds. */
    core: PushCoreOutline,
    source: Uint8Array,
    body: Piece,
    kind: GuestMessage['kind'],
    place: Place,
    sender: SenderFacts,
  ) {
    const plain = outlinePushBody(body)
    const whole = plain === undefined ? decodePushBody(viewOf(body)) : undefined
    this.#body = body
    this.#tags = whole?.tags
    this.kind = kind
    this.slot = place.slot
    this.timestampMs = place.timestampMs
    this.target = core.to
    this.from = core.from
    this.owner = sender.owner
    this.fromProcess = core.from
    this.fromModule = sender.module
    this.anchor = plain === undefined ? whole?.anchor : plain.anchor
    this.depth = core.depth
    this.fuel = core.fuel
    // A child is known by its own id from the first: its spawn message has that id.
    this.raw = {
      id: kind === 'spawn' ? pieceOfAll(fromBase64Url(core.to)) : id,
      origin: { bytes: source, start: core.originAt, end: core.originAt + 32 },
      tags: undefined,
      plainTags: plain?.tagsPiece,
      data: plain?.dataPiece ?? pieceOfAll(whole?.data ?? NO_BYTES),
    }
  }

  get tags(): readonly Tag[] {
    this.#tags ??= decodePushBody(viewOf(this.#body)).tags
    return this.#tags
  }

  get data(): Uint8Array {
    return viewOf(this.raw.data)
  }

  get id(): MessageId {
    return asMessageId(toBase64Url(viewOf(this.raw.id)))
  }

  get origin(): MessageId {
    return asMessageId(toBase64Url(viewOf(this.raw.origin)))
  }
}

/** A tick as a guest sees it: from the owner of the process, with the tags of its cron if it is one. */
function tickMessage(timer: CellKey, place: Place, failedTicks: number | undefined): GuestMessage {
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
    failedTicks,
  }
}

/**
 * The message of an assignment; nothing for a reject. `id` is that of an item or push, `core` that of a push, `request` an ingress decoded,
 * `failedTicks` of a tick whose slot failed before.
 */
export function guestMessage(
  { envelope }: AssignmentOutline,
  id: Piece,
  core: PushCoreOutline | undefined,
  place: Place,
  sender: SenderFacts,
  request: RequestEnvelope<CallRequest> | undefined,
  failedTicks: number | undefined,
): GuestMessage | undefined {
  const kind = place.slot === 0 ? 'spawn' : 'message'
  switch (envelope.kind) {
    case 'item':
      return new ItemMessage(id, outlineDataItem(envelope.item), kind, place)
    case 'push':
      return core && new PushMessage(id, core, envelope.core.bytes, envelope.body, kind, place, sender)
    case 'tick':
      return tickMessage(toCellKey(envelope.timer), place, failedTicks)
    case 'assign':
      return assignedMessage(envelope, place, sender)
    case 'ingress':
      return new IngressMessage(
        request ?? decodeIngress(envelope.bytes),
        place.process.id,
        place.slot,
        place.timestampMs,
      )
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
    const { coreBytes, bodyBytes } = message.push
    const id = pieceOfAll(fromBase64Url(pushId(coreBytes)))
    const core = outlinePushCore(pieceOfAll(coreBytes))
    return new PushMessage(id, core, coreBytes, pieceOfAll(bodyBytes), 'assigned', place, sender)
  }
  const item = parseDataItem(message.item)
  return new ItemMessage(pieceOfAll(fromBase64Url(item.id)), withoutExcluded(item, exclude), 'assigned', place)
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
    data: names.includes('data') ? NO_BYTES : item.data,
    dataPiece: names.includes('data') ? pieceOfAll(NO_BYTES) : item.dataPiece,
    tags: names.includes('tags') ? [] : item.tags,
    tagsPiece: names.includes('tags') ? pieceOfAll(NO_BYTES) : item.tagsPiece,
    anchor: names.includes('anchor') ? undefined : item.anchor,
  }
}

function cronTags(timer: CellKey, process: ProcessDescription): readonly Tag[] {
  return readCrons(process.tags, 0).find(cron => cron.timer.key === timer)?.tags ?? []
}
