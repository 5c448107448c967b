import {
  type Clock,
  Failure,
  fromBase64Url,
  type KeyId,
  type Log,
  messagesFeed,
  type NewBlock,
  type Peers,
  type ProcessDescription,
  type ProcessId,
  type SignedBlocks,
  signedBlocksHold,
  toUtf8,
} from '../../protocol/index.ts'
import { type CommittedFrame, framesOf } from '../../scheduler-unit/index.ts'

export interface RestoredFeedsParts {
  readonly key: KeyId
  readonly log: Log
  readonly clock: Clock
  readonly peers: Pick<Peers, 'frames'> | undefined
  /** Nodes that are connected. */
  readonly connected: () => readonly KeyId[]
  /** Blocks of our own that came back. */
  readonly repaired: (frames: readonly CommittedFrame[]) => void
}

/** Pause before feeds that others could not be asked about are asked about again, and how often. */
const [AGAIN_MS, ATTEMPTS_MAX] = [2_000, 1_800]

/**
 * Feeds of our own in a data folder that was restored: what was acknowledged after the backup stands elsewhere only.
 *
 * 1. Nothing is appended to such a feed before everybody who follows it by name (its compute units and schedulers), or
 *    if there are none everybody who is connected, has been asked what it has, and what it has was taken back.
 * 2. If one of them cannot be reached, or there is nobody to ask, nothing is appended: `feed-behind`.
 * 3. A feed that contradicts what others have under our own signature is frozen.
 */
export class RestoredFeeds {
  readonly #parts: RestoredFeedsParts
  readonly #confirming = new Map<ProcessId, Promise<void>>()

  constructor(parts: RestoredFeedsParts) {
    this.#parts = parts
  }

  /** Resolves when it may be written to. @throws {Failure} `feed-behind`, `feed-frozen` */
  confirm(process: ProcessDescription): Promise<void> {
    if (this.#parts.log.restored !== true) return Promise.resolve()
    const known = this.#confirming.get(process.id)
    if (known !== undefined) return known
    const confirming = this.#confirm(process)
    this.#confirming.set(process.id, confirming)
    confirming.catch(() => this.#confirming.delete(process.id))
    return confirming
  }

  async #confirm(process: ProcessDescription): Promise<void> {
    const { log, key, peers, connected } = this.#parts
    const mark = markOf(process.id)
    if ((await log.store.get(mark)) !== undefined) return
    // A process that is just being spawned has no past.
    if ((await log.directory.process(process.id)) !== undefined) {
      const { computeUnits, schedulers } = process.policy
      const named = [...new Set([...computeUnits, ...schedulers])].filter(one => one !== key)
      const asked = named.length > 0 ? named : connected()
      if (peers === undefined || asked.length === 0) throw behind(process, 'nobody is there to ask')
      for (const peer of asked) await this.#takeBack(peers, process, peer)
    }
    log.store.write([{ key: mark, value: new Uint8Array([1]) }])
    await log.store.flush()
  }

  /** Takes back what a node has beyond the end of our own. */
  async #takeBack(peers: Pick<Peers, 'frames'>, process: ProcessDescription, peer: KeyId): Promise<void> {
    const { log } = this.#parts
    const feed = messagesFeed(process)
    for (;;) {
      const from = await log.length(feed)
      let piece: SignedBlocks | undefined
      try {
        piece = await peers.frames(peer, process.id, from)
      } catch (error) {
        const failure = Failure.from(error)
        if (failure.code === 'unknown-process') return
        throw behind(process, `${peer} cannot be asked: ${failure.message}`, error)
      }
      if (piece === undefined) return
      const roots = from === 0 ? [] : ((await log.prefix(feed, from))?.roots ?? [])
      if (signedBlocksHold(feed, roots, piece) === undefined) {
        const failure = new Failure(
          'feed-frozen',
          { process: process.id, length: from, peer },
          { note: 'a peer has what contradicts it, or proves nothing' },
        )
        throw failure
      }
      const { frames, spawn } = framesOf(process, from, piece.blocks)
      await log.commit(frames.map((frame): NewBlock => ({ ...frame, feed })))
      if (spawn !== undefined) await log.directory.addProcess(process, spawn)
      this.#parts.repaired(frames)
    }
  }

  /** Asks after all feeds of our own, so that they are whole before anybody writes to them. */
  async repairAll(): Promise<void> {
    const { log, key, clock } = this.#parts
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      let isWhole = true
      for (const process of await log.directory.processes({ limit: Number.MAX_SAFE_INTEGER })) {
        const { schedulers } = process.policy
        if (schedulers.length > 1 || schedulers[0] !== key) continue
        await this.confirm(process).catch(() => {
          isWhole = false
        })
      }
      if (isWhole) return
      await clock.sleep(AGAIN_MS, { for: 'upkeep' })
    }
  }
}

const MARK = toUtf8('node/confirmed/')

function markOf(process: ProcessId): Uint8Array {
  const key = new Uint8Array(MARK.length + 32)
  key.set(MARK)
  key.set(fromBase64Url(process), MARK.length)
  return key
}

function behind(process: ProcessDescription, note: string, cause?: unknown): Failure {
  return new Failure('feed-behind', { process: process.id }, { note, cause })
}
