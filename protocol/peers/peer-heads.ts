import { MalformedBytes } from '../codec/bytes.ts'
import type { CborReader, CborWriter } from '../codec/cbor.ts'
import { asProcessId, type ProcessId } from '../ids.ts'
import { COMPLAINTS_NAMED_MAX, EVIDENCE_SIZE_MAX_BYTES, HEADS_TOGETHER_MAX } from '../limits/limits.ts'
import type { FeedSubtree, SignedPrefix } from '../feeds/log-port.ts'
import { cborCodec, expectFields, type PeerCodec, readCount, writeId } from './peer-operation.ts'
import { readHash, readId, readSmall } from '../process/push.ts'

/** What a node holds of the feed of a process, under a head of its schedulers. */
export interface ShownHead {
  readonly process: ProcessId
  readonly epoch: number
  readonly prefix: SignedPrefix
}

/** Asks what a node holds of the first `length` blocks. */
export interface PrefixWish {
  readonly process: ProcessId
  readonly epoch: number
  readonly length: number
}

/** Whole subtrees of a prefix, or behind it: no more than a length has bits, twice. */
const SUBTREES_MAX = 128
const LEVEL_MAX = 50

export const headsCodec: PeerCodec<readonly ShownHead[]> = cborCodec(
  (writer, heads) => {
    writer.array(heads.length)
    for (const { process, epoch, prefix } of heads) {
      writer.array(3)
      writeId(writer, process)
      writer.uint(epoch)
      writePrefix(writer, prefix)
    }
  },
  reader =>
    Array.from({ length: readCount(reader, HEADS_TOGETHER_MAX) }, () => {
      expectFields(reader, 3)
      return { process: asProcessId(readId(reader)), epoch: readSmall(reader), prefix: readPrefix(reader) }
    }),
)

export const prefixWishCodec: PeerCodec<PrefixWish> = cborCodec(
  (writer, { process, epoch, length }) => {
    writer.array(3)
    writeId(writer, process)
    writer.uint(epoch)
    writer.uint(length)
  },
  reader => {
    expectFields(reader, 3)
    return { process: asProcessId(readId(reader)), epoch: readSmall(reader), length: readSmall(reader) }
  },
)

export const maybePrefixCodec: PeerCodec<SignedPrefix | undefined> = cborCodec(
  (writer, prefix) => {
    if (prefix === undefined) writer.null()
    else writePrefix(writer, prefix)
  },
  reader => (reader.isNull() ? (reader.null() ?? undefined) : readPrefix(reader)),
)

/** Names of complaints. */
export const complaintIdsCodec: PeerCodec<readonly string[]> = cborCodec(
  (writer, ids) => {
    writer.array(ids.length)
    for (const id of ids) writeId(writer, id)
  },
  reader => Array.from({ length: readCount(reader, COMPLAINTS_NAMED_MAX) }, () => readId(reader)),
)

/** One piece of evidence, as it is. */
export const evidenceCodec: PeerCodec<Uint8Array> = {
  encode: bytes => bytes,
  decode(bytes) {
    if (bytes.length > EVIDENCE_SIZE_MAX_BYTES) throw new MalformedBytes('evidence: too large', 0)
    return bytes
  },
}

function writePrefix(writer: CborWriter, { length, roots, head, rest }: SignedPrefix): void {
  writer.array(5)
  writer.uint(length)
  writer.uint(head.length)
  writer.bytes(head.signature)
  for (const subtrees of [roots, rest]) {
    writer.array(3 * subtrees.length)
    for (const { leaves, sizeBytes, hash } of subtrees) {
      writer.uint(Math.log2(leaves))
      writer.uint(sizeBytes)
      writer.bytes(hash)
    }
  }
}

function readPrefix(reader: CborReader): SignedPrefix {
  expectFields(reader, 5)
  const length = readSmall(reader)
  const head = { length: readSmall(reader), signature: reader.bytes() }
  return { length, head, roots: readSubtrees(reader), rest: readSubtrees(reader) }
}

function readSubtrees(reader: CborReader): FeedSubtree[] {
  const parts = readCount(reader, 3 * SUBTREES_MAX)
  if (parts % 3 !== 0) throw new MalformedBytes('prefix: half a subtree', reader.offset)
  return Array.from({ length: parts / 3 }, () => {
    const level = readSmall(reader)
    if (level > LEVEL_MAX) throw new MalformedBytes('prefix: a subtree that is too large', reader.offset)
    return { leaves: 2 ** level, sizeBytes: readSmall(reader), hash: readHash(reader) }
  })
}
