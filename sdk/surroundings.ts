import type { Clock } from '../protocol/index.ts'
import type { Transport } from './transport.ts'

/** Of a client; its `now` is the date, and never goes back. */
export type ClientClock = Pick<Clock, 'now' | 'sleep'>

/** Time and chance, as a client meets them: a simulation brings its own. */
export interface Surroundings {
  readonly clock: ClientClock
  /** From [0, 1). */
  random(): number
  randomBytes(length: number): Uint8Array
}

/** Those of the machine. */
export const machine: Surroundings = {
  clock: {
    now: () => performance.timeOrigin + performance.now(),
    sleep(ms, { signal } = {}) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason)
        const onAbort = (): void => {
          clearTimeout(timer)
          reject(signal?.reason)
        }
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }, ms)
        signal?.addEventListener('abort', onAbort, { once: true })
      })
    },
  },
  random: () => Math.random(),
  randomBytes: length => globalThis.crypto.getRandomValues(new Uint8Array(length)),
}

/** Those of whoever uses a transport. */
export const aroundOf = (transport: Pick<Transport, 'around'>): Surroundings => transport.around ?? machine
