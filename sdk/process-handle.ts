import type {
  CallOptions,
  MessageId,
  ProcessId,
  ProcessStateView,
  QueryView,
  ResultView,
  Slot,
} from '../protocol/index.ts'
import type { Client, FollowOptions, QueryFields, SendFields } from './client.ts'
import type { Sent } from './sent.ts'

/** A process by its id; asking for one costs nothing and does not say that it exists. */
export class ProcessHandle {
  readonly id: ProcessId
  /** Its spawn message, if it was spawned through this handle. */
  readonly spawned: Sent | undefined
  readonly #client: Client

  constructor(client: Client, id: ProcessId, spawned?: Sent) {
    this.#client = client
    this.id = id
    this.spawned = spawned
  }

  send(fields: Omit<SendFields, 'process'>, options?: CallOptions): Promise<Sent> {
    return this.#client.send({ ...fields, process: this.id }, options)
  }

  query(fields: Omit<QueryFields, 'process'>, options?: CallOptions): Promise<QueryView> {
    return this.#client.query({ ...fields, process: this.id }, options)
  }

  result(at: Slot | MessageId, options?: CallOptions): Promise<ResultView> {
    return this.#client.result(this.id, at, options)
  }

  /** Results as they come; survives lost connections. */
  results(options?: FollowOptions): AsyncIterable<ResultView> {
    return this.#client.results(this.id, options)
  }

  /** The value of a cell, or nothing. */
  cell(key: Uint8Array | string, options?: CallOptions): Promise<Uint8Array | undefined> {
    return this.#client.cell(this.id, key, options)
  }

  /** Its policy, its feeds, and how far they have come. */
  state(options?: CallOptions): Promise<ProcessStateView> {
    return this.#client.processes.get(this.id, options)
  }
}
