import { Failure, type ProcessId, type ResultView, type Slot, STREAM_HEARTBEAT_MS } from '../protocol/index.ts'
import { pause, withRetries } from './retry.ts'
import { machine } from './surroundings.ts'
import type { Transport } from './transport.ts'

/** Which results to follow, and until when. */
export interface FollowOptions {
  /** The first slot wanted; those that are evaluated from now on, if not given. */
  readonly from?: Slot | undefined
  /** Ends before this slot; never, if not given. */
  readonly to?: Slot | undefined
  /** Only those in which messages ended that earlier slots had left open; others may come, too. */
  readonly settling?: boolean | undefined
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
      transport,
      { signal, timeoutMs },
      timeoutMs,
      async limits => (await transport.request('process', { process }, limits)).evaluated,
    ))
  const { around = machine } = transport
  const now = (): number => around.clock.now()
  let { settling } = options
  let reachedMs = now()
  while (next < to) {
    const openedMs = now()
    // A node that opens each stream and then fails is out of reach: life of its own a stream shows by a result, or by a heartbeat.
    const heard = (): void => {
      if (now() - openedMs >= STREAM_HEARTBEAT_MS) reachedMs = now()
    }
    const input = { process, from: next, settling }
    try {
      for await (const result of transport.stream('followResults', input, { signal, heard })) {
        reachedMs = now()
        if (result.slot < next) continue
        next = result.slot + 1
        yield result
        if (next >= to) return
        reachedMs = now()
      }
    } catch (error) {
      if (settling && Failure.is(error, 'malformed-request')) {
        // A node of a time before there was `settling`: it sends them all.
        settling = undefined
        continue
      }
      const isOver = now() - reachedMs > timeoutMs
      if (!Failure.is(error) || error.blame !== 'transient' || error.code === 'aborted' || isOver) throw error
    }
    await pause(around, PAUSE_MS, signal)
  }
}
