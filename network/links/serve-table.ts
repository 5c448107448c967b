import {
  Failure,
  PEERS_REQUESTS_MAX_BYTES,
  peerRowOf,
  type PeerOperationName,
  type PeerOperations,
} from '../../protocol/index.ts'
import { AtOnce } from './at-once.ts'
import { FairShare } from './fair-share.ts'
import type { Serve } from './incoming-calls.ts'

/** What this node answers: decodes what is asked, has it carried out, encodes the answer. Refuses all until it is told by whom. */
export class ServeTable implements Serve {
  readonly atOnce = new AtOnce()
  readonly room = new FairShare(PEERS_REQUESTS_MAX_BYTES)
  #operations: PeerOperations | undefined
  #refusal = new Failure('busy', {}, { note: 'the node is starting' })

  /** From now on these carry it out. */
  begin(operations: PeerOperations): void {
    this.#operations = operations
  }

  /** From now on nothing is carried out. */
  end(): void {
    this.#operations = undefined
    this.#refusal = new Failure('shutting-down')
  }

  row = peerRowOf

  async one(...[name, payload, call]: Parameters<Serve['one']>): ReturnType<Serve['one']> {
    const row = peerRowOf(name)
    if (this.#operations === undefined || row === undefined) throw this.#refusal
    const serve = this.#operations[name as PeerOperationName] as (request: unknown, by: typeof call) => Promise<unknown>
    return row.answer.encode(await serve(row.request.decode(payload), call))
  }

  async *many(
    ...[name, payload, call]: Parameters<Serve['many']>
  ): ReturnType<Serve['many']> & AsyncGenerator<Uint8Array> {
    const row = peerRowOf(name)
    if (this.#operations === undefined || row === undefined) throw this.#refusal
    const serve = this.#operations[name as PeerOperationName] as unknown as (
      request: unknown,
      by: typeof call,
    ) => AsyncIterable<unknown>
    for await (const answer of serve(row.request.decode(payload), call)) yield row.answer.encode(answer)
  }
}
