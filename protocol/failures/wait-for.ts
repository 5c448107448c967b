import { Failure } from './failure.ts'
import type { CallOptions, Clock } from '../ports.ts'

/** Why the wait for a time limit ends when the work did: not worth an error with a stack. */
const OVER = 'over'

/** Waits for `work`, but not longer than the options allow; the work goes on. @throws {Failure} `timeout`, `aborted` */
export function waitFor<T>(work: Promise<T>, clock: Clock, { signal, timeoutMs }: CallOptions): Promise<T> {
  if (signal?.aborted === true) return Promise.reject(new Failure('aborted'))
  return new Promise<T>((resolve, reject) => {
    const over = new AbortController()
    const abort = (): void => end(() => reject(new Failure('aborted', {}, { cause: signal?.reason })))
    const end = (settle: () => void): void => {
      over.abort(OVER)
      signal?.removeEventListener('abort', abort)
      settle()
    }
    signal?.addEventListener('abort', abort, { once: true })
    if (timeoutMs !== undefined) {
      clock.sleep(timeoutMs, { signal: over.signal, for: 'wait' }).then(
        () => end(() => reject(new Failure('timeout', { timeoutMs }))),
        () => undefined,
      )
    }
    work.then(
      value => end(() => resolve(value)),
      error => end(() => reject(error)),
    )
  })
}
