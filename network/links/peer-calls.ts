import {
  type CallOptions,
  Failure,
  type KeyId,
  MalformedBytes,
  PEER_OPERATIONS,
  type PeerAnswer,
  type PeerOperationName,
  type PeerOperationRow,
  type PeerRequest,
  type PeerStreamName,
} from '../../protocol/index.ts'
import type { Links } from './links.ts'

/** What this node asks of peers, typed by the table of operations. */
export class PeerCalls {
  readonly #links: Links
  readonly #offence: (peer: KeyId, what: string) => void

  constructor(links: Links, offence: (peer: KeyId, what: string) => void) {
    this.#links = links
    this.#offence = offence
  }

  /** See `Network.call`. */
  async call<N extends Exclude<PeerOperationName, PeerStreamName>>(
    peer: KeyId,
    name: N,
    request: PeerRequest<N>,
    options?: CallOptions,
  ): Promise<PeerAnswer<N>> {
    const row = rowFor(name)
    const link = await this.#links.to(peer)
    return this.#read(peer, name, await link.one(name, row as PeerOperationRow, row.request.encode(request), options))
  }

  /** See `Network.follow`. */
  async *follow<N extends PeerStreamName>(
    peer: KeyId,
    name: N,
    request: PeerRequest<N>,
    options?: Pick<CallOptions, 'signal'>,
  ): AsyncGenerator<PeerAnswer<N>> {
    const row = rowFor(name)
    const link = await this.#links.to(peer)
    const answers = link.many(name, row as PeerOperationRow, row.request.encode(request), options)
    for await (const bytes of answers) yield this.#read(peer, name, bytes)
  }

  #read<N extends PeerOperationName>(peer: KeyId, name: N, bytes: Uint8Array): PeerAnswer<N> {
    try {
      return rowFor(name).answer.decode(bytes)
    } catch (cause) {
      if (!(cause instanceof MalformedBytes)) throw cause
      this.#offence(peer, `an answer to ${name} that is not of its shape`)
      throw new Failure('unreachable', { peer, operation: name }, { cause, note: 'its answer makes no sense' })
    }
  }
}

function rowFor<N extends PeerOperationName>(name: N): PeerOperationRow<PeerRequest<N>, PeerAnswer<N>> {
  return PEER_OPERATIONS[name] as unknown as PeerOperationRow<PeerRequest<N>, PeerAnswer<N>>
}
