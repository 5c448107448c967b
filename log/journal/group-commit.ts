import { type Commitment, Failure, type NewBlock } from '../../protocol/index.ts'
import { diskFailure } from '../disk-failure.ts'
import { type FeedState, isShared, visibleLength } from '../feeds/feed-state.ts'
import type { Journal } from './journal.ts'
import type { NamedBlock } from './journal-format.ts'

/** One group holds no more than this, so that a large backlog is made durable piece by piece. */
const GROUP_MAX_BYTES = 8 * 1024 * 1024
/** Quiet time after which the journal is sealed. Longer than a client takes for its next request: a commit waits for a seal that is being written. */
const SEAL_AFTER_MS = 100

/** A block and what is known of its feed. */
export interface PlacedBlock {
  readonly state: FeedState
  readonly block: NewBlock
}

interface Request {
  readonly blocks: readonly PlacedBlock[]
  readonly bytes: number
  readonly commitment: Commitment | undefined
  readonly resolve: () => void
  readonly reject: (failure: Failure) => void
}

export interface GroupCommitParts {
  readonly journal: Journal
  /** These blocks are durable now, in that segment. Called before their committers hear of it. */
  readonly onDurable: (blocks: readonly PlacedBlock[], generation: number) => void
}

/**
 * One writer: whatever waits when the disk is free becomes durable by one fdatasync.
 *
 * 1. Groups are written in the order in which commits came; a group is on the disk as a whole or not at all.
 * 2. If one fails, so does all that waits behind it.
 * 3. What builds on another commit is written with it or after it, never without: the one behind it is refused else.
 */
export class GroupCommit {
  readonly #parts: GroupCommitParts
  #queue: Request[] = []
  #running: Promise<void> | undefined
  #writing: Promise<void> | undefined
  #held: Promise<void> | undefined
  #sealTimer: NodeJS.Timeout | undefined

  constructor(parts: GroupCommitParts) {
    this.#parts = parts
  }

  /**
   * Holds on to the states meanwhile. @throws {Failure} `feed-frozen` if a block does not follow its feed; `disk-full`, `disk-fault`;
   * `busy` if what it builds on is not durable by then
   */
  commit(blocks: readonly PlacedBlock[], commitment?: Commitment): Promise<void> {
    return new Promise((resolve, reject) => {
      let bytes = 0
      for (const { state, block } of blocks) {
        state.users++
        bytes += block.bytes.length
      }
      commitment?.advance('queued')
      this.#queue.push({ blocks, bytes, commitment, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when nothing is being written; the caller sees to it that nothing new comes. */
  async drain(): Promise<void> {
    while (this.#running !== undefined) await this.#running
    clearTimeout(this.#sealTimer)
  }

  /** Has commits wait until that is disposed; resolves when nothing is being written. */
  async hold(): Promise<Disposable> {
    while (this.#held !== undefined) await this.#held
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#held = promise
    await this.#writing
    return {
      [Symbol.dispose]: () => {
        this.#held = undefined
        resolve()
      },
    }
  }

  async #run(): Promise<void> {
    clearTimeout(this.#sealTimer)
    // What else is committed in this turn of the loop shares the first group.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      while (this.#held !== undefined) await this.#held
      this.#writing = this.#writeGroup()
      await this.#writing
      this.#writing = undefined
    }
    this.#running = undefined
    this.#sealTimer = setTimeout(() => this.#seal(), SEAL_AFTER_MS)
    this.#sealTimer.unref()
  }

  async #writeGroup(): Promise<void> {
    const requests = this.#take()
    if (requests.length === 0) return
    const group: NamedBlock[] = []
    for (const { blocks } of requests) {
      for (const { state, block } of blocks) group.push({ name: state.name, block })
    }
    let generation: number
    try {
      generation = await this.#parts.journal.append(group)
    } catch (error) {
      const failure = diskFailure(error, 'journal')
      // Those that came meanwhile may follow blocks that are not there now.
      for (const request of [...requests, ...this.#queue.splice(0)]) refuse(request, failure)
      return
    }
    for (const { blocks, commitment, resolve } of requests) {
      commitment?.settle('durable')
      this.#parts.onDurable(blocks, generation)
      release(blocks)
      resolve()
    }
  }

  /** Requests for one group whose blocks follow their feeds; the others are refused. */
  #take(): Request[] {
    const taken: Request[] = []
    const lengths = new Map<FeedState, number>()
    let bytes = 0
    let count = 0
    for (const request of this.#queue) {
      if (taken.length > 0 && bytes + request.bytes > GROUP_MAX_BYTES) break
      count++
      const failure = unfounded(request) ?? place(request.blocks, lengths)
      if (failure === undefined) {
        request.commitment?.advance('writing')
        taken.push(request)
        bytes += request.bytes
      } else {
        refuse(request, failure)
      }
    }
    this.#queue.splice(0, count)
    return taken
  }

  #seal(): void {
    this.#running ??= this.#parts.journal.seal().then(() => {
      this.#running = undefined
      if (this.#queue.length > 0) this.#running = this.#run()
    })
  }
}

function release(blocks: readonly PlacedBlock[]): void {
  for (const { state } of blocks) state.users--
}

function refuse({ blocks, commitment, reject }: Request, failure: Failure): void {
  commitment?.settle('failed')
  release(blocks)
  reject(failure)
}

/** Why a commit is refused whose foundation is missing, if it is. */
function unfounded({ blocks, commitment }: Request): Failure | undefined {
  if (commitment?.isFounded !== false) return undefined
  return new Failure(
    'busy',
    { process: blocks[0]?.block.feed.process ?? '' },
    { note: 'what it builds on did not become durable' },
  )
}

/** Adds the blocks to `lengths` if every one stands at the end of its feed; all or none. */
function place(blocks: readonly PlacedBlock[], lengths: Map<FeedState, number>): Failure | undefined {
  for (const [at, { state, block }] of blocks.entries()) {
    const expected = lengths.get(state) ?? visibleLength(state)
    if (state.frozen !== undefined || block.index !== expected) {
      for (const { state: placed } of blocks.slice(0, at)) lengths.set(placed, (lengths.get(placed) ?? 0) - 1)
      if (state.frozen !== undefined) return state.frozen
      return new Failure('feed-frozen', {
        process: block.feed.process,
        expected,
        index: block.index,
      })
    }
    lengths.set(state, expected + 1)
  }
  return undefined
}

/** What several sign comes with their signatures over the last of the blocks: it could not reach its Hypercore otherwise. */
export function refuseUnsigned(placed: readonly PlacedBlock[]): void {
  for (const [at, { state, block }] of placed.entries()) {
    if (!isShared(state) || block.signature !== undefined) continue
    if (placed[at + 1]?.state !== state)
      throw new TypeError('the last block of a commit to a shared feed has no signatures')
  }
}
