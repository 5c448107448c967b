import {
  MalformedBytes,
  type MessageId,
  type ProcessId,
  type Receipt,
  type ResultView,
  type Slot,
} from '../protocol/index.ts'
import type { FollowOptions } from './follow.ts'
import { type AnsweredLater, readOutput } from './read-output.ts'
import { abortedBy } from './time-limit.ts'

/** How a pending message ended, and in which slot. */
export type Ended = AnsweredLater & { readonly slot: Slot }

interface Waiter {
  readonly resolve: (ended: Ended) => void
  readonly reject: (error: unknown) => void
}

/** One process whose results are followed because somebody waits. */
interface Followed {
  /** What ended before this slot was told. */
  next: Slot
  readonly waiters: Map<MessageId, Set<Waiter>>
  readonly aborter: AbortController
}

type Follow = (process: ProcessId, options: FollowOptions) => AsyncIterable<ResultView>

/**
 * Waits for messages that a slot left pending: a later slot of the same process tells how they ended. However many
 * wait for one process, its results are followed once, and only while somebody waits.
 */
export class ReplyWatch {
  readonly #follow: Follow
  readonly #followed = new Map<ProcessId, Followed>()

  constructor(follow: Follow) {
    this.#follow = follow
  }

  /** @throws {Failure} `aborted` by the signal; what following the results throws */
  async wait({ process, slot, id }: Receipt, signal: AbortSignal): Promise<Ended> {
    const followed = this.#followed.get(process) ?? this.#start(process, slot + 1)
    const { promise, resolve, reject } = Promise.withResolvers<Ended>()
    const waiter = { resolve, reject }
    const waiters = followed.waiters.get(id) ?? new Set()
    followed.waiters.set(id, waiters.add(waiter))
    const onAbort = (): void => reject(abortedBy(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    // What has been looked at before this wait began is looked at again, once, for this wait.
    if (followed.next > slot + 1)
      void this.#look(process, { from: slot + 1, to: followed.next, signal }, followed, waiter)
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', onAbort)
      if (waiters.delete(waiter) && waiters.size === 0) followed.waiters.delete(id)
      if (followed.waiters.size === 0) this.#end(process, followed)
    }
  }

  #start(process: ProcessId, next: Slot): Followed {
    const followed: Followed = { next, waiters: new Map(), aborter: new AbortController() }
    this.#followed.set(process, followed)
    void this.#run(process, followed)
    return followed
  }

  #end(process: ProcessId, followed: Followed): void {
    if (this.#followed.get(process) === followed) this.#followed.delete(process)
    followed.aborter.abort()
  }

  async #run(process: ProcessId, followed: Followed): Promise<void> {
    try {
      const { signal } = followed.aborter
      for await (const result of this.#follow(process, { from: followed.next, settling: true, signal })) {
        followed.next = result.slot + 1
        tell(result, followed)
      }
    } catch (error) {
      for (const waiters of followed.waiters.values()) for (const { reject } of waiters) reject(error)
    }
  }

  async #look(process: ProcessId, range: FollowOptions, followed: Followed, { reject }: Waiter): Promise<void> {
    try {
      for await (const result of this.#follow(process, range)) tell(result, followed)
    } catch (error) {
      reject(error)
    }
  }
}

function tell(result: ResultView, { waiters }: Followed): void {
  for (const settled of settledIn(result))
    for (const { resolve } of waiters.get(settled.message) ?? []) resolve({ ...settled, slot: result.slot })
}

/** A process may answer other messages in another form; those settle nothing. */
function settledIn({ status, output, slot }: ResultView): readonly AnsweredLater[] {
  if (status !== 'ok') return []
  try {
    return readOutput(output, { slot }).settled ?? []
  } catch (error) {
    if (error instanceof MalformedBytes) return []
    throw error
  }
}
