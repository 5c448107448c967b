import { equalBytes } from './bytes.ts'
import { feedPlaces, treeAt } from './feed-inclusion.ts'
import { messagesFeed } from './feed-spec.ts'
import { decodeFrame, envelopeId } from './frame.ts'
import type { MessageId, ProcessId } from './ids.ts'
import { FEED_PIECE_BYTES } from './limits.ts'
import type { FeedPrologue, FeedSpec, FeedSubtree, Log, SignedBlocks } from './ports.ts'
import type { ProcessDescription } from './process.ts'

type EpochLog = Pick<Log, 'length' | 'block' | 'blocks' | 'take' | 'trees' | 'messages' | 'sync'>

/**
 * Makes the feed of a process's present epoch begin with its prologue, from what is held of earlier feeds; what stood there behind
 * it stands nowhere any more. Idempotent. False, if no earlier feed holds these blocks: then they have to be taken over from others.
 */
export async function beginEpoch(log: EpochLog, process: ProcessDescription): Promise<boolean> {
  const { prologue, earlier = [] } = process
  if (prologue === undefined) return true
  const feed = messagesFeed(process)
  for (const epoch of [...earlier].reverse()) await forgetBehind(log, messagesFeed({ id: process.id, ...epoch }), process)
  if ((await log.length(feed)) >= prologue.length) return true
  // Trees are read from disk.
  await log.sync()
  for (const epoch of [...earlier].reverse()) {
    const old = messagesFeed({ id: process.id, ...epoch })
    if (!(await holds(log, old, prologue))) continue
    await copyPrologue(log, old, feed, prologue)
    return true
  }
  return false
}

/** Whether the first blocks of a feed are those of a prologue. */
async function holds(log: EpochLog, feed: FeedSpec, { length, hash }: FeedPrologue): Promise<boolean> {
  if ((await log.length(feed)) < length) return false
  const tree = await treeAt(log.trees, feed, length)
  return tree !== undefined && equalBytes(tree.hash(), hash)
}

async function copyPrologue(log: EpochLog, old: FeedSpec, feed: FeedSpec, { length }: FeedPrologue): Promise<void> {
  for (let from = await log.length(feed); from < length; ) {
    const blocks: Uint8Array[] = []
    let bytes = 0
    for await (const block of log.blocks(old, from, length)) {
      blocks.push(block)
      bytes += block.length
      if (bytes >= FEED_PIECE_BYTES) break
    }
    const rest = await subtreesBetween(log, old, from + blocks.length, length)
    const piece: SignedBlocks = { from, blocks, head: { length, signature: NO_SIGNATURE }, rest }
    const answer = await log.take(feed, piece)
    if (answer.status !== 'taken' || answer.length <= from) throw new TypeError(`a prologue that was checked is ${answer.status}`)
    from = answer.length
  }
  await log.sync()
}

const NO_SIGNATURE = new Uint8Array(0)

async function subtreesBetween({ trees }: EpochLog, feed: FeedSpec, from: number, to: number): Promise<FeedSubtree[]> {
  const places = feedPlaces(from, to)
  const nodes = await trees.nodes(feed, places.map(({ index }) => index))
  return places.flatMap(({ leaves }, at) => {
    const node = nodes[at]
    return node === undefined ? [] : [{ leaves, sizeBytes: node.size, hash: node.hash }]
  })
}

/** What an earlier scheduler gave a slot behind the end of its epoch has none: it may be sent, and scheduled, again. */
async function forgetBehind(log: EpochLog, old: FeedSpec, { prologue, firstSlot }: ProcessDescription): Promise<void> {
  const length = prologue?.length ?? 0
  if ((await log.length(old)) <= length) return
  for await (const bytes of log.blocks(old, length)) {
    const ids = idsOf(bytes, old.process)
    if (ids.length > 0) await log.messages.forget(old.process, ids, firstSlot ?? 0)
  }
}

/** What a block gives slots to: nothing, if its scheduler signed what is no frame. */
function idsOf(bytes: Uint8Array, process: ProcessId): readonly MessageId[] {
  try {
    const { firstSlot, assignments } = decodeFrame(bytes)
    return assignments.map(({ envelope }, at) => envelopeId(envelope, process, firstSlot + at))
  } catch {
    return []
  }
}
