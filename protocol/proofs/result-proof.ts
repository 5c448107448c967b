import { MalformedBytes } from '../codec/bytes.ts'
import { CborReader, CborWriter } from '../codec/cbor.ts'
import { type FeedInclusion, readInclusion, writeInclusion } from '../feeds/feed-inclusion.ts'
import { EPOCHS_MAX, LINEAGE_MAX, PROOF_SIZE_MAX_BYTES } from '../limits/limits.ts'
import type { MerklePath } from '../crypto/merkle.ts'
import { readSmall } from '../process/push.ts'
import { readPath, writePath } from '../process/push-proof.ts'
import { resultHeadOf } from '../results/result.ts'

/**
 * All that proves one result to whoever knows the process, in one piece of bytes:
 *
 * `[1, [bytes spawn envelope, …], inclusion, bytes signature of the head, bytes certificate, [uint unit, bytes signature, …],
 * bytes result head or null, bytes result or null, path, message or null]`; behind that `[bytes epoch item, …]`, if the process or an
 * ancestor was handed over, and `[[bytes epoch item, …], …]` of the ancestors, nearest first, up to the eldest that was
 *
 * 1. Spawn envelopes are those of the process and of its ancestors, nearest first.
 * 2. The frame hash in the certificate is the leaf whose inclusion is shown; so the frame is not needed.
 * 3. Either the head of the result is there, or the whole result, which holds it.
 * 4. Epoch items are those by which the process was handed over, that of epoch 1 first, up to the feed in question.
 * 5. The message is `[bytes item]`, or `[bytes core, bytes body]` of a push: what the id in the head names.
 */
export interface ResultProof {
  readonly spawns: readonly Uint8Array[]
  readonly inclusion: FeedInclusion
  /** Over the first `inclusion.length` blocks of the feed, by as many of its signers as it asks for. */
  readonly headSignature: Uint8Array
  readonly certificateBytes: Uint8Array
  /** By position in the process's policy, ascending. */
  readonly signatures: readonly { readonly unit: number; readonly signature: Uint8Array }[]
  readonly resultHead: Uint8Array
  /** As stored, if it was brought along. */
  readonly result: Uint8Array | undefined
  readonly resultPath: MerklePath
  readonly message: ProvenMessage | undefined
  /** Signed items of epoch records of the process and of its ancestors, as far as there are some, in the order of `spawns`. */
  readonly epochs?: readonly (readonly Uint8Array[])[] | undefined
}

/** What a signer signed, or compute units certified. */
export type ProvenMessage =
  | { readonly kind: 'item'; readonly item: Uint8Array }
  | { readonly kind: 'push'; readonly coreBytes: Uint8Array; readonly bodyBytes: Uint8Array }

/** Signatures on one certificate: no policy names more units. */
const SIGNATURES_MAX = 256

export function encodeResultProof(proof: ResultProof): Uint8Array {
  const writer = new CborWriter()
  const epochs = withoutEnd(proof.epochs ?? [])
  writer.array(10 + Math.min(epochs.length, 2))
  writer.uint(1)
  writer.array(proof.spawns.length)
  for (const envelope of proof.spawns) writer.bytes(envelope)
  writeInclusion(writer, proof.inclusion)
  writer.bytes(proof.headSignature)
  writer.bytes(proof.certificateBytes)
  writer.array(proof.signatures.length * 2)
  for (const { unit, signature } of proof.signatures) {
    writer.uint(unit)
    writer.bytes(signature)
  }
  if (proof.result === undefined) writer.bytes(proof.resultHead)
  else writer.null()
  if (proof.result === undefined) writer.null()
  else writer.bytes(proof.result)
  writePath(writer, proof.resultPath)
  writeMessage(writer, proof.message)
  const [own, ...ofAncestors] = epochs
  if (own !== undefined) writeItems(writer, own)
  if (ofAncestors.length > 0) writer.array(ofAncestors.length)
  for (const items of ofAncestors) writeItems(writer, items)
  return writer.finish()
}

/** Takes a proof apart; whether anything in it holds is for `checkProof`. @throws {MalformedBytes} */
export function decodeResultProof(bytes: Uint8Array): ResultProof {
  if (bytes.length > PROOF_SIZE_MAX_BYTES) throw new MalformedBytes(`proof: more than ${PROOF_SIZE_MAX_BYTES} bytes`, 0)
  const reader = new CborReader(bytes)
  const fields = reader.array()
  if (fields < 10 || fields > 12) throw new MalformedBytes('proof: expected 10 to 12 fields', 0)
  if (reader.uint() !== 1) throw new MalformedBytes('proof: unknown version', reader.offset)
  const spawns = readSpawns(reader)
  const inclusion = readInclusion(reader)
  const headSignature = reader.bytes()
  const certificateBytes = reader.bytes()
  const signatures = readSignatures(reader)
  const head = readOptional(reader)
  const result = readOptional(reader)
  const resultHead = result === undefined ? head : resultHeadOf(result)
  if (resultHead === undefined || (head !== undefined && result !== undefined)) {
    throw new MalformedBytes('proof: expected a head or a result', reader.offset)
  }
  const resultPath = readPath(reader)
  const message = readMessage(reader)
  const epochs = fields === 10 ? undefined : readEpochs(reader, fields === 12 ? spawns.length - 1 : undefined)
  reader.end()
  return {
    spawns,
    inclusion,
    headSignature,
    certificateBytes,
    signatures,
    resultHead,
    result,
    resultPath,
    message,
    epochs,
  }
}

/** Whether bytes begin as a proof does: told from an item or a spawn envelope, which a file may hold too. */
export function isResultProof(bytes: Uint8Array): boolean {
  return (bytes[0] === 0x8a || bytes[0] === 0x8b || bytes[0] === 0x8c) && bytes[1] === 1
}

function readSpawns(reader: CborReader): Uint8Array[] {
  const count = reader.array()
  if (count < 1 || count > LINEAGE_MAX) throw new MalformedBytes('proof: bad number of spawn messages', reader.offset)
  return Array.from({ length: count }, () => reader.bytes())
}

/** `ancestors`: how many there are, if some were handed over. */
function readEpochs(reader: CborReader, ancestors: number | undefined): Uint8Array[][] {
  const own = readItems(reader)
  const count = ancestors === undefined ? 0 : reader.array()
  if (count > (ancestors ?? 0)) throw new MalformedBytes('proof: epochs of nobody', reader.offset)
  const epochs = [own, ...Array.from({ length: count }, () => readItems(reader))]
  // One form alone.
  const isWhole = (count > 0 || ancestors === undefined) && epochs.at(-1)?.length !== 0
  if (!isWhole) throw new MalformedBytes('proof: epochs of nobody', reader.offset)
  return epochs
}

function writeItems(writer: CborWriter, items: readonly Uint8Array[]): void {
  writer.array(items.length)
  for (const item of items) writer.bytes(item)
}

function readItems(reader: CborReader): Uint8Array[] {
  const count = reader.array()
  if (count > EPOCHS_MAX) throw new MalformedBytes('proof: bad number of epochs', reader.offset)
  return Array.from({ length: count }, () => reader.bytes())
}

/** Up to the last of them that was handed over. */
function withoutEnd(epochs: readonly (readonly Uint8Array[])[]): readonly (readonly Uint8Array[])[] {
  return epochs.slice(0, epochs.findLastIndex(items => items.length > 0) + 1)
}

function readSignatures(reader: CborReader): { unit: number; signature: Uint8Array }[] {
  const parts = reader.array()
  if (parts % 2 !== 0 || parts > 2 * SIGNATURES_MAX)
    throw new MalformedBytes('proof: bad number of signatures', reader.offset)
  return Array.from({ length: parts / 2 }, () => ({
    unit: readSmall(reader),
    signature: reader.bytes(),
  }))
}

function readOptional(reader: CborReader): Uint8Array | undefined {
  return reader.isNull() ? (reader.null() ?? undefined) : reader.bytes()
}

function writeMessage(writer: CborWriter, message: ProvenMessage | undefined): void {
  if (message === undefined) {
    writer.null()
    return
  }
  const parts = message.kind === 'item' ? [message.item] : [message.coreBytes, message.bodyBytes]
  writer.array(parts.length)
  for (const part of parts) writer.bytes(part)
}

function readMessage(reader: CborReader): ProvenMessage | undefined {
  if (reader.isNull()) return reader.null() ?? undefined
  const parts = reader.array()
  if (parts === 1) return { kind: 'item', item: reader.bytes() }
  if (parts === 2) return { kind: 'push', coreBytes: reader.bytes(), bodyBytes: reader.bytes() }
  throw new MalformedBytes('proof: unknown kind of message', reader.offset)
}
