import {
  type CallRequest,
  type GuestMessage,
  type IngressRequest,
  type MessageId,
  principalText,
  type ProcessId,
  pieceOfAll,
  type RawMessage,
  type RequestEnvelope,
  requestMessageId,
  type Slot,
  type Tag,
} from '../../protocol/index.ts'

/** A request of the IC as a guest sees it, from the principal of its sender; what is text is made when it is asked for. */
export class IngressMessage implements GuestMessage {
  readonly kind = 'ingress'
  readonly slot: Slot
  readonly timestampMs: number
  readonly target: ProcessId
  readonly depth = 0
  readonly fromProcess = undefined
  readonly fromModule = undefined
  readonly anchor = undefined
  readonly signature = undefined
  readonly timer = undefined
  readonly ingress: IngressRequest
  readonly raw: RawMessage

  constructor({ id, request }: RequestEnvelope<CallRequest>, process: ProcessId, slot: Slot, timestampMs: number) {
    const { sender, canister, method, arg, expiryNs, senderInfo } = request
    this.slot = slot
    this.timestampMs = timestampMs
    this.target = process
    this.ingress = { requestId: id, sender, canister, method, arg, expiryNs, senderInfo }
    const named = pieceOfAll(id)
    this.raw = { id: named, origin: named, tags: undefined, data: pieceOfAll(arg) }
  }

  get id(): MessageId {
    return requestMessageId(this.ingress.requestId)
  }

  get origin(): MessageId {
    return this.id
  }

  get from(): string {
    return principalText(this.ingress.sender)
  }

  get owner(): string {
    return this.from
  }

  get data(): Uint8Array {
    return this.ingress.arg
  }

  get tags(): readonly Tag[] {
    return [
      { name: 'Action', value: this.ingress.method },
      { name: 'Canister', value: principalText(this.ingress.canister) },
      { name: 'Content-Type', value: 'application/candid' },
    ]
  }
}
