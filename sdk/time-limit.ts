import { type CallOptions, Failure } from '../protocol/index.ts'
import type { ClientClock } from './surroundings.ts'

/** Why the wait for a time limit ends when the work did: not worth an error with a stack. */
const OVER = 'over'

/**
 * Runs `run` until its end, the time limit or the caller's signal, whichever comes first; `run` gets a signal
 * that fires for both. @throws {Failure} `timeout`, `aborted`, or what `run` throws
 */
export async function withTimeLimit<T>(
  clock: ClientClock,
  options: CallOptions,
  defaultMs: number,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? defaultMs
  const aborter = new AbortController()
  const { signal } = options
  if (signal?.aborted === true) throw abortedBy(signal)
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const end = (failure: Failure): void => {
    reject(failure)
    aborter.abort(failure)
  }
  const onAbort = (): void => end(abortedBy(signal))
  signal?.addEventListener('abort', onAbort, { once: true })
  const over = new AbortController()
  clock.sleep(timeoutMs, { signal: over.signal, for: 'wait' }).then(
    () => end(new Failure('timeout', { timeoutMs })),
    () => undefined,
  )
  try {
    return await Promise.race([run(aborter.signal), ended])
  } finally {
    over.abort(OVER)
    signal?.removeEventListener('abort', onAbort)
  }
}

/** The failure of a wait that its caller ended. */
export function abortedBy(signal: AbortSignal | undefined): Failure {
  return new Failure('aborted', {}, { cause: signal?.reason })
}

/** Asked anew each time: a compiler would hold the first answer for the last. */
export function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}
