import { Failure, type ProcessId, type ResultView, type Slot } from '../protocol/index.ts'
import { withRetries } from './retry.ts'
import { sleep } from './time-limit.ts'
import type { Transport } from './transport.ts'

/** Which results to follow, and until when. */
export interface FollowOptions {
  /** The first slot wanted; those that are evaluated from now on, if not given. */
  readonly from?: Slot | undefined
  /** Ends before this slot; never, if not given. */
  readonly to?: Slot | undefined
  /** Ends the iteration with `aborted`. */
  readonly signal?: AbortSignal | undefined
  /** How long a node may be out of reach before this gives up. */
  readonly timeoutMs?: number | undefined
}

const OUT_OF_REACH_MAX_MS = 60_000
const PAUSE_MS = 200

/**
 * Results in slot order, each exactly once: the cursor is the slot, so a lost connection is taken up where it broke.
 * @throws {Failure} `aborted`; `unreachable` when the node stays away; what is not transient
 */
export async function* followResults(
  transport: Transport,
  process: ProcessId,
  options: FollowOptions,
): AsyncGenerator<ResultView> {
  const { signal, to = Number.MAX_SAFE_INTEGER, timeoutMs = OUT_OF_REACH_MAX_MS } = options
  let next =
    options.from ??
    (await withRetries(
      { signal, timeoutMs },
      timeoutMs,
      async limits => (await transport.request('process', { process }, limits)).evaluated,
    ))
  let reachedMs = performance.now()
  while (next < to) {
    try {
      for await (const result of transport.stream(
        'followResults',
        { process, from: next },
        { signal },
      )) {
        reachedMs = performance.now()
        if (result.slot < next) continue
        next = result.slot + 1
        yield result
        if (next >= to) return
        reachedMs = performance.now()
      }
    } catch (error) {
      const isOver = performance.now() - reachedMs > timeoutMs
      if (!Failure.is(error) || error.blame !== 'transient' || error.code === 'aborted' || isOver)
        throw error
    }
    await sleep(PAUSE_MS, signal)
  }
}
