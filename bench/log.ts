/**
 * Durable messages a second, and processor time for each, with blocks of 200 bytes and one message each.
 * Run: node bench/log.ts [seconds]
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HypercoreLog } from '../log/index.ts'
import {
  asKeyId,
  asMessageId,
  asProcessId,
  ed25519PublicKey,
  type FeedSpec,
  type NewBlock,
  toBase64Url,
} from '../protocol/index.ts'

const BLOCK_SIZE_BYTES = 200
const seconds = Number(process.argv[2] ?? 4)
const seed = randomBytes(32)
const nodeKey = asKeyId(toBase64Url(ed25519PublicKey(seed)))

interface Feed {
  readonly spec: FeedSpec
  next: number
}

function makeFeeds(count: number): Feed[] {
  return Array.from({ length: count }, () => ({
    spec: {
      kind: 'messages',
      process: asProcessId(toBase64Url(randomBytes(32))),
      epoch: 0,
      signers: [nodeKey],
      quorum: 1,
    },
    next: 0,
  }))
}

function nextBlock(feed: Feed): NewBlock {
  const index = feed.next++
  const bytes = new Uint8Array(randomBytes(BLOCK_SIZE_BYTES))
  return {
    feed: feed.spec,
    index,
    firstSlot: index,
    bytes,
    ids: [asMessageId(toBase64Url(randomBytes(32)))],
  }
}

/** `writers` callers, each committing `each` blocks of one feed at a time, for some seconds; then all is drained. */
async function run(feedCount: number, writers: number, each: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'atoll-bench-log-'))
  const log = await HypercoreLog.open({ directory, keySeed: seed })
  try {
    const feeds = makeFeeds(feedCount)
    for (const feed of feeds) await log.length(feed.spec)
    const before = process.cpuUsage()
    const groupsBefore = log.figures.groups
    const start = performance.now()
    let blocks = 0
    const write = async (writer: number): Promise<void> => {
      for (let turn = writer; performance.now() - start < seconds * 1000; turn += writers) {
        const feed = feeds[turn % feedCount]
        if (feed === undefined) return
        await log.commit(Array.from({ length: each }, () => nextBlock(feed)))
        blocks += each
      }
    }
    await Promise.all(Array.from({ length: Math.min(writers, feedCount) }, (_, writer) => write(writer)))
    const committed = performance.now() - start
    await log.drain()
    const drained = performance.now() - start
    const { user, system } = process.cpuUsage(before)
    const groups = log.figures.groups - groupsBefore
    console.log(
      `${feedCount} feeds, ${writers} writers x ${each} blocks: ${Math.round((blocks / committed) * 1000)}/s acknowledged, ` +
        `${Math.round((blocks / drained) * 1000)}/s all-in, ${((user + system) / blocks).toFixed(1)} us processor each ` +
        `(user ${(user / blocks).toFixed(1)}), ${(blocks / groups).toFixed(1)} blocks/fdatasync`,
    )
  } finally {
    await log[Symbol.asyncDispose]()
    await rm(directory, { recursive: true, force: true })
  }
}

const only = process.argv[3]
const cases: readonly (readonly [feeds: number, writers: number, each: number])[] = [
  [1, 1, 1],
  [1, 1, 16],
  [1000, 16, 1],
  [1000, 256, 1],
  [1000, 1000, 1],
  [1000, 1000, 4],
]
for (const [feeds, writers, each] of cases) {
  if (only === undefined || only === `${feeds}/${writers}/${each}`) await run(feeds, writers, each)
}
