import { MalformedBytes, toBase64Url } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { parseDataItem } from '../items/data-item.ts'
import { blockHash } from './feed-head.ts'
import { decodeIngress } from '../ic/request-envelope.ts'
import { asMessageId, asProcessId, type MessageId, type ProcessId, type Slot } from '../ids.ts'
import { FRAME_ASSIGNMENTS_MAX } from '../limits/limits.ts'
import { domainHash } from '../crypto/merkle.ts'
import { type Piece, viewOf } from '../codec/piece.ts'
import { decodePushCore, type Push, type PushProof, pushId, readId, readSmall } from '../process/push.ts'
import { decodePushProof, writePushProof } from '../process/push-proof.ts'

/**
 * What may stand in a feed, and the block it stands in.
 *
 * 1. A frame holds consecutive slots: `[1, first slot, [assignment, …]]`; slot = first slot + position.
 * 2. An assignment is `[timestamp in ms, envelope]`; timestamps never decrease along a feed.
 * 3. An envelope is an array whose first entry is its kind. Bytes that somebody signed stay byte for byte.
 */
export type Envelope =
  | { readonly kind: 'item'; readonly item: Uint8Array }
  /** Without a proof, the scheduler of the feed attests the push by signing the block: see `refuteVouched`. */
  | { readonly kind: 'push'; readonly push: Push; readonly proof: PushProof | undefined }
  | { readonly kind: 'tick'; readonly timer: Uint8Array; readonly dueMs: number }
  | { readonly kind: 'reject'; readonly from: ProcessId; readonly seq: number; readonly reason: string }
  /** A message of another process, item or push, that stands here too: AO's assignment. */
  | { readonly kind: 'assign'; readonly message: ItemOrPush; readonly exclude: readonly string[] }
  /** A request of a client of the IC, byte for byte as it was signed. */
  | { readonly kind: 'ingress'; readonly bytes: Uint8Array }

/** What can stand in other feeds too: it proves itself. */
export type ItemOrPush =
  | Extract<Envelope, { kind: 'item' }>
  | { readonly kind: 'push'; readonly push: Push; readonly proof: PushProof }

const KINDS = ['item', 'push', 'tick', 'reject', 'assign', 'ingress'] as const

/** "This envelope has slot n of process P, at time t"; the slot is told by the frame. */
export interface Assignment {
  readonly timestampMs: number
  readonly envelope: Envelope
}

/** One block of a process's feed. */
export interface Frame {
  readonly firstSlot: Slot
  readonly assignments: readonly Assignment[]
}

/** An envelope whose push and proof are still bytes. */
export type EnvelopeOutline =
  | Exclude<Envelope, { kind: 'push' }>
  | {
      readonly kind: 'push'
      readonly core: Piece
      readonly body: Piece
      readonly proof: Piece | undefined
    }

export interface AssignmentOutline {
  readonly timestampMs: number
  readonly envelope: EnvelopeOutline
}

export interface FrameOutline {
  readonly firstSlot: Slot
  readonly assignments: readonly AssignmentOutline[]
}

/** Encodes one envelope, as it stands in a frame. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const writer = new CborWriter()
  writeEnvelope(writer, envelope)
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const reader = new CborReader(bytes)
  const envelope = readEnvelope(reader)
  reader.end()
  return envelope
}

/** Encodes a frame from envelopes, or encoded ones, in slot order. */
export function encodeFrame(
  firstSlot: Slot,
  assignments: readonly (Assignment | { readonly timestampMs: number; readonly envelopeBytes: Uint8Array })[],
): Uint8Array {
  const writer = new CborWriter()
  writer.array(3)
  writer.uint(1)
  writer.uint(firstSlot)
  writer.array(assignments.length)
  for (const assignment of assignments) {
    writer.array(2)
    writer.uint(assignment.timestampMs)
    if ('envelope' in assignment) writeEnvelope(writer, assignment.envelope)
    else writer.raw(assignment.envelopeBytes)
  }
  return writer.finish()
}

/** The first slot and the number of assignments of a frame, without decoding them. @throws {MalformedBytes} */
export function readFrameHead(bytes: Uint8Array): { firstSlot: Slot; count: number } {
  const reader = new CborReader(bytes)
  return readHead(reader)
}

/** @throws {MalformedBytes} */
export function decodeFrame(bytes: Uint8Array): Frame {
  return readFrame(bytes, readEnvelope)
}

/** A frame of which only the parts of envelopes are told apart: what is in them was checked, or will be. @throws {MalformedBytes} */
export function outlineFrame(bytes: Uint8Array): FrameOutline {
  return readFrame(bytes, readOutline)
}

/** One assignment of a frame; the others are only passed by. @throws {MalformedBytes} */
export function assignmentAt(bytes: Uint8Array, position: number): Assignment {
  const reader = new CborReader(bytes)
  readHead(reader)
  reader.pass(position)
  if (reader.array() !== 2) throw new MalformedBytes('assignment: expected 2 fields', reader.offset)
  return { timestampMs: readSmall(reader), envelope: readEnvelope(reader) }
}

function readFrame<E>(
  bytes: Uint8Array,
  read: (reader: CborReader) => E,
): { firstSlot: Slot; assignments: { timestampMs: number; envelope: E }[] } {
  const reader = new CborReader(bytes)
  const { firstSlot, count } = readHead(reader)
  const assignments: { timestampMs: number; envelope: E }[] = []
  for (let i = 0; i < count; i++) {
    if (reader.array() !== 2) throw new MalformedBytes('assignment: expected 2 fields', reader.offset)
    assignments.push({ timestampMs: readSmall(reader), envelope: read(reader) })
  }
  reader.end()
  return { firstSlot, assignments }
}

function readHead(reader: CborReader): { firstSlot: Slot; count: number } {
  if (reader.array() !== 3) throw new MalformedBytes('frame: expected 3 fields', 0)
  if (reader.uint() !== 1) throw new MalformedBytes('frame: unknown version', reader.offset)
  const firstSlot = readSmall(reader)
  const count = reader.array()
  if (count < 1 || count > FRAME_ASSIGNMENTS_MAX) throw new MalformedBytes('frame: bad count', reader.offset)
  return { firstSlot, count }
}

/**
 * By which a certificate names a frame: the leaf of its block in the tree of its feed. So what compute units attest and
 * what schedulers sign meet in one hash, and a proof need not carry the frame.
 */
export function frameHash(bytes: Uint8Array): Uint8Array {
  return blockHash(bytes)
}

/** The id by which an envelope in slot `slot` of `process` is known: the message's own, or one made from its place. */
export function envelopeId(envelope: Envelope, process: ProcessId, slot: Slot): MessageId {
  switch (envelope.kind) {
    case 'item':
      return asMessageId(parseDataItem(envelope.item).id)
    case 'push':
      return pushId(envelope.push.coreBytes)
    case 'assign':
      return envelopeId(envelope.message, process, slot)
    case 'ingress':
      return requestMessageId(decodeIngress(envelope.bytes).id)
    case 'tick':
    case 'reject':
      return placeId(process, slot)
  }
}

/** A request of the IC is known by its request id: who repeats it, however signed, repeats the message. */
export function requestMessageId(requestId: Uint8Array): MessageId {
  return asMessageId(toBase64Url(requestId))
}

/** The id of what stands in a slot without an id of its own: ticks and rejects. */
export function placeId(process: ProcessId, slot: Slot): MessageId {
  const writer = new CborWriter()
  writer.array(2)
  writer.base64Url(process)
  writer.uint(slot)
  return asMessageId(toBase64Url(writer.lend(place => domainHash('atoll/place/1', place))))
}

function writeEnvelope(writer: CborWriter, envelope: Envelope): void {
  const kind = KINDS.indexOf(envelope.kind)
  switch (envelope.kind) {
    case 'item':
      writer.array(2)
      writer.uint(kind)
      writer.bytes(envelope.item)
      return
    case 'push':
      writer.array(4)
      writer.uint(kind)
      writer.bytes(envelope.push.coreBytes)
      writer.bytes(envelope.push.bodyBytes)
      if (envelope.proof === undefined) writer.null()
      else writePushProof(writer, envelope.proof)
      return
    case 'tick':
      writer.array(3)
      writer.uint(kind)
      writer.bytes(envelope.timer)
      writer.uint(envelope.dueMs)
      return
    case 'reject':
      writer.array(4)
      writer.uint(kind)
      writer.base64Url(envelope.from)
      writer.uint(envelope.seq)
      writer.text(envelope.reason)
      return
    case 'assign':
      writer.array(3)
      writer.uint(kind)
      writeEnvelope(writer, envelope.message)
      writer.array(envelope.exclude.length)
      for (const name of envelope.exclude) writer.text(name)
      return
    case 'ingress':
      writer.array(2)
      writer.uint(kind)
      writer.bytes(envelope.bytes)
      return
  }
}

function readEnvelope(reader: CborReader): Envelope {
  return wholeEnvelope(readOutline(reader))
}

/** Decodes what an outline left as bytes. @throws {MalformedBytes} */
export function wholeEnvelope(outline: EnvelopeOutline): Envelope {
  if (outline.kind !== 'push') return outline
  const { kind, core, body, proof } = outline
  const coreBytes = viewOf(core)
  const push: Push = { core: decodePushCore(coreBytes), coreBytes, bodyBytes: viewOf(body) }
  return { kind, push, proof: proof && decodePushProof(viewOf(proof)) }
}

function readOutline(reader: CborReader): EnvelopeOutline {
  const fields = reader.array()
  const start = reader.offset
  const kind = KINDS[readSmall(reader)]
  switch (kind) {
    case 'item':
      expectFields(fields, 2, start)
      return { kind, item: reader.bytes() }
    case 'push':
      expectFields(fields, 4, start)
      return { kind, core: reader.piece(), body: reader.piece(), proof: readProof(reader) }
    case 'tick':
      expectFields(fields, 3, start)
      return { kind, timer: reader.bytes(), dueMs: readSmall(reader) }
    case 'reject':
      expectFields(fields, 4, start)
      return { kind, from: asProcessId(readId(reader)), seq: readSmall(reader), reason: reader.text() }
    case 'assign': {
      expectFields(fields, 3, start)
      const message = readEnvelope(reader)
      const exclude: string[] = []
      const names = reader.array()
      for (let i = 0; i < names; i++) exclude.push(reader.text())
      return { kind, message: assignable(message, start), exclude }
    }
    case 'ingress':
      expectFields(fields, 2, start)
      return { kind, bytes: reader.bytes() }
    default:
      throw new MalformedBytes('envelope: unknown kind', start)
  }
}

function expectFields(fields: number, count: number, start: number): void {
  if (fields !== count) throw new MalformedBytes(`envelope: expected ${count} fields`, start)
}

function assignable(message: Envelope, start: number): ItemOrPush {
  if (message.kind === 'item') return message
  if (message.kind === 'push' && message.proof !== undefined) return { ...message, proof: message.proof }
  throw new MalformedBytes('assign: expected an item, or a push with its proof', start)
}

function readProof(reader: CborReader): Piece | undefined {
  if (!reader.isNull()) return reader.piece()
  reader.null()
  return undefined
}
