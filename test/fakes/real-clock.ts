import { type Clock, Failure } from '../../protocol/index.ts'

/** A clock that tells the time of the machine: for tests in which a real server waits. */
export const realClock: Clock = {
  now: () => Date.now(),
  elapsed: () => Math.floor(performance.now()),
  sleep: (ms, options) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms)
      options?.signal?.addEventListener(
        'abort',
        () => {
          clearTimeout(timer)
          reject(new Failure('aborted', {}, { cause: options.signal?.reason }))
        },
        { once: true },
      )
    }),
}
