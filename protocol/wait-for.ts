import { Failure } from './failure.ts'
import type { CallOptions, Clock } from './ports.ts'

/** Why the wait for a time limit ends when the work did: not worth an error with a stack. */
const OVER = 'over'

/** Waits for `work`, but not longer than the options allow; the work goes on. @throws {Failure} `timeout`, `aborted` */
export async function waitFor<T>(work: Promise<T>, clock: Clock, { signal, timeoutMs }: CallOptions): Promise<T> {
  if (signal?.aborted === true) throw new Failure('aborted')
  const { promise, reject } = Promise.withResolvers<never>()
  const over = new AbortController()
  if (timeoutMs !== undefined) {
    clock.sleep(timeoutMs, { signal: over.signal, for: 'wait' }).then(
      () => reject(new Failure('timeout', { timeoutMs })),
      () => undefined,
    )
  }
  const abort = (): void => reject(new Failure('aborted', {}, { cause: signal?.reason }))
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    over.abort(OVER)
    signal?.removeEventListener('abort', abort)
    work.catch(() => undefined)
  }
}
