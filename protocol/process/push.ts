import { MalformedBytes, toBase64Url } from '../codec/bytes.ts'
import { idText } from '../codec/id-text.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import type { Certificate } from '../results/certificate.ts'
import { sha256 } from '../crypto/crypto.ts'
import { asMessageId, asProcessId, type MessageId, type ProcessId, type Slot } from '../ids.ts'
import { domainHash, type MerklePath } from '../crypto/merkle.ts'
import { readTags, type Tag, writeTags } from '../items/message-tags.ts'
import { type Piece, pieceOfAll, viewOf } from '../codec/piece.ts'
import { plainTagsEnd } from '../items/plain-tags.ts'
import { toBigInt } from '../codec/quick-bigint.ts'

/** What one process says to another, or what makes a child. */
export interface PushBody {
  readonly kind: 'message' | 'spawn'
  readonly tags: readonly Tag[]
  readonly data: Uint8Array
  /** Bytes the sender chose; AO programs put a reference there. */
  readonly anchor: Uint8Array | undefined
}

/** The certified part of a push: who sent what to whom, as what, and what it may spend. */
export interface PushCore {
  readonly from: ProcessId
  /** The slot of `from` whose result asks for this push. */
  readonly slot: Slot
  /** Position in that result's outbox. */
  readonly index: number
  /** Position in all that `from` ever sent to `to`: from 0, without gaps. The dedupe key is (from, to, seq). */
  readonly seq: number
  readonly to: ProcessId
  /** 1 for what a user message caused, 2 for what that caused, and so on. */
  readonly depth: number
  /** Gas this message and all it causes may spend. */
  readonly fuel: bigint
  /** The user message, tick or assignment at the root of the tree. */
  readonly origin: MessageId
  readonly bodyHash: Uint8Array
}

/** A push as it leaves an outbox: its core and body, byte for byte as certified. */
export interface Push {
  readonly core: PushCore
  readonly coreBytes: Uint8Array
  readonly bodyBytes: Uint8Array
}

/** What shows that the compute units of the sender attest a push. */
export interface PushProof {
  /** The head of the result, whose outbox root covers the core. */
  readonly resultHead: Uint8Array
  readonly outboxPath: MerklePath
  readonly resultPath: MerklePath
  readonly certificate: Certificate
  readonly certificateBytes: Uint8Array
  /** Signatures of compute units over the certificate, by position in the sender's policy, ascending. */
  readonly signatures: readonly { readonly unit: number; readonly signature: Uint8Array }[]
}

/** The id of a push: nobody can choose it, and two couriers make the same. */
export function pushId(coreBytes: Uint8Array): MessageId {
  return asMessageId(toBase64Url(domainHash('atoll/push/1', coreBytes)))
}

/** The id of a child: a function of who spawned it, in which slot, as which entry of the outbox. */
export function childId(parent: ProcessId, slot: Slot, index: number): ProcessId {
  const writer = new CborWriter()
  writer.array(3)
  writer.base64Url(parent)
  writer.uint(slot)
  writer.uint(index)
  return asProcessId(toBase64Url(writer.lend(place => domainHash('atoll/spawn/1', place))))
}

/** Makes a push from its parts; `bodyHash` is computed. */
export function makePush(core: Omit<PushCore, 'bodyHash'>, body: PushBody): Push {
  const bodyBytes = encodePushBody(body)
  const whole: PushCore = { ...core, bodyHash: sha256(bodyBytes) }
  return { core: whole, coreBytes: encodePushCore(whole), bodyBytes }
}

function encodePushCore(core: PushCore): Uint8Array {
  const writer = new CborWriter()
  writer.array(10)
  writer.uint(1)
  writer.base64Url(core.from)
  writer.uint(core.slot)
  writer.uint(core.index)
  writer.uint(core.seq)
  writer.base64Url(core.to)
  writer.uint(core.depth)
  writer.uint(core.fuel)
  writer.base64Url(core.origin)
  writer.bytes(core.bodyHash)
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodePushCore(bytes: Uint8Array): PushCore {
  const { originAt, bodyHashAt, ...core } = outlinePushCore(pieceOfAll(bytes))
  const origin = asMessageId(toBase64Url(bytes.subarray(originAt, originAt + HASH_BYTES)))
  return { ...core, origin, bodyHash: bytes.subarray(bodyHashAt, bodyHashAt + HASH_BYTES) }
}

/** A core whose hashes, which differ from message to message, are still where they lie, 32 bytes each. */
export interface PushCoreOutline extends Omit<PushCore, 'origin' | 'bodyHash'> {
  readonly originAt: number
  readonly bodyHashAt: number
}

const HASH_BYTES = 32

/** @throws {MalformedBytes} */
export function outlinePushCore({ bytes, start, end }: Piece): PushCoreOutline {
  const reader = new CborReader(bytes, start, end)
  if (reader.array() !== 10) throw new MalformedBytes('push core: expected 10 fields', 0)
  if (reader.uint() !== 1) throw new MalformedBytes('push core: unknown version', reader.offset)
  const core: PushCoreOutline = {
    from: asProcessId(readId(reader)),
    slot: readSmall(reader),
    index: readSmall(reader),
    seq: readSmall(reader),
    to: asProcessId(readId(reader)),
    depth: readSmall(reader),
    fuel: readBig(reader),
    originAt: hashPiece(reader).start,
    bodyHashAt: hashPiece(reader).start,
  }
  reader.end()
  return core
}

function encodePushBody(body: PushBody): Uint8Array {
  const writer = new CborWriter()
  writer.array(4)
  writer.uint(body.kind === 'message' ? 0 : 1)
  writeTags(writer, body.tags)
  writer.bytes(body.data)
  if (body.anchor === undefined) writer.null()
  else writer.bytes(body.anchor)
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodePushBody(bytes: Uint8Array): PushBody {
  const reader = new CborReader(bytes)
  const kind = readKind(reader)
  const tags = readTags(reader)
  return { kind, tags, ...readDataAndAnchor(reader) }
}

/** The body of a push whose tags are plain, which are still bytes. */
export interface PushBodyOutline extends Pick<PushBody, 'kind' | 'anchor'> {
  readonly tagsPiece: Piece
  readonly dataPiece: Piece
}

const ARRAY_OF_FOUR = 0x84

/** What `decodePushBody` gives but for tags and data; nothing, if tags are not plain. @throws {MalformedBytes} as it does */
export function outlinePushBody({ bytes, start, end }: Piece): PushBodyOutline | undefined {
  const [first, kind] = [bytes[start], bytes[start + 1]]
  if (end - start < 2 || first !== ARRAY_OF_FOUR || (kind !== 0 && kind !== 1)) return undefined
  const tagsEnd = plainTagsEnd(bytes, start + 2, end)
  if (tagsEnd === 0) return undefined
  const reader = new CborReader(bytes, tagsEnd, end)
  const dataPiece = reader.piece()
  const anchor = readAnchor(reader)
  return {
    kind: kind === 0 ? 'message' : 'spawn',
    tagsPiece: { bytes, start: start + 2, end: tagsEnd },
    dataPiece,
    anchor,
  }
}

function readKind(reader: CborReader): PushBody['kind'] {
  if (reader.array() !== 4) throw new MalformedBytes('push body: expected 4 fields', 0)
  const kind = reader.uint()
  if (kind !== 0 && kind !== 1) throw new MalformedBytes('push body: unknown kind', reader.offset)
  return kind === 0 ? 'message' : 'spawn'
}

function readDataAndAnchor(reader: CborReader): Pick<PushBody, 'data' | 'anchor'> {
  const data = reader.bytes()
  return { data, anchor: readAnchor(reader) }
}

function readAnchor(reader: CborReader): Uint8Array | undefined {
  const anchor = reader.isNull() ? reader.null() : reader.bytes()
  reader.end()
  return anchor ?? undefined
}

/** Whether a push makes a child; the rest of its body is not looked at. @throws {MalformedBytes} */
export function isSpawn({ bodyBytes }: Pick<Push, 'bodyBytes'>): boolean {
  const reader = new CborReader(bodyBytes)
  if (reader.array() !== 4) throw new MalformedBytes('push body: expected 4 fields', 0)
  return reader.uint() === 1
}

/** Reads 32 bytes as an id. */
export function readId(reader: CborReader): string {
  const { bytes, start } = hashPiece(reader)
  return idText(bytes, start)
}

function hashPiece(reader: CborReader): Piece {
  const piece = reader.piece()
  if (piece.end - piece.start !== HASH_BYTES) throw new MalformedBytes('expected 32 bytes', reader.offset)
  return piece
}

/** Reads a byte string of 32 bytes. */
export function readHash(reader: CborReader): Uint8Array {
  return viewOf(hashPiece(reader))
}

function readBig(reader: CborReader): bigint {
  const value = reader.uint()
  return typeof value === 'number' ? toBigInt(value) : value
}

/** Reads an unsigned integer that fits a number. */
export function readSmall(reader: CborReader): number {
  const value = reader.uint()
  if (typeof value !== 'number') throw new MalformedBytes('expected an integer below 2^53', reader.offset)
  return value
}
