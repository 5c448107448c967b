import { equalBytes, Failure, type NewBlock } from '../protocol/index.ts'
import { type FeedState, freeze } from './feed-state.ts'
import type { NamedBlock } from './journal-format.ts'
import type { JournalledBlock } from './journal.ts'
import type { OpenFeeds } from './open-feeds.ts'
import type { WriteBehind } from './write-behind.ts'

const READ_TOGETHER = 256
/** Bytes of frozen feeds that are carried from segment to segment, each time again; more than that holds the segments where it stands. */
const CARRIED_MAX_BYTES = 16 * 1024 * 1024
/** What a block costs in a segment besides its bytes, and more. */
const BLOCK_OVERHEAD_BYTES = 1024

export interface RecoveryParts {
  readonly feeds: OpenFeeds
  readonly behind: WriteBehind
  readonly stateOf: (block: NewBlock) => FeedState
  readonly onProgress: (done: number, total: number) => void
}

/** Journalled blocks of one feed, in order. */
interface FeedBlocks {
  readonly state: FeedState
  readonly blocks: JournalledBlock[]
}

/** What the journal is still needed for. */
export interface Recovered {
  /** For each segment, how many of its blocks are not in their Hypercores yet. */
  readonly outstanding: ReadonlyMap<number, number>
  /** Blocks among these of feeds that are frozen, and how many of each segment. They are the evidence: none may be lost. */
  readonly frozen: { readonly blocks: readonly NamedBlock[]; readonly outstanding: ReadonlyMap<number, number> }
}

/**
 * Compares the journal with the feeds and gives back to each feed what it lost. A feed that misses blocks
 * from before the journal, or holds other blocks, is frozen at what both agree on.
 */
export async function recover(
  journalled: readonly JournalledBlock[],
  { feeds, behind, stateOf, onProgress }: RecoveryParts,
): Promise<Recovered> {
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
  const frozen = { blocks: [] as NamedBlock[], outstanding: new Map<number, number>() }
  let [done, carriedBytes] = [0, 0]
  for (const { state, blocks } of all) {
    const missing = await compare(state, blocks, feeds)
    const sizeBytes = missing.reduce((sum, { block }) => sum + block.bytes.length + BLOCK_OVERHEAD_BYTES, 0)
    const isCarried = state.frozen !== undefined && carriedBytes + sizeBytes <= CARRIED_MAX_BYTES
    if (isCarried) carriedBytes += sizeBytes
    for (const { block, generation } of missing) {
      count(outstanding, generation)
      if (isCarried) {
        count(frozen.outstanding, generation)
        frozen.blocks.push({ name: state.name, block })
      }
      const { bytes, signature } = block
      if (state.frozen === undefined)
        behind.add(state, { bytes, generation, proof: signature && { signature, rest: [] } })
    }
    done += blocks.length
    onProgress(done, journalled.length)
  }
  return { outstanding, frozen }
}

/** What is carried from segment to segment stands in several. */
function isRepeated({ block }: JournalledBlock, before: readonly JournalledBlock[]): boolean {
  const isSame = (other: JournalledBlock | undefined): boolean =>
    other?.block.index === block.index && equalBytes(other.block.bytes, block.bytes)
  const [first, last] = [before[0]?.block.index ?? 0, before.at(-1)?.block.index ?? 0]
  return block.index <= last && (isSame(before[block.index - first]) || before.some(isSame))
}

function count(counts: Map<number, number>, generation: number): void {
  counts.set(generation, (counts.get(generation) ?? 0) + 1)
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
