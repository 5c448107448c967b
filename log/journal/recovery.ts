import { equalBytes, Failure, type NewBlock } from '../../protocol/index.ts'
import type { CarriedBlocks } from './carried-blocks.ts'
import { type FeedState, freeze } from '../feeds/feed-state.ts'
import type { JournalledBlock } from './journal.ts'
import type { OpenFeeds } from '../feeds/open-feeds.ts'
import type { WriteBehind } from '../feeds/write-behind.ts'

const READ_TOGETHER = 256

export interface RecoveryParts {
  readonly feeds: OpenFeeds
  readonly behind: WriteBehind
  /** Takes along what frozen feeds have. */
  readonly carried: Pick<CarriedBlocks, 'add'>
  readonly stateOf: (block: NewBlock) => FeedState
  readonly onProgress: (done: number, total: number) => void
}

/** Journalled blocks of one feed, in order. */
interface FeedBlocks {
  readonly state: FeedState
  readonly blocks: JournalledBlock[]
}

/**
 * Compares the journal with the feeds and gives back to each feed what it lost. A feed that misses blocks
 * from before the journal, or holds other blocks, is frozen at what both agree on. Gives, for each segment, how many of its blocks are
 * not in their Hypercores yet.
 */
export async function recover(
  journalled: readonly JournalledBlock[],
  { feeds, behind, carried, stateOf, onProgress }: RecoveryParts,
): Promise<ReadonlyMap<number, number>> {
  const byFeed = new Map<FeedState, FeedBlocks>()
  for (const entry of journalled) {
    const state = stateOf(entry.block)
    const known = byFeed.get(state)
    if (known === undefined) byFeed.set(state, { state, blocks: [entry] })
    else if (!isRepeated(entry, known.blocks)) known.blocks.push(entry)
  }
  const all = [...byFeed.values()]
  await Promise.all(
    all.map(async ({ state }) => {
      state.stored = await feeds.storedLength(state)
      state.known = true
    }),
  )
  const outstanding = new Map<number, number>()
  let done = 0
  for (const { state, blocks } of all) {
    const missing = await compare(state, blocks, feeds)
    if (state.frozen !== undefined) carried.add(state.name, missing)
    for (const { block, generation } of missing) {
      outstanding.set(generation, (outstanding.get(generation) ?? 0) + 1)
      const { bytes, signature } = block
      if (state.frozen === undefined)
        behind.add(state, { bytes, generation, proof: signature && { signature, rest: [] } })
    }
    done += blocks.length
    onProgress(done, journalled.length)
  }
  return outstanding
}

/** What is carried from segment to segment stands in several. */
function isRepeated({ block }: JournalledBlock, before: readonly JournalledBlock[]): boolean {
  const isSame = (other: JournalledBlock | undefined): boolean =>
    other?.block.index === block.index && equalBytes(other.block.bytes, block.bytes)
  const [first, last] = [before[0]?.block.index ?? 0, before.at(-1)?.block.index ?? 0]
  return block.index <= last && (isSame(before[block.index - first]) || before.some(isSame))
}

/** The blocks that the feed does not hold; of a frozen feed all, which stay in the journal for ever. */
async function compare(
  state: FeedState,
  blocks: readonly JournalledBlock[],
  feeds: OpenFeeds,
): Promise<readonly JournalledBlock[]> {
  const { process } = state.feed
  const first = blocks[0]?.block.index ?? 0
  if (!state.own) {
    const failure = new Failure('feed-frozen', { process }, { note: 'another key signed it here' })
    freeze(state, failure, state.stored)
    return blocks
  }
  for (const [at, { block }] of blocks.entries()) {
    if (block.index === first + at) continue
    freeze(
      state,
      new Failure('feed-frozen', { process, index: block.index }, { note: 'the journal has a gap' }),
      state.stored,
    )
    return blocks
  }
  if (first > state.stored) {
    const details = { process, journal: first, feed: state.stored }
    freeze(
      state,
      new Failure('feed-frozen', details, { note: 'the feed lost more than the journal holds' }),
      state.stored,
    )
    return blocks
  }
  const held = blocks.filter(({ block }) => block.index < state.stored)
  for (let at = 0; at < held.length; at += READ_TOGETHER) {
    const some = held.slice(at, at + READ_TOGETHER)
    const read = await feeds.read(state, first + at, first + at + some.length)
    for (const [i, { block }] of some.entries()) {
      const bytes = read[i]
      if (bytes !== undefined && equalBytes(bytes, block.bytes)) continue
      const details = { process, index: block.index }
      freeze(state, new Failure('feed-frozen', details, { note: 'the feed contradicts the journal' }), block.index)
      return blocks
    }
  }
  return blocks.slice(held.length)
}
