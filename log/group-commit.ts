import { Failure, type NewBlock } from '../protocol/index.ts'
import { diskFailure } from './disk-failure.ts'
import { type FeedState, isShared, visibleLength } from './feed-state.ts'
import type { Journal } from './journal.ts'
import type { NamedBlock } from './journal-format.ts'

/** One group holds no more than this, so that a large backlog is made durable piece by piece. */
const GROUP_MAX_BYTES = 8 * 1024 * 1024
/** Quiet time after which the journal is sealed. */
const SEAL_AFTER_MS = 10

/** A block and what is known of its feed. */
export interface PlacedBlock {
  readonly state: FeedState
  readonly block: NewBlock
}

interface Request {
  readonly blocks: readonly PlacedBlock[]
  readonly bytes: number
  readonly resolve: () => void
  readonly reject: (failure: Failure) => void
}

export interface GroupCommitParts {
  readonly journal: Journal
  /** These blocks are durable now, in that segment. Called before their committers hear of it. */
  readonly onDurable: (blocks: readonly PlacedBlock[], generation: number) => void
}

/** One writer: whatever waits when the disk is free becomes durable by one fdatasync. */
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

  /** Holds on to the states meanwhile. @throws {Failure} `feed-frozen` if a block does not follow its feed; `disk-full`, `disk-fault` */
  commit(blocks: readonly PlacedBlock[]): Promise<void> {
    return new Promise((resolve, reject) => {
      let bytes = 0
      for (const { state, block } of blocks) {
        state.users++
        bytes += block.bytes.length
      }
      this.#queue.push({ blocks, bytes, resolve, reject })
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
    for (const { blocks, resolve } of requests) {
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
      const failure = place(request.blocks, lengths)
      if (failure === undefined) {
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

function refuse({ blocks, reject }: Request, failure: Failure): void {
  release(blocks)
  reject(failure)
}

/** Adds the blocks to `lengths` if every one stands at the end of its feed; all or none. */
function place(
  blocks: readonly PlacedBlock[],
  lengths: Map<FeedState, number>,
): Failure | undefined {
  for (const [at, { state, block }] of blocks.entries()) {
    const expected = lengths.get(state) ?? visibleLength(state)
    if (state.frozen !== undefined || block.index !== expected) {
      for (const { state: placed } of blocks.slice(0, at))
        lengths.set(placed, (lengths.get(placed) ?? 0) - 1)
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
