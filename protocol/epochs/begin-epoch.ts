import { equalBytes } from '../codec/bytes.ts'
import { feedPlaces, treeAt } from '../feeds/feed-inclusion.ts'
import { messagesFeed } from '../feeds/feed-spec.ts'
import { decodeFrame, envelopeId } from '../feeds/frame.ts'
import type { MessageId, Slot } from '../ids.ts'
import { FEED_PIECE_BYTES } from '../limits/limits.ts'
import type { FeedPrologue, FeedSpec, FeedSubtree, Log, SignedBlocks } from '../ports.ts'
import type { ProcessDescription } from '../process/process.ts'

type EpochLog = Pick<Log, 'length' | 'block' | 'blocks' | 'take' | 'trees' | 'messages' | 'sync'>

/**
 * Makes the feed of a process's present epoch begin with its prologue, from what is held of earlier feeds. Idempotent. If it `isNew`
 * here, what stood behind the prologue is forgotten: it stands nowhere any more. Not later: it may have been sent again meanwhile.
 * False, if no earlier feed holds these blocks: then they have to be taken over from others.
 */
export async function beginEpoch(
  log: EpochLog,
  process: ProcessDescription,
  { isNew }: { readonly isNew: boolean },
): Promise<boolean> {
  const { prologue, earlier = [], firstSlot = 0 } = process
  if (prologue === undefined) return true
  const feed = messagesFeed(process)
  const isWhole = (await log.length(feed)) >= prologue.length
  if (isWhole && !isNew) return true
  // Trees are read from disk.
  await log.sync()
  for (const epoch of isNew ? [...earlier].reverse() : []) {
    const old = messagesFeed({ id: process.id, ...epoch })
    // Of another branch, or one that ends earlier, nothing is known to stay; what does is found again as it is taken over.
    await forgetBehind(
      log,
      old,
      feed,
      (await holds(log, old, prologue)) ? { block: prologue.length, slot: firstSlot } : { block: 0, slot: 0 },
    )
  }
  if (isWhole) return true
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
    if (answer.status !== 'taken' || answer.length <= from)
      throw new TypeError(`a prologue that was checked is ${answer.status}`)
    from = answer.length
  }
  await log.sync()
}

const NO_SIGNATURE = new Uint8Array(0)

async function subtreesBetween({ trees }: EpochLog, feed: FeedSpec, from: number, to: number): Promise<FeedSubtree[]> {
  const places = feedPlaces(from, to)
  const nodes = await trees.nodes(
    feed,
    places.map(({ index }) => index),
  )
  return places.flatMap(({ leaves }, at) => {
    const node = nodes[at]
    return node === undefined ? [] : [{ leaves, sizeBytes: node.size, hash: node.hash }]
  })
}

/** What an earlier scheduler gave a slot behind the end of its epoch has none: it may be sent, and scheduled, again. */
async function forgetBehind(
  log: EpochLog,
  old: FeedSpec,
  feed: FeedSpec,
  from: { readonly block: number; readonly slot: Slot },
): Promise<void> {
  if ((await log.length(old)) <= from.block) return
  for await (const bytes of log.blocks(old, from.block)) {
    const places = placesIn(old, bytes)
    const last = Math.max(-1, ...places.values())
    // What stays has its slots, whatever a scheduler wrote behind it.
    for (const [id, slot] of places) if (slot < from.slot) places.delete(id)
    // Left undone when this node was last up, while the feed of this epoch grew already.
    for await (const block of log.blocks(feed, from.block)) {
      const kept = placesIn(feed, block)
      for (const [id, slot] of kept) if (places.get(id) === slot) places.delete(id)
      if (Math.max(-1, ...kept.values()) >= last) break
    }
    if (places.size > 0) await log.messages.forget(old.process, places)
  }
}

/** To what a block gives slots: nothing, if its scheduler signed what is no frame. */
function placesIn({ process }: FeedSpec, bytes: Uint8Array): Map<MessageId, Slot> {
  try {
    const { firstSlot, assignments } = decodeFrame(bytes)
    return new Map(
      assignments.map(({ envelope }, at) => [envelopeId(envelope, process, firstSlot + at), firstSlot + at]),
    )
  } catch {
    return new Map()
  }
}
