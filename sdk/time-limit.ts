import { type CallOptions, Failure } from '../protocol/index.ts'

/**
 * Runs `run` until its end, the time limit or the caller's signal, whichever comes first; `run` gets a signal
 * that fires for both. @throws {Failure} `timeout`, `aborted`, or what `run` throws
 */
export async function withTimeLimit<T>(
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
  const timer = setTimeout(() => end(new Failure('timeout', { timeoutMs })), timeoutMs)
  try {
    return await Promise.race([run(aborter.signal), ended])
  } finally {
    clearTimeout(timer)
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

/** Resolves after `ms`. @throws {Failure} `aborted` */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(abortedBy(signal))
    const onAbort = (): void => {
      clearTimeout(timer)
      reject(abortedBy(signal))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
