import {
  CborReader,
  CborWriter,
  decodeEnvelope,
  decodeFrame,
  describeProcess,
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
  readSmall,
  toUtf8,
} from '../protocol/index.ts'
import { framesOf } from '../scheduler-unit/index.ts'
import { KnownProcesses } from './known-processes.ts'
import type { ProcessSource } from './process-source.ts'

/**
 * One message feed in a file, with all that it takes to check it and nothing to be believed: 8 bytes `ATFEED1\n`, then
 * pieces, each a length (4 bytes, big-endian) and that many bytes. The first is CBOR `[spawn envelopes, head length, head
 * signature]`, envelopes of the process and its ancestors, the oldest first; the others are the blocks, in order.
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
  /** Encoded spawn envelopes with their processes, the oldest ancestor first. */
  readonly lineage: readonly { readonly process: ProcessDescription; readonly envelope: Uint8Array }[]
}

/** The pieces of the file of a feed, as a source gives it: up to its present head. @throws {Failure} `unknown-process`, `unknown-slot` */
export async function* feedFile(source: ProcessSource): AsyncIterable<Uint8Array> {
  const head = await source.head()
  if (head === undefined) throw new Failure('unknown-slot', { process: source.process }, { note: 'the feed is empty' })
  const envelopes: Uint8Array[] = []
  for (let id: ProcessId | undefined = source.process; id !== undefined && envelopes.length < ANCESTORS_MAX; ) {
    const envelope: Uint8Array | undefined = await source.spawnEnvelope(id)
    if (envelope === undefined) throw new Failure('unknown-process', { process: id })
    envelopes.unshift(envelope)
    id = describeProcess(decodeEnvelope(envelope)).parent
  }
  const writer = new CborWriter()
  writer.array(3)
  writer.array(envelopes.length)
  for (const envelope of envelopes) writer.bytes(envelope)
  writer.uint(head.length)
  writer.bytes(head.signature)
  yield MAGIC
  yield* piece(writer.finish())
  let left = head.length
  for await (const block of source.frames()) {
    if (left-- <= 0) return
    yield* piece(block)
  }
}

function piece(bytes: Uint8Array): readonly Uint8Array[] {
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, bytes.length)
  return [length, bytes]
}

/** Reads and checks the file of a feed. @throws {Failure} `verification-failed` with what is wrong */
export async function checkFeedFile(bytes: Uint8Array): Promise<CheckedFeed> {
  try {
    return await check(bytes)
  } catch (error) {
    if (Failure.is(error, 'verification-failed')) throw error
    const note = error instanceof Error ? error.message : String(error)
    throw new Failure('verification-failed', {}, { cause: error, note: `the file of a feed: ${note}` })
  }
}

async function check(bytes: Uint8Array): Promise<CheckedFeed> {
  if (!equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) throw new MalformedBytes('it does not begin as one', 0)
  const [first, ...blocks] = piecesOf(bytes)
  if (first === undefined) throw new MalformedBytes('nothing is in it', bytes.length)
  const { envelopes, head } = readFirst(first)
  const described = envelopes.map(envelope => ({ envelope, id: describeProcess(decodeEnvelope(envelope)).id }))
  const known = new KnownProcesses({ spawnEnvelope: async id => described.find(one => one.id === id)?.envelope })
  const lineage: { process: ProcessDescription; envelope: Uint8Array }[] = []
  for (const { id, envelope } of described) {
    const process = await known.process(id)
    if (process !== undefined) lineage.push({ process, envelope })
  }
  const process = lineage.at(-1)?.process
  if (process === undefined) throw new MalformedBytes('no spawn message is in it', 0)
  const tree = new FeedTree().with(blocks)
  if (!feedHeadHolds(messagesFeed(process), tree, head)) throw new MalformedBytes('the signatures over the feed do not hold', 0)
  let slots = 0
  for (const block of blocks) {
    const { firstSlot, assignments } = decodeFrame(block)
    if (firstSlot !== slots) throw new MalformedBytes(`expected slot ${slots}, got ${firstSlot}`, 0)
    slots += assignments.length
  }
  return { process, head, blocks, slots, lineage }
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

function readFirst(bytes: Uint8Array): { envelopes: Uint8Array[]; head: FeedHead } {
  const reader = new CborReader(bytes)
  if (reader.array() !== 3) throw new MalformedBytes('expected 3 fields', 0)
  const count = reader.array()
  if (count > ANCESTORS_MAX) throw new MalformedBytes('too many ancestors', reader.offset)
  const envelopes = Array.from({ length: count }, () => reader.bytes())
  const head = { length: readSmall(reader), signature: reader.bytes() }
  reader.end()
  return { envelopes, head }
}

/**
 * Puts a checked feed into a log, beyond what that has of it. Gives how many blocks were added.
 * @throws {Failure} `feed-frozen` if the log holds other blocks
 */
export async function importFeed(log: Log, { process, head, blocks, lineage }: CheckedFeed): Promise<number> {
  const feed = messagesFeed(process)
  const held = await log.length(feed)
  let at = 0
  for await (const block of log.blocks(feed, 0, Math.min(held, blocks.length))) {
    if (!equalBytes(block, blocks[at] ?? new Uint8Array())) throw new Failure('feed-frozen', { process: process.id, index: at }, { note: 'the file holds another block there' })
    at += 1
  }
  for (const one of lineage) await log.directory.addProcess(one.process, one.envelope)
  const rest = blocks.slice(held)
  if (rest.length === 0) return 0
  const { frames } = framesOf(process, held, rest)
  const signature = feed.signers.length > 1 ? head.signature : undefined
  const last = frames.length - 1
  const news = frames.map((frame, i): NewBlock => ({ ...frame, feed, signature: i === last ? signature : undefined }))
  try {
    await log.commit(news)
  } catch (error) {
    // Others sign it: it is taken over under their head.
    if (!Failure.is(error, 'not-scheduler')) throw error
    const { status } = await log.take(feed, { from: held, blocks: rest, head, rest: [] })
    if (status !== 'taken') throw new Failure('feed-frozen', { process: process.id, status })
  }
  return rest.length
}
