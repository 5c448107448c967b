/**
 * What stands in a file of the journal.
 *
 * 1. A segment is a header, then groups. A group is what one fdatasync made durable: magic, length, crc,
 *    sequence number, body. A group is valid or not as a whole.
 * 2. A group is begun only after the fdatasync of the one before it. So an invalid group with a valid one
 *    after it had been acknowledged: that is damage. Only at the very end it may be a torn write.
 * 3. A group without blocks is a seal: written when the journal is quiet, it makes even the last
 *    acknowledged group one with a valid group after it.
 * 4. A segment's header says where the segment before it ends: bytes behind that were never acknowledged.
 * 5. Checksums are seeded with a salt of the segment, so that no block can carry a group inside. What groups begin with hangs on it,
 *    too: else a message full of such beginnings, in a write that was cut short, would be looked through for hours.
 */
import { crc32 } from 'node:zlib'
import {
  asKeyId,
  asMessageId,
  asProcessId,
  CborReader,
  CborWriter,
  type FeedSpec,
  MalformedBytes,
  type MessageId,
  type NewBlock,
} from '../../protocol/index.ts'
import { plainBytes } from '../plain-bytes.ts'

export const HEADER_SIZE_BYTES = 64
const GROUP_HEAD_SIZE_BYTES = 20
const HEADER_MAGIC = 0x324a5441 // ATJ2
const GROUP_MAGIC = 0x3147ab9e
/** A segment of before, whose groups all begin alike. */
const UNMARKED_MAGIC = 0x314a5441 // ATJ1
const ID_SIZE_BYTES = 32
const KINDS = ['messages', 'results', 'votes'] as const

/** What nobody can know who has something written to a segment. */
export interface SegmentMarks {
  /** Seeds the checksums of this segment. */
  readonly salt: number
  /** What its groups begin with. */
  readonly groupMagic: number
}

/** Those of a new segment, by 4 random bytes. */
export const marksOf = (salt: number): SegmentMarks => ({ salt, groupMagic: (GROUP_MAGIC ^ salt) >>> 0 })

/** Says which segment this is, and where the one before it ends. */
export interface SegmentHeader extends SegmentMarks {
  /** Counts segments of this folder, from 1. */
  readonly generation: number
  /** Size of the segment before this one as far as it was acknowledged, 0 for the first. */
  readonly previousEnd: number
  /** 16 bytes that tell the folder. */
  readonly folder: Uint8Array
}

export function encodeHeader(header: SegmentHeader): Uint8Array {
  const bytes = Buffer.alloc(HEADER_SIZE_BYTES)
  bytes.writeUInt32LE(HEADER_MAGIC, 0)
  bytes.writeUInt32LE(header.salt, 4)
  bytes.writeDoubleLE(header.generation, 8)
  bytes.writeDoubleLE(header.previousEnd, 16)
  bytes.set(header.folder, 24)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

/** The header of a segment; nothing if it is not whole. */
export function decodeHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < HEADER_SIZE_BYTES) return undefined
  const view = viewOf(bytes)
  const magic = view.readUInt32LE(0)
  if (magic !== HEADER_MAGIC && magic !== UNMARKED_MAGIC) return undefined
  if (view.readUInt32LE(60) !== crc32(view.subarray(0, 60))) return undefined
  const marks = marksOf(view.readUInt32LE(4))
  return {
    ...(magic === HEADER_MAGIC ? marks : { ...marks, groupMagic: GROUP_MAGIC }),
    generation: view.readDoubleLE(8),
    previousEnd: view.readDoubleLE(16),
    folder: bytes.slice(24, 40),
  }
}

/** The feeds that a segment has named so far; blocks refer to them by number. */
export type FeedNumbers = Map<string, number>

/** A block and the name of its feed (see `feedName`). */
export interface NamedBlock {
  readonly name: string
  readonly block: NewBlock
}

/** Encodes a group as chunks to write one after the other; feeds that are new are added to `known`. */
export function encodeGroup(
  sequence: number,
  blocks: readonly NamedBlock[],
  known: FeedNumbers,
  { salt, groupMagic }: SegmentMarks,
): readonly [head: Uint8Array, body: Uint8Array] {
  const fresh: FeedSpec[] = []
  for (const { name, block } of blocks) {
    if (known.has(name)) continue
    known.set(name, known.size)
    fresh.push(block.feed)
  }
  const writer = new CborWriter()
  writer.array(2)
  writer.array(fresh.length)
  for (const feed of fresh) writeFeed(writer, feed)
  writer.array(blocks.length)
  for (const { name, block } of blocks) writeBlock(writer, block, known.get(name) ?? 0)
  const body = writer.finish()
  const head = Buffer.allocUnsafe(GROUP_HEAD_SIZE_BYTES)
  head.writeUInt32LE(groupMagic, 0)
  head.writeUInt32LE(body.length, 8)
  head.writeDoubleLE(sequence, 12)
  head.writeUInt32LE(checksum(head, body, salt), 4)
  return [head, body]
}

/** What a segment holds. */
export interface SegmentContent {
  readonly blocks: readonly NewBlock[]
  /** Groups, seals included. */
  readonly groups: number
  /** Where the last valid group ends. */
  readonly end: number
  /** Behind `end` stands something that was acknowledged once and cannot be read. */
  readonly damaged: boolean
}

/** Reads all groups of a segment; `firstSequence` is the number its first group must have. */
export function readSegment(bytes: Uint8Array, marks: SegmentMarks, firstSequence: number): SegmentContent {
  const view = viewOf(bytes)
  const feeds: FeedSpec[] = []
  const blocks: NewBlock[] = []
  let at = HEADER_SIZE_BYTES
  let sequence = firstSequence
  while (at < bytes.length) {
    const group = groupAt(view, at, marks)
    if (group?.sequence !== sequence) break
    readBody(plainBytes(group.body), feeds, blocks)
    at = group.end
    sequence++
  }
  return {
    blocks,
    groups: sequence - firstSequence,
    end: at,
    damaged: holdsGroup(view, at + 1, marks),
  }
}

function holdsGroup(view: Buffer, from: number, marks: SegmentMarks): boolean {
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(marks.groupMagic)
  for (let at = view.indexOf(magic, from); at !== -1; at = view.indexOf(magic, at + 1)) {
    if (groupAt(view, at, marks) !== undefined) return true
  }
  return false
}

function groupAt(
  view: Buffer,
  at: number,
  { salt, groupMagic }: SegmentMarks,
): { sequence: number; body: Uint8Array; end: number } | undefined {
  const start = at + GROUP_HEAD_SIZE_BYTES
  if (start > view.length || view.readUInt32LE(at) !== groupMagic) return undefined
  const end = start + view.readUInt32LE(at + 8)
  if (end > view.length) return undefined
  const head = view.subarray(at, start)
  const body = view.subarray(start, end)
  if (checksum(head, body, salt) !== head.readUInt32LE(4)) return undefined
  return { sequence: head.readDoubleLE(12), body, end }
}

/** Covers length, sequence number and body. */
function checksum(head: Buffer, body: Uint8Array, salt: number): number {
  return crc32(body, crc32(head.subarray(8), salt))
}

function writeFeed(writer: CborWriter, feed: FeedSpec): void {
  writer.array(feed.prologue === undefined ? 5 : 7)
  writer.uint(KINDS.indexOf(feed.kind))
  writer.bytes(idBytes(feed.process))
  writer.uint(feed.epoch)
  writer.uint(feed.quorum)
  writer.array(feed.signers.length)
  for (const key of feed.signers) writer.bytes(idBytes(key))
  if (feed.prologue === undefined) return
  writer.uint(feed.prologue.length)
  writer.bytes(feed.prologue.hash)
}

function writeBlock(writer: CborWriter, block: NewBlock, feed: number): void {
  writer.array(block.signature === undefined ? 5 : 6)
  writer.uint(feed)
  writer.uint(block.index)
  writer.uint(block.firstSlot)
  writer.bytes(block.bytes)
  writer.bytes(packIds(block.ids))
  if (block.signature !== undefined) writer.bytes(block.signature)
}

function readBody(body: Uint8Array, feeds: FeedSpec[], blocks: NewBlock[]): void {
  const reader = new CborReader(body)
  expectFields(reader, 2)
  const fresh = reader.array()
  for (let i = 0; i < fresh; i++) feeds.push(readFeed(reader))
  const count = reader.array()
  for (let i = 0; i < count; i++) {
    const fields = reader.array()
    if (fields !== 5 && fields !== 6) throw new MalformedBytes('journal: expected 5 or 6 fields', reader.offset)
    const feed = feeds[readNumber(reader)]
    if (feed === undefined) throw new MalformedBytes('journal: unknown feed', reader.offset)
    const index = readNumber(reader)
    const firstSlot = readNumber(reader)
    // Copies, so that a few blocks kept do not keep the whole segment in memory.
    blocks.push({
      feed,
      index,
      firstSlot,
      bytes: reader.bytes().slice(),
      ids: unpackIds(reader.bytes()),
      signature: fields === 6 ? reader.bytes().slice() : undefined,
    })
  }
  reader.end()
}

function readFeed(reader: CborReader): FeedSpec {
  const fields = reader.array()
  if (fields !== 5 && fields !== 7) throw new MalformedBytes('journal: expected 5 or 7 fields', reader.offset)
  const kind = KINDS[readNumber(reader)]
  if (kind === undefined) throw new MalformedBytes('journal: unknown kind of feed', reader.offset)
  const process = asProcessId(text(reader.bytes()))
  const epoch = readNumber(reader)
  const quorum = readNumber(reader)
  const signers = Array.from({ length: reader.array() }, () => asKeyId(text(reader.bytes())))
  const feed = { kind, process, epoch, signers, quorum }
  return fields === 5 ? feed : { ...feed, prologue: { length: readNumber(reader), hash: reader.bytes().slice() } }
}

function expectFields(reader: CborReader, count: number): void {
  if (reader.array() !== count) throw new MalformedBytes(`journal: expected ${count} fields`, reader.offset)
}

function readNumber(reader: CborReader): number {
  return Number(reader.uint())
}

function packIds(ids: readonly MessageId[]): Uint8Array {
  const [first] = ids
  if (ids.length === 1 && first !== undefined) return idBytes(first)
  const bytes = Buffer.allocUnsafe(ids.length * ID_SIZE_BYTES)
  let at = 0
  for (const id of ids) {
    bytes.write(id, at, 'base64url')
    at += ID_SIZE_BYTES
  }
  return bytes
}

function unpackIds(bytes: Uint8Array): MessageId[] {
  const count = bytes.length / ID_SIZE_BYTES
  return Array.from({ length: count }, (_, i) =>
    asMessageId(text(bytes.subarray(i * ID_SIZE_BYTES, (i + 1) * ID_SIZE_BYTES))),
  )
}

function idBytes(id: string): Uint8Array {
  return Buffer.from(id, 'base64url')
}

function text(bytes: Uint8Array): string {
  return viewOf(bytes).toString('base64url')
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
