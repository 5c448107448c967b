import { MalformedBytes, toBase64Url } from './bytes.ts'
import { idText } from './id-text.ts'
import { CborReader, CborWriter } from './cbor.ts'
import type { Certificate } from './certificate.ts'
import { sha256 } from './crypto.ts'
import { asMessageId, asProcessId, type MessageId, type ProcessId, type Slot } from './ids.ts'
import { domainHash, type MerklePath } from './merkle.ts'
import { readTags, type Tag, writeTags } from './message-tags.ts'
import { plainTagsEnd } from './plain-tags.ts'

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
  return asProcessId(toBase64Url(domainHash('atoll/spawn/1', writer.finish())))
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
  const { originBytes, ...core } = outlinePushCore(bytes)
  return { ...core, origin: asMessageId(toBase64Url(originBytes)) }
}

/** A core whose origin, which differs from message to message, is still bytes. */
export interface PushCoreOutline extends Omit<PushCore, 'origin'> {
  readonly originBytes: Uint8Array
}

/** @throws {MalformedBytes} */
export function outlinePushCore(bytes: Uint8Array): PushCoreOutline {
  const reader = new CborReader(bytes)
  if (reader.array() !== 10) throw new MalformedBytes('push core: expected 10 fields', 0)
  if (reader.uint() !== 1) throw new MalformedBytes('push core: unknown version', reader.offset)
  const core: PushCoreOutline = {
    from: asProcessId(readId(reader)),
    slot: readSmall(reader),
    index: readSmall(reader),
    seq: readSmall(reader),
    to: asProcessId(readId(reader)),
    depth: readSmall(reader),
    fuel: BigInt(reader.uint()),
    originBytes: readHash(reader),
    bodyHash: readHash(reader),
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
export interface PushBodyOutline extends Omit<PushBody, 'tags'> {
  readonly tagsBytes: Uint8Array
}

const ARRAY_OF_FOUR = 0x84

/** What `decodePushBody` gives but for the tags; nothing, if they are not plain. @throws {MalformedBytes} as it does */
export function outlinePushBody(bytes: Uint8Array): PushBodyOutline | undefined {
  const [first, kind] = [bytes[0], bytes[1]]
  if (first !== ARRAY_OF_FOUR || (kind !== 0 && kind !== 1)) return undefined
  const end = plainTagsEnd(bytes, 2)
  if (end === 0) return undefined
  const rest = readDataAndAnchor(new CborReader(bytes.subarray(end)))
  return {
    kind: kind === 0 ? 'message' : 'spawn',
    tagsBytes: bytes.subarray(2, end),
    data: rest.data,
    anchor: rest.anchor,
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
  const anchor = reader.isNull() ? reader.null() : reader.bytes()
  reader.end()
  return { data, anchor: anchor ?? undefined }
}

/** Whether a push makes a child; the rest of its body is not looked at. @throws {MalformedBytes} */
export function isSpawn({ bodyBytes }: Pick<Push, 'bodyBytes'>): boolean {
  const reader = new CborReader(bodyBytes)
  if (reader.array() !== 4) throw new MalformedBytes('push body: expected 4 fields', 0)
  return reader.uint() === 1
}

/** Reads 32 bytes as an id. */
export function readId(reader: CborReader): string {
  return idText(readHash(reader))
}

/** Reads a byte string of 32 bytes. */
export function readHash(reader: CborReader): Uint8Array {
  const bytes = reader.bytes()
  if (bytes.length !== 32) throw new MalformedBytes('expected 32 bytes', reader.offset)
  return bytes
}

/** Reads an unsigned integer that fits a number. */
export function readSmall(reader: CborReader): number {
  const value = reader.uint()
  if (typeof value !== 'number') throw new MalformedBytes('expected an integer below 2^53', reader.offset)
  return value
}
