/**
 * Frames of `/atoll/heads/1`, in canonical CBOR. A follower numbers the feeds it asks for; the numbers stand for them from
 * then on. docs/protocol/feeds-over-peers.md.
 */
import {
  asKeyId,
  asProcessId,
  CborReader,
  CborWriter,
  FEED_PIECE_BLOCKS_MAX,
  type FeedSpec,
  type FeedSubtree,
  MalformedBytes,
  readHash,
  readId,
  readSmall,
  SCHEDULERS_MAX,
  type SignedBlocks,
  type SignedPrefix,
} from '../../protocol/index.ts'

/** What a follower says. */
export type FollowerFrame =
  /** Tell of all blocks of this feed from `from` on. */
  | {
      readonly kind: 'follow'
      readonly number: number
      readonly feed: FeedSpec
      readonly from: number
    }
  | { readonly kind: 'leave'; readonly number: number }
  /** Show the tree of the first `length` blocks. */
  | { readonly kind: 'show'; readonly number: number; readonly length: number }

/** What the node says that it follows. */
export type SourceFrame =
  | { readonly kind: 'piece'; readonly number: number; readonly piece: SignedBlocks }
  | { readonly kind: 'shown'; readonly number: number; readonly prefix: SignedPrefix | undefined }
  /** It cannot give this feed, or not any more. */
  | { readonly kind: 'left'; readonly number: number }

const [FOLLOW, LEAVE, SHOW, PIECE, SHOWN, LEFT] = [0, 1, 2, 3, 4, 5]
const KINDS: readonly FeedSpec['kind'][] = ['messages', 'results', 'votes']
/** As many as a length has bits, from each side. */
const SUBTREES_MAX = 128

export function encodeFollowerFrame(frame: FollowerFrame): Uint8Array {
  const writer = new CborWriter()
  switch (frame.kind) {
    case 'follow': {
      const { kind, process, epoch, signers, quorum, prologue } = frame.feed
      writer.array(prologue === undefined ? 8 : 10)
      writer.uint(FOLLOW)
      writer.uint(frame.number)
      writer.uint(KINDS.indexOf(kind))
      writer.base64Url(process)
      writer.uint(epoch)
      writer.array(signers.length)
      for (const signer of signers) writer.base64Url(signer)
      writer.uint(quorum)
      writer.uint(frame.from)
      if (prologue !== undefined) {
        writer.uint(prologue.length)
        writer.bytes(prologue.hash)
      }
      break
    }
    case 'leave':
      writer.array(2)
      writer.uint(LEAVE)
      writer.uint(frame.number)
      break
    case 'show':
      writer.array(3)
      writer.uint(SHOW)
      writer.uint(frame.number)
      writer.uint(frame.length)
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeFollowerFrame(bytes: Uint8Array): FollowerFrame {
  const reader = new CborReader(bytes)
  const fields = reader.array()
  const [kind, number] = [readSmall(reader), readSmall(reader)]
  const hasPrologue = kind === FOLLOW && fields === 10
  if (!hasPrologue && fields !== [8, 2, 3][kind]) throw new MalformedBytes('not what a follower says', 0)
  const frame =
    kind === LEAVE
      ? ({ kind: 'leave', number } as const)
      : kind === SHOW
        ? show(reader, number)
        : follow(reader, number, hasPrologue)
  reader.end()
  return frame
}

function show(reader: CborReader, number: number): FollowerFrame {
  return { kind: 'show', number, length: readSmall(reader) }
}

function follow(reader: CborReader, number: number, hasPrologue: boolean): FollowerFrame {
  const kind = KINDS[readSmall(reader)]
  const process = asProcessId(readId(reader))
  const epoch = readSmall(reader)
  const count = reader.array()
  if (kind === undefined || count < 1 || count > SCHEDULERS_MAX) throw new MalformedBytes('not a feed', reader.offset)
  const signers = Array.from({ length: count }, () => asKeyId(readId(reader)))
  const feed = { kind, process, epoch, signers, quorum: readSmall(reader) }
  const from = readSmall(reader)
  if (!hasPrologue) return { kind: 'follow', number, feed, from }
  return {
    kind: 'follow',
    number,
    feed: { ...feed, prologue: { length: readSmall(reader), hash: readHash(reader).slice() } },
    from,
  }
}

export function encodeSourceFrame(frame: SourceFrame): Uint8Array {
  const writer = new CborWriter()
  if (frame.kind === 'piece') {
    const { from, blocks, head, rest } = frame.piece
    writer.array(7)
    writer.uint(PIECE)
    writer.uint(frame.number)
    writer.uint(from)
    writer.array(blocks.length)
    for (const block of blocks) writer.bytes(block)
    writer.uint(head.length)
    writer.bytes(head.signature)
    writeSubtrees(writer, rest)
  } else if (frame.kind === 'left') {
    writer.array(2)
    writer.uint(LEFT)
    writer.uint(frame.number)
  } else {
    writer.array(frame.prefix === undefined ? 2 : 7)
    writer.uint(SHOWN)
    writer.uint(frame.number)
    if (frame.prefix !== undefined) {
      const { length, roots, head, rest } = frame.prefix
      writer.uint(length)
      writeSubtrees(writer, roots)
      writer.uint(head.length)
      writer.bytes(head.signature)
      writeSubtrees(writer, rest)
    }
  }
  return writer.finish()
}

/** @throws {MalformedBytes} */
export function decodeSourceFrame(bytes: Uint8Array): SourceFrame {
  const reader = new CborReader(bytes)
  const fields = reader.array()
  const [kind, number] = [readSmall(reader), readSmall(reader)]
  if ((kind === SHOWN || kind === LEFT) && fields === 2) {
    reader.end()
    return kind === LEFT ? { kind: 'left', number } : { kind: 'shown', number, prefix: undefined }
  }
  if ((kind !== PIECE && kind !== SHOWN) || fields !== 7) throw new MalformedBytes('not what a source says', 0)
  const at = readSmall(reader)
  const content = kind === PIECE ? { blocks: readBlocks(reader) } : { roots: readSubtrees(reader) }
  const head = { length: readSmall(reader), signature: reader.bytes() }
  const rest = readSubtrees(reader)
  reader.end()
  if (content.blocks !== undefined)
    return { kind: 'piece', number, piece: { from: at, blocks: content.blocks, head, rest } }
  return { kind: 'shown', number, prefix: { length: at, roots: content.roots, head, rest } }
}

function readBlocks(reader: CborReader): Uint8Array[] {
  const count = reader.array()
  if (count > FEED_PIECE_BLOCKS_MAX) throw new MalformedBytes('too many blocks', reader.offset)
  return Array.from({ length: count }, () => reader.bytes())
}

function writeSubtrees(writer: CborWriter, subtrees: readonly FeedSubtree[]): void {
  writer.array(subtrees.length * 3)
  for (const { leaves, sizeBytes, hash } of subtrees) {
    writer.uint(leaves)
    writer.uint(sizeBytes)
    writer.bytes(hash)
  }
}

function readSubtrees(reader: CborReader): FeedSubtree[] {
  const parts = reader.array()
  if (parts % 3 !== 0 || parts > 3 * SUBTREES_MAX) throw new MalformedBytes('too many subtrees', reader.offset)
  const subtrees: FeedSubtree[] = []
  for (let at = 0; at < parts; at += 3)
    subtrees.push({
      leaves: readSmall(reader),
      sizeBytes: readSmall(reader),
      hash: readHash(reader),
    })
  return subtrees
}
