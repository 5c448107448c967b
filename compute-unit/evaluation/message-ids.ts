import {
  type AssignmentOutline,
  type CallRequest,
  decodeIngress,
  domainPrefix,
  type EnvelopeOutline,
  envelopeId,
  fromBase64Url,
  type Piece,
  pieceOfAll,
  type RequestEnvelope,
  sha256Each,
  signatureBounds,
  viewOf,
} from '../../protocol/index.ts'
import type { Place } from './guest-messages.ts'

const PUSH = domainPrefix('atoll/push/1')
const NO_BYTES = new Uint8Array(0)

/** The ids of the items and pushes of one frame, hashed all at once. */
export class MessageIds {
  /** Digests of items, and those of pushes. */
  readonly #items: Uint8Array
  readonly #pushes: Uint8Array
  /** Requests of the IC, by position: their ids are hashes of what is in them, not of their bytes. */
  #requests: Map<number, RequestEnvelope<CallRequest>> | undefined
  /** By position in the frame: where its digest lies among those of items; -1 less that for those of pushes. */
  readonly #places: number[]

  /** `isGood` tells at which positions there is something well-formed. */
  constructor(
    frameBytes: Uint8Array,
    assignments: readonly AssignmentOutline[],
    isGood: (position: number) => boolean,
  ) {
    const [items, pushes]: [number[], number[]] = [[], []]
    this.#places = new Array<number>(assignments.length)
    for (let position = 0; position < assignments.length; position++) {
      const envelope = assignments[position]?.envelope
      this.#places[position] = envelope?.kind === 'push' ? -1 - pushes.length / 2 : items.length / 2
      if (envelope === undefined || !isGood(position)) continue
      if (envelope.kind === 'item') {
        const [start, end] = signatureBounds(envelope.item)
        const at = envelope.item.byteOffset - frameBytes.byteOffset
        items.push(at + start, at + end)
      } else if (envelope.kind === 'push') {
        pushes.push(envelope.core.start, envelope.core.end)
      } else if (envelope.kind === 'ingress') {
        this.#requests ??= new Map()
        this.#requests.set(position, decodeIngress(envelope.bytes))
      }
    }
    const hashed = (prefix: Uint8Array, bounds: readonly number[]): Uint8Array =>
      bounds.length === 0 ? NO_BYTES : sha256Each(prefix, frameBytes, bounds)
    this.#items = hashed(NO_BYTES, items)
    this.#pushes = hashed(PUSH, pushes)
  }

  /** The request of the IC at this position. */
  requestAt(position: number): RequestEnvelope<CallRequest> | undefined {
    return this.#requests?.get(position)
  }

  /** The id of the item or push at this position: 32 bytes, of no meaning for anything else. */
  at(position: number): Piece {
    const request = this.#requests?.get(position)
    if (request !== undefined) return pieceOfAll(request.id)
    const place = this.#places[position] ?? 0
    const start = 32 * (place < 0 ? -1 - place : place)
    return { bytes: place < 0 ? this.#pushes : this.#items, start, end: start + 32 }
  }
}

/** The id by which a result names what stands in its slot; `digest` is that of an item, a push or a request. */
export function messageId(envelope: EnvelopeOutline, digest: Piece, { process, slot }: Place): Uint8Array | undefined {
  if (envelope.kind === 'item' || envelope.kind === 'push' || envelope.kind === 'ingress') return viewOf(digest)
  return envelope.kind === 'assign' ? fromBase64Url(envelopeId(envelope.message, process.id, slot)) : undefined
}
