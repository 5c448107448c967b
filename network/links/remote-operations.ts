import {
  type CallOptions,
  decodeNativeAnswer,
  encodeNativeCall,
  Failure,
  type KeyId,
  type OperationInput,
  type OperationOutput,
  type RequestName,
  rowOf,
  type StreamName,
} from '../../protocol/index.ts'
import type { Network } from '../network.ts'

/** Operations of the native API, carried out by another node. Nobody there is believed: see what proves an answer. */
export class RemoteOperations {
  readonly #network: Pick<Network, 'call' | 'follow'>

  constructor(network: Pick<Network, 'call' | 'follow'>) {
    this.#network = network
  }

  /** Asks for one answer. @throws {Failure} what the node answered; `unreachable`, `timeout`, `aborted`, `not-permitted` */
  async request<N extends RequestName>(
    peer: KeyId,
    name: N,
    input: OperationInput<N>,
    options?: CallOptions,
  ): Promise<OperationOutput<N>> {
    return decodeNativeAnswer(name, await this.#network.call(peer, 'call', encodeNativeCall(name, input), options))
  }

  /** Values one after the other, until the node ends them or the signal does. @throws {Failure} as `request` */
  async *stream<N extends StreamName>(
    peer: KeyId,
    name: N,
    input: OperationInput<N>,
    options?: Pick<CallOptions, 'signal'>,
  ): AsyncGenerator<OperationOutput<N>> {
    if (rowOf(name).answer.kind !== 'stream') throw new Failure('malformed-request', { operation: name })
    for await (const bytes of this.#network.follow(peer, 'follow', encodeNativeCall(name, input), options)) {
      yield decodeNativeAnswer(name, bytes)
    }
  }
}
