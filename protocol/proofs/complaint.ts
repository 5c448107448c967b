/**
 * A signed message has no receipt, though it was handed in long ago.
 *
 * `[1, 2, bytes item, uint since, uint until, bytes witness, bytes signature]`
 *
 * 1. The item is for a process, or makes one, and its signature holds: whoever signed it wanted it in that feed.
 * 2. The witness, a node or a client, says that it handed it in at `since` and had no receipt by `until` (milliseconds since
 *    1970), and signs `utf8("atoll/complaint/1") ‖ 0x00 ‖` all before the signature. That is its word: a complaint proves no fault.
 * 3. It is settled once the message stands in the feed. Many that stay open, by many witnesses, are a reason to hand over.
 */
import { MalformedBytes, toUtf8 } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { ed25519Sign, ed25519Verify } from '../crypto/crypto.ts'
import { type DataItem, parseDataItem, verifyDataItem } from '../items/data-item.ts'
import { asMessageId, asProcessId, isId, type MessageId, type ProcessId } from '../ids.ts'
import { readHash, readSmall } from '../process/push.ts'
import { typeOf } from '../items/tags.ts'

export interface Complaint {
  readonly item: Uint8Array
  readonly sinceMs: number
  readonly untilMs: number
  /** Ed25519 key, 32 bytes. */
  readonly witness: Uint8Array
  readonly signature: Uint8Array
}

/** Whose message is complained about, and where it should stand. */
export interface ComplaintFacts {
  readonly message: MessageId
  readonly process: ProcessId
}

/** @throws {MalformedBytes} on anything but a signed item for a process; `RangeError` on a seed of another length */
export function makeComplaint(
  parts: Omit<Complaint, 'signature' | 'witness'> & { readonly witness: { key: Uint8Array; seed: Uint8Array } },
): Complaint {
  const { witness, ...rest } = parts
  const body = { ...rest, witness: witness.key }
  return { ...body, signature: ed25519Sign(witness.seed, signedPart(body)) }
}

/** Gives what it is about, or the reason it is none. */
export function readComplaint(complaint: Complaint): ComplaintFacts | string {
  const { item: bytes, sinceMs, untilMs, witness, signature } = complaint
  if (!(sinceMs < untilMs)) return 'nobody has waited'
  if (!ed25519Verify(witness, signedPart(complaint), signature)) return 'the witness has not signed it'
  const item = parseDataItem(bytes)
  if (!verifyDataItem(item)) return 'the signature of the message does not hold'
  return factsOf(item)
}

/** What a complaint is about that was checked before. */
export function complaintFacts({ item }: Complaint): ComplaintFacts | string {
  return factsOf(parseDataItem(item))
}

function factsOf(item: DataItem): ComplaintFacts | string {
  const process = typeOf(item.tags) === 'Process' ? item.id : item.target
  if (process === undefined || !isId(process)) return 'the message is for no process'
  return { message: asMessageId(item.id), process: asProcessId(process) }
}

function signedPart(body: Omit<Complaint, 'signature'>): Uint8Array {
  const writer = new CborWriter()
  writer.raw(toUtf8('atoll/complaint/1\0'))
  writeBody(writer, body, 6)
  return writer.finish()
}

function writeBody(
  writer: CborWriter,
  { item, sinceMs, untilMs, witness }: Omit<Complaint, 'signature'>,
  fields: number,
): void {
  writer.array(fields)
  writer.uint(1)
  writer.uint(2)
  writer.bytes(item)
  writer.uint(sinceMs)
  writer.uint(untilMs)
  writer.bytes(witness)
}

export function encodeComplaint(complaint: Complaint): Uint8Array {
  const writer = new CborWriter()
  writeBody(writer, complaint, 7)
  writer.bytes(complaint.signature)
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeComplaint(bytes: Uint8Array): Complaint {
  const reader = new CborReader(bytes)
  if (reader.array() !== 7) throw new MalformedBytes('complaint: expected 7 fields', 0)
  if (reader.uint() !== 1 || reader.uint() !== 2) throw new MalformedBytes('complaint: unknown version', reader.offset)
  const item = reader.bytes()
  const [sinceMs, untilMs, witness, signature] = [
    readSmall(reader),
    readSmall(reader),
    readHash(reader),
    reader.bytes(),
  ]
  reader.end()
  return { item, sinceMs, untilMs, witness, signature }
}
