import { checkInput, Failure, type OperationName, type Operations, REQUEST_TIMEOUT_MS } from '../protocol/index.ts'
import { machine, type Surroundings } from './surroundings.ts'
import { abortedBy, isAborted, withTimeLimit } from './time-limit.ts'
import type { Transport } from './transport.ts'

/** An operation without its types: the table has checked what goes in. */
type Untyped<T> = (input: unknown, options: { signal: AbortSignal }) => T

/** Reaches the operations of a node in the same program. Bytes are handed over, not copied: nobody may change them. */
export function inProcessTransport(operations: Operations, around: Surroundings = machine): Transport {
  const call = <T>(name: OperationName, input: unknown, signal: AbortSignal): T =>
    (operations[name] as Untyped<T>)(checkInput(name, input as never), { signal })
  return {
    around,
    request: (name, input, options = {}) =>
      withTimeLimit(around.clock, options, REQUEST_TIMEOUT_MS, async signal => {
        try {
          return await call(name, input, signal)
        } catch (error) {
          throw Failure.from(error)
        }
      }),
    async *stream(name, input, { signal } = {}) {
      const aborter = new AbortController()
      const onAbort = (): void => aborter.abort(signal?.reason)
      if (isAborted(signal)) throw abortedBy(signal)
      signal?.addEventListener('abort', onAbort, { once: true })
      try {
        yield* call<AsyncIterable<never>>(name, input, aborter.signal)
        if (isAborted(signal)) throw abortedBy(signal)
      } catch (error) {
        throw isAborted(signal) ? abortedBy(signal) : Failure.from(error)
      } finally {
        signal?.removeEventListener('abort', onAbort)
        aborter.abort()
      }
    },
  }
}
