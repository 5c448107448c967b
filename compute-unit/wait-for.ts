import { type CallOptions, Failure } from '../protocol/index.ts'

/** Waits for `work`, but not longer than the options allow; the work goes on. @throws {Failure} `timeout`, `aborted` */
export async function waitFor<T>(work: Promise<T>, { signal, timeoutMs }: CallOptions): Promise<T> {
  if (signal?.aborted === true) throw new Failure('aborted')
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => reject(new Failure('timeout', { timeoutMs })), timeoutMs)
  const abort = (): void => reject(new Failure('aborted', {}, { cause: signal?.reason }))
  signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
    work.catch(() => undefined)
  }
}
