import {
  decodeFrame,
  describeProcess,
  encodeEnvelope,
  envelopeId,
  Failure,
  type FeedSpec,
  type Frame,
  MalformedBytes,
  type MessageId,
  type NewBlock,
} from '../../protocol/index.ts'
import type { EpochFolder } from '../feeds/epoch-folder.ts'
import type { OpenFeeds } from '../feeds/open-feeds.ts'
import type { StoredMessageIndex } from './message-index.ts'
import type { ProcessDirectory } from './process-directory.ts'
import type { FeedState } from '../feeds/feed-state.ts'

const READ_TOGETHER = 128

export interface IndexRepairParts {
  readonly feeds: OpenFeeds
  readonly messages: StoredMessageIndex
  readonly directory: ProcessDirectory
  /** What stands in an earlier feed behind the end of its epoch stands nowhere. */
  readonly epochs: Pick<EpochFolder, 'endOf'>
  /** Keeps what waits for the database bounded. */
  readonly settled: () => Promise<void>
}

/** Puts the journal's blocks into the indexes: they may have lost what was not fsynced. */
export async function repairFromJournal(
  blocks: readonly NewBlock[],
  { messages, directory, epochs, settled }: Omit<IndexRepairParts, 'feeds'>,
): Promise<void> {
  for (const block of blocks) {
    if (block.index >= epochs.endOf(block.feed.process, block.feed.epoch)) continue
    messages.add(block)
    if (block.firstSlot === 0) await addProcess(frameOf(block.bytes), directory)
    await settled()
  }
}

/** Makes the indexes anew out of all message feeds. */
export async function rebuildFromFeeds(
  parts: IndexRepairParts & {
    stateOf: (feed: FeedSpec) => FeedState
    onProgress: (done: number, total: number) => void
  },
): Promise<void> {
  const feeds: FeedSpec[] = []
  for await (const feed of parts.feeds.feeds()) if (feed.kind === 'messages') feeds.push(feed)
  // A message keeps its first slot, so the epochs of a process come in order.
  feeds.sort((a, b) => a.epoch - b.epoch)
  for (const [done, feed] of feeds.entries()) {
    const state = parts.stateOf(feed)
    const length = Math.min(await parts.feeds.storedLength(state), parts.epochs.endOf(feed.process, feed.epoch))
    for (let from = 0; from < length; from += READ_TOGETHER) {
      const blocks = await parts.feeds.read(state, from, Math.min(length, from + READ_TOGETHER))
      for (const bytes of blocks) if (bytes !== undefined) await addFrame(feed, bytes, parts)
      await parts.settled()
    }
    parts.onProgress(done + 1, feeds.length)
  }
}

async function addFrame(feed: FeedSpec, bytes: Uint8Array, { messages, directory }: IndexRepairParts): Promise<void> {
  const frame = frameOf(bytes)
  if (frame === undefined) return
  const { firstSlot } = frame
  const ids = idsOf(frame, feed)
  if (ids !== undefined) messages.add({ feed, ids, firstSlot })
  if (firstSlot === 0) await addProcess(frame, directory)
}

function idsOf({ firstSlot, assignments }: Frame, { process }: FeedSpec): readonly MessageId[] | undefined {
  return unlessMalformed(() => assignments.map(({ envelope }, at) => envelopeId(envelope, process, firstSlot + at)))
}

async function addProcess(frame: Frame | undefined, directory: ProcessDirectory): Promise<void> {
  const envelope = frame?.assignments[0]?.envelope
  if (envelope === undefined) return
  try {
    await directory.addProcess(describeProcess(envelope), encodeEnvelope(envelope))
  } catch (error) {
    // A slot 0 that spawns nothing is the scheduler's fault, not the folder's.
    if (!(error instanceof MalformedBytes || Failure.is(error, 'wrong-type'))) throw error
  }
}

/** Nothing if the block is no frame: what stands in a feed is its schedulers' word, not ours. */
function frameOf(bytes: Uint8Array): Frame | undefined {
  return unlessMalformed(() => decodeFrame(bytes))
}

function unlessMalformed<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}
