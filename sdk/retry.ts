import { type CallOptions, Failure } from '../protocol/index.ts'
import { machine, type Surroundings } from './surroundings.ts'
import { abortedBy, withTimeLimit } from './time-limit.ts'
import type { Transport } from './transport.ts'

const PAUSE_FIRST_MS = 50
const PAUSE_MAX_MS = 2_000
/** Tries against a node that does not answer at all; one that says "busy" is asked until time is up. */
const UNANSWERED_MAX = 5
/** How long one wait asks a node to hold its answer. */
const HOLD_MAX_MS = 20_000
/** And what part of the time that is left, so that its answer comes before the caller's limit ends the wait. */
const HELD_SHARE = 0.9

/** Gives the pause before try number `attempt` (from 1): doubling, with full jitter, so that clients spread. */
function pauseMs(attempt: number, random: number): number {
  return random * Math.min(PAUSE_MAX_MS, PAUSE_FIRST_MS * 2 ** attempt)
}

/**
 * Repeats `run`, which must be safe to repeat, while its failure is transient.
 * @throws {Failure} the last one; `timeout` or `aborted` when the caller's limits end it
 */
export async function withRetries<T>(
  { around = machine }: Pick<Transport, 'around'>,
  options: CallOptions,
  defaultMs: number,
  run: (options: CallOptions) => Promise<T>,
): Promise<T> {
  let last: Failure | undefined
  try {
    return await withTimeLimit(around.clock, options, defaultMs, async signal => {
      for (let [attempt, unanswered] = [1, 0]; ; attempt++) {
        try {
          return await run({ signal })
        } catch (error) {
          if (!Failure.is(error) || error.blame !== 'transient' || error.code === 'aborted') throw error
          last = error
          if (error.code === 'unreachable' || error.code === 'timeout') unanswered += 1
          if (unanswered >= UNANSWERED_MAX) throw error
          await pause(around, pauseMs(attempt, around.random()), signal)
        }
      }
    })
  } catch (error) {
    throw Failure.is(error, 'timeout') && last !== undefined && last !== error
      ? new Failure('timeout', error.details, { cause: last })
      : error
  }
}

/**
 * Asks for what may take long: again and again, each time held by the node for a while, until it is there.
 * @throws {Failure} `timeout` once the caller's limit is over, and whatever is not transient
 */
export async function untilThere<T>(
  transport: Pick<Transport, 'around'>,
  options: CallOptions,
  defaultMs: number,
  ask: (waitMs: number, options: CallOptions) => Promise<T>,
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? defaultMs
  const { clock } = transport.around ?? machine
  const deadline = clock.now() + timeoutMs
  return withRetries(transport, options, defaultMs, async ({ signal }) => {
    for (;;) {
      const leftMs = Math.max(0, deadline - clock.now())
      const waitMs = Math.ceil(Math.min(HOLD_MAX_MS, leftMs * HELD_SHARE))
      try {
        return await ask(waitMs, { signal, timeoutMs: waitMs + 10_000 })
      } catch (error) {
        if (!Failure.is(error, 'timeout') || clock.now() >= deadline) throw error
      }
    }
  })
}

/** Waits before the next try. @throws {Failure} `aborted` */
export async function pause(
  { clock }: Pick<Surroundings, 'clock'>,
  ms: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  await clock.sleep(ms, { signal, for: 'wait' }).catch(() => {
    throw abortedBy(signal)
  })
}
