import {
  asKeyId,
  asProcessId,
  decodeFrame,
  envelopeId,
  feedName,
  type FeedSpec,
  fromBase64Url,
  fromUtf8,
  MalformedBytes,
  type MessageId,
  readFrameHead,
  toUtf8,
} from '../../protocol/index.ts'
import type { EpochFolder } from '../feeds/epoch-folder.ts'
import type { FeedState } from '../feeds/feed-state.ts'
import type { StoredMessageIndex } from './message-index.ts'
import type { OpenFeeds } from '../feeds/open-feeds.ts'
import type { RocksStore } from './rocks-store.ts'

const PREFIX = 'log/replica/'
const LENGTH_SIZE_BYTES = 6
const READ_TOGETHER = 128

/**
 * Puts feeds that were taken over into the message index. No journal repairs it for them, so beside the index stands,
 * for each of them, how far it has come: written after what it speaks of, and looked at when the log is opened.
 */
export class ReplicaIndex {
  readonly #messages: StoredMessageIndex

  constructor(messages: StoredMessageIndex) {
    this.#messages = messages
  }

  /** Blocks were added to a feed, from block `from` on. */
  add(feed: FeedSpec, from: number, blocks: readonly Uint8Array[]): void {
    if (feed.kind !== 'messages') return
    for (const bytes of blocks) {
      const ids = idsOf(feed, bytes)
      if (ids !== undefined) this.#messages.add({ feed, ids, firstSlot: readFrameHead(bytes).firstSlot })
    }
    const value = Buffer.allocUnsafe(LENGTH_SIZE_BYTES)
    value.writeUIntBE(from + blocks.length, 0, LENGTH_SIZE_BYTES)
    this.#messages.note({ key: toUtf8(`${PREFIX}${feedName(feed)}`), value })
  }

  /** Adds what feeds hold and the index has lost, after a program ended in between. */
  async repair(parts: {
    readonly store: RocksStore
    readonly feeds: OpenFeeds
    readonly epochs: Pick<EpochFolder, 'endOf'>
    readonly stateOf: (feed: FeedSpec) => FeedState
  }): Promise<void> {
    const { store, feeds, epochs, stateOf } = parts
    const behind: Promise<{ feed: FeedSpec; indexed: number; stored: number } | undefined>[] = []
    for await (const { key, value } of store.range({ gte: toUtf8(PREFIX), lt: toUtf8('log/replica0') })) {
      const feed = feedNamed(fromUtf8(key).slice(PREFIX.length))
      if (feed === undefined) continue
      const indexed = Buffer.from(value).readUIntBE(0, LENGTH_SIZE_BYTES)
      // Lengths asked for together are read together.
      behind.push(
        feeds.storedLength(stateOf(feed)).then(length => {
          const stored = Math.min(length, epochs.endOf(feed.process, feed.epoch))
          return stored > indexed ? { feed, indexed, stored } : undefined
        }),
      )
    }
    for (const found of await Promise.all(behind)) {
      if (found === undefined) continue
      const { feed, indexed, stored } = found
      for (let at = indexed; at < stored; at += READ_TOGETHER) {
        const blocks = await feeds.read(stateOf(feed), at, Math.min(stored, at + READ_TOGETHER))
        this.add(
          feed,
          at,
          blocks.flatMap(block => (block === undefined ? [] : [block])),
        )
        await store.settled()
      }
    }
  }
}

/** Nothing if the block is no frame: what stands in a feed is its schedulers' word, not ours. */
function idsOf({ process }: FeedSpec, bytes: Uint8Array): readonly MessageId[] | undefined {
  try {
    const { firstSlot, assignments } = decodeFrame(bytes)
    return assignments.map(({ envelope }, at) => envelopeId(envelope, process, firstSlot + at))
  } catch (error) {
    if (error instanceof MalformedBytes) return undefined
    throw error
  }
}

/** The feed that `feedName` gave that name. */
function feedNamed(name: string): FeedSpec | undefined {
  const [kind, process, epoch, quorum, signers, length, hash] = name.split('/')
  if (kind !== 'messages' || process === undefined || signers === undefined) return undefined
  const keys = signers.split('+').map(asKeyId)
  const feed = {
    kind,
    process: asProcessId(process),
    epoch: Number(epoch),
    quorum: Number(quorum),
    signers: keys,
  } as const
  return hash === undefined ? feed : { ...feed, prologue: { length: Number(length), hash: fromBase64Url(hash) } }
}
