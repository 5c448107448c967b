import { type CallOptions, type Clock, Failure } from '../../protocol/index.ts'

const PAUSE_FIRST_MS = 10
const PAUSE_MAX_MS = 200

/**
 * Repeats `ask` while it fails for something that is not there yet, as long as the time limit allows.
 * Each try gets the time that is left.
 * @throws {Failure} the last one
 */
export async function untilKnown<T>(
  clock: Clock,
  options: CallOptions & { readonly timeoutMs: number },
  ask: (left: CallOptions) => Promise<T>,
): Promise<T> {
  const { signal } = options
  const deadline = clock.elapsed() + options.timeoutMs
  for (let pauseMs = PAUSE_FIRST_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)) {
    try {
      return await ask({ signal, timeoutMs: Math.max(0, deadline - clock.elapsed()) })
    } catch (error) {
      if (!isNotYet(error) || clock.elapsed() + pauseMs > deadline) throw error
      await clock.sleep(pauseMs, { signal, for: 'wait' })
    }
  }
}

function isNotYet(error: unknown): boolean {
  return Failure.is(error, 'unknown-message') || Failure.is(error, 'unknown-slot')
}
