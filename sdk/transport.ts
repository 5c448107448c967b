import type { CallOptions, OperationInput, OperationOutput, RequestName, StreamName } from '../protocol/index.ts'
import type { Surroundings } from './surroundings.ts'

export interface StreamOptions extends Pick<CallOptions, 'signal'> {
  /** Told whenever something comes from a node elsewhere, be it only a sign of life. */
  readonly heard?: (() => void) | undefined
}

/** The way from a client to the operations of a node: over HTTP, or by a call in the same program. */
export interface Transport {
  /** Time and chance of whoever uses it; the machine's, if not given. */
  readonly around?: Surroundings | undefined
  /** Asks once. @throws {Failure} what the node answered, or `unreachable`, `timeout`, `aborted` */
  request<N extends RequestName>(name: N, input: OperationInput<N>, options?: CallOptions): Promise<OperationOutput<N>>
  /** Values one after the other, until the node ends them or the signal does. @throws {Failure} as `request` */
  stream<N extends StreamName>(
    name: N,
    input: OperationInput<N>,
    options?: StreamOptions,
  ): AsyncIterable<OperationOutput<N>>
}
