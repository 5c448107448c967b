import { CborReader, CborWriter, MalformedBytes, PEER_PART_MIN_BYTES, readSmall } from '../../protocol/index.ts'

/**
 * What stands in a frame between two nodes: a CBOR array whose first entry is its kind. Ids are given by whoever asks,
 * counting up from 0, and either side asks over the same stream; payloads that are long come in parts, the last with
 * `more` false. Byte for byte: docs/protocol/peers.md.
 */
export type LinkFrame =
  | {
      readonly kind: 'ask'
      readonly id: number
      readonly operation: string
      readonly waitMs: number
      readonly payload: Uint8Array
      readonly more: boolean
    }
  | {
      readonly kind: 'ask-part'
      readonly id: number
      readonly payload: Uint8Array
      readonly more: boolean
    }
  | {
      readonly kind: 'answer'
      readonly id: number
      readonly payload: Uint8Array
      readonly more: boolean
    }
  | { readonly kind: 'failure'; readonly id: number; readonly payload: Uint8Array }
  | { readonly kind: 'cancel'; readonly id: number }
  /** Where an operation gives many answers: that was the last. */
  | { readonly kind: 'end'; readonly id: number }
  /** And: so many more may be sent. */
  | { readonly kind: 'credit'; readonly id: number; readonly count: number }

/** Of the name of an operation. */
const NAME_MAX_CHARACTERS = 64

const KINDS = ['ask', 'ask-part', 'answer', 'failure', 'cancel', 'end', 'credit'] as const
const FIELDS: Readonly<Record<LinkFrame['kind'], number>> = {
  ask: 6,
  'ask-part': 4,
  answer: 4,
  failure: 3,
  cancel: 2,
  end: 2,
  credit: 3,
}

export function encodeLinkFrame(frame: LinkFrame): Uint8Array {
  const writer = new CborWriter()
  writer.array(FIELDS[frame.kind])
  writer.uint(KINDS.indexOf(frame.kind))
  writer.uint(frame.id)
  switch (frame.kind) {
    case 'ask':
      writer.text(frame.operation)
      writer.uint(frame.waitMs)
      writer.bytes(frame.payload)
      writer.bool(frame.more)
      break
    case 'ask-part':
    case 'answer':
      writer.bytes(frame.payload)
      writer.bool(frame.more)
      break
    case 'failure':
      writer.bytes(frame.payload)
      break
    case 'credit':
      writer.uint(frame.count)
      break
    default:
  }
  return writer.finish()
}

/** Payloads are views of `bytes`. @throws {MalformedBytes} */
export function decodeLinkFrame(bytes: Uint8Array): LinkFrame {
  const reader = new CborReader(bytes)
  const fields = reader.array()
  const kind = KINDS[readSmall(reader)]
  if (kind === undefined || fields !== FIELDS[kind]) throw new MalformedBytes('link frame: unknown kind', 0)
  const id = readSmall(reader)
  const frame = readRest(reader, kind, id)
  reader.end()
  if ('more' in frame && frame.more && frame.payload.length < PEER_PART_MIN_BYTES)
    throw new MalformedBytes('link frame: a part too short to be followed by another', 0)
  return frame
}

function nameIn(reader: CborReader): string {
  const name = reader.text()
  if (name.length > NAME_MAX_CHARACTERS) throw new MalformedBytes('link frame: no name of an operation', reader.offset)
  return name
}

function readRest(reader: CborReader, kind: LinkFrame['kind'], id: number): LinkFrame {
  switch (kind) {
    case 'ask':
      return {
        kind,
        id,
        operation: nameIn(reader),
        waitMs: readSmall(reader),
        payload: reader.bytes(),
        more: reader.bool(),
      }
    case 'ask-part':
    case 'answer':
      return { kind, id, payload: reader.bytes(), more: reader.bool() }
    case 'failure':
      return { kind, id, payload: reader.bytes() }
    case 'credit':
      return { kind, id, count: readSmall(reader) }
    default:
      return { kind, id }
  }
}
