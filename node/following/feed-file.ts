import {
  CborReader,
  CborWriter,
  decodeEnvelope,
  decodeFrame,
  describeProcess,
  EPOCHS_MAX,
  equalBytes,
  Failure,
  type FeedHead,
  feedHeadHolds,
  FeedTree,
  type Log,
  MalformedBytes,
  messagesFeed,
  type NewBlock,
  type ProcessDescription,
  type ProcessId,
  provenProcess,
  readEpochItem,
  readSmall,
  toUtf8,
} from '../../protocol/index.ts'
import { framesOf } from '../../scheduler-unit/index.ts'
import { isSame } from '../handovers/handovers.ts'
import type { ProcessSource } from '../learning/process-source.ts'

/**
 * One message feed in a file, with all that it takes to check it and nothing to be believed: 8 bytes `ATFEED1\n`, then
 * pieces, each a length (4 bytes, big-endian) and that many bytes. The first is CBOR `[spawn envelopes, head length, head
 * signature]`, envelopes of the process and its ancestors, the oldest first, and behind that, if one of them was handed over, the items
 * of the epoch records of each; the others are the blocks, in order.
 */
const MAGIC = toUtf8('ATFEED1\n')

/** Parents of parents that a file brings along. */
const ANCESTORS_MAX = 256

/** A feed whose spawn message, blocks and head hold. */
export interface CheckedFeed {
  readonly process: ProcessDescription
  readonly head: FeedHead
  readonly blocks: readonly Uint8Array[]
  /** Slots in it. */
  readonly slots: number
  /** The process and its ancestors, the oldest first. */
  readonly lineage: readonly Ancestor[]
}

interface Ancestor {
  readonly id: ProcessId
  /** Encoded spawn envelope. */
  readonly envelope: Uint8Array
  /** Signed items of its epoch records, that of epoch 1 first. */
  readonly epochs: readonly Uint8Array[]
}

/** The pieces of the file of a feed, as a source gives it: up to its present head. @throws {Failure} `unknown-process`, `unknown-slot` */
export async function* feedFile(source: ProcessSource): AsyncIterable<Uint8Array> {
  const head = await source.head()
  if (head === undefined) throw new Failure('unknown-slot', { process: source.process }, { note: 'the feed is empty' })
  const lineage: Ancestor[] = []
  for (let id: ProcessId | undefined = source.process; id !== undefined && lineage.length < ANCESTORS_MAX; ) {
    const envelope: Uint8Array | undefined = await source.spawnEnvelope(id)
    if (envelope === undefined) throw new Failure('unknown-process', { process: id })
    lineage.unshift({ id, envelope, epochs: (await source.epochItems?.(id)) ?? [] })
    id = describeProcess(decodeEnvelope(envelope)).parent
  }
  const isHandedOver = lineage.some(({ epochs }) => epochs.length > 0)
  const writer = new CborWriter()
  writer.array(isHandedOver ? 4 : 3)
  writeAll(
    writer,
    lineage.map(({ envelope }) => envelope),
  )
  writer.uint(head.length)
  writer.bytes(head.signature)
  if (isHandedOver) writer.array(lineage.length)
  for (const { epochs } of isHandedOver ? lineage : []) writeAll(writer, epochs)
  yield MAGIC
  yield* piece(writer.finish())
  let left = head.length
  for await (const block of source.frames()) {
    if (left-- <= 0) return
    yield* piece(block)
  }
}

function writeAll(writer: CborWriter, all: readonly Uint8Array[]): void {
  writer.array(all.length)
  for (const bytes of all) writer.bytes(bytes)
}

function piece(bytes: Uint8Array): readonly Uint8Array[] {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return [length, bytes]
}

/** Reads and checks the file of a feed. @throws {Failure} `bad-file` if it is none, `verification-failed` with what is wrong */
export async function checkFeedFile(bytes: Uint8Array): Promise<CheckedFeed> {
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC))
    throw new Failure('bad-file', {}, { note: 'it is no file of a feed; atoll feed export writes one' })
  try {
    return await check(bytes)
  } catch (error) {
    if (Failure.is(error, 'verification-failed')) throw error
    const note = error instanceof Error ? error.message : String(error)
    throw new Failure('verification-failed', {}, { cause: error, note: `the file of a feed: ${note}` })
  }
}

async function check(bytes: Uint8Array): Promise<CheckedFeed> {
  const [first, ...blocks] = piecesOf(bytes)
  if (first === undefined) throw new MalformedBytes('nothing is in it', bytes.length)
  const { lineage, head } = readFirst(first)
  const process = provenProcess(
    lineage.map(({ envelope }) => envelope).reverse(),
    lineage.map(({ epochs }) => epochs).reverse(),
  )
  if (!startsWith(process, blocks))
    throw new MalformedBytes('the feed does not begin as the record of its epoch says', 0)
  const tree = new FeedTree().with(blocks)
  if (!feedHeadHolds(messagesFeed(process), tree, head))
    throw new MalformedBytes('the signatures over the feed do not hold', 0)
  let slots = 0
  for (const block of blocks) {
    const { firstSlot, assignments } = decodeFrame(block)
    if (firstSlot !== slots) throw new MalformedBytes(`expected slot ${slots}, got ${firstSlot}`, 0)
    slots += assignments.length
  }
  return { process, head, blocks, slots, lineage }
}

function startsWith({ prologue }: ProcessDescription, blocks: readonly Uint8Array[]): boolean {
  if (prologue === undefined) return true
  return (
    blocks.length >= prologue.length &&
    equalBytes(new FeedTree().with(blocks.slice(0, prologue.length)).hash(), prologue.hash)
  )
}

function* piecesOf(bytes: Uint8Array): Iterable<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = MAGIC.length; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? view.getUint32(at) : bytes.length
    at += 4
    if (at + length > bytes.length) throw new MalformedBytes('it is cut short', at)
    yield bytes.subarray(at, at + length)
    at += length
  }
}

function readFirst(bytes: Uint8Array): { lineage: Ancestor[]; head: FeedHead } {
  const reader = new CborReader(bytes)
  const fields = reader.array()
  if (fields !== 3 && fields !== 4) throw new MalformedBytes('expected 3 or 4 fields', 0)
  const envelopes = readAll(reader, ANCESTORS_MAX)
  const head = { length: readSmall(reader), signature: reader.bytes() }
  if (fields === 4 && reader.array() !== envelopes.length)
    throw new MalformedBytes('expected epochs of each', reader.offset)
  const lineage = envelopes.map((envelope): Ancestor => {
    const { id } = describeProcess(decodeEnvelope(envelope))
    return { id, envelope, epochs: fields === 4 ? readAll(reader, EPOCHS_MAX) : [] }
  })
  reader.end()
  return { lineage, head }
}

function readAll(reader: CborReader, max: number): Uint8Array[] {
  const count = reader.array()
  if (count > max) throw new MalformedBytes(`expected at most ${max}`, reader.offset)
  return Array.from({ length: count }, () => reader.bytes())
}

/**
 * Puts a checked feed into a log, beyond what that has of it, with the epoch records that it follows from. Gives how many blocks were added.
 * @throws {Failure} `feed-frozen` if the log holds other blocks; `bad-epoch` if it knows of other handovers, or of more
 */
export async function importFeed(log: Log, { process, head, blocks, lineage }: CheckedFeed): Promise<number> {
  const feed = messagesFeed(process)
  const held = await log.length(feed)
  let at = 0
  for await (const block of log.blocks(feed, 0, Math.min(held, blocks.length))) {
    if (!equalBytes(block, blocks[at] ?? new Uint8Array()))
      throw new Failure(
        'feed-frozen',
        { process: process.id, index: at },
        { note: 'the file holds another block there' },
      )
    at += 1
  }
  for (const one of lineage) await addAncestor(log, one, one.id === process.id)
  const begun = await takePrologue(log, process, blocks, held)
  const rest = blocks.slice(begun)
  if (rest.length === 0) return begun - held
  const { frames } = framesOf(process, begun, rest)
  const signature = feed.signers.length > 1 ? head.signature : undefined
  const last = frames.length - 1
  const news = frames.map((frame, i): NewBlock => ({ ...frame, feed, signature: i === last ? signature : undefined }))
  try {
    await log.commit(news)
  } catch (error) {
    // Others sign it: it is taken over under their head.
    if (!Failure.is(error, 'not-scheduler')) throw error
    const { status } = await log.take(feed, { from: begun, blocks: rest, head, rest: [] })
    if (status !== 'taken') throw new Failure('feed-frozen', { process: process.id, status })
  }
  return blocks.length - held
}

/** `isLast` of a process whose feed comes with it: more handovers than it brings would make that one of an epoch that is over. */
async function addAncestor({ directory }: Log, { id, envelope, epochs }: Ancestor, isLast: boolean): Promise<void> {
  await directory.addProcess(describeProcess(decodeEnvelope(envelope)), envelope)
  const held = directory.epochItems(id)
  const isOther = held.some((item, at) => epochs[at] !== undefined && !isSame(item, readEpochItem(epochs[at]).record))
  if (isOther || (isLast && held.length > epochs.length)) {
    throw new Failure(
      'bad-epoch',
      { process: id },
      { note: isOther ? 'other handovers of it are known here' : 'it was handed over since that file was written' },
    )
  }
  for (const item of epochs.slice(held.length)) await directory.addEpoch(id, item)
}

/** Takes over what nobody signs again, durably: what stands behind it must not be there without. Gives where that begins. */
async function takePrologue(
  log: Log,
  process: ProcessDescription,
  blocks: readonly Uint8Array[],
  held: number,
): Promise<number> {
  const end = process.prologue?.length ?? 0
  if (held >= end) return held
  const piece = {
    from: held,
    blocks: blocks.slice(held, end),
    head: { length: end, signature: new Uint8Array(0) },
    rest: [],
  }
  const { status } = await log.take(messagesFeed(process), piece)
  if (status !== 'taken') throw new Failure('feed-frozen', { process: process.id, status })
  await log.sync()
  return end
}
