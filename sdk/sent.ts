import type {
  CallOptions,
  MessageId,
  ProcessId,
  Receipt,
  ResultView,
  Slot,
  TraceView,
} from '../protocol/index.ts'
import type { Client } from './client.ts'

/** A message that is durable, in its slot; and what can be asked about it. */
export class Sent implements Receipt {
  readonly id: MessageId
  readonly process: ProcessId
  readonly slot: Slot
  readonly timestampMs: number
  readonly #client: Client

  constructor(client: Client, receipt: Receipt) {
    this.#client = client
    this.id = receipt.id
    this.process = receipt.process
    this.slot = receipt.slot
    this.timestampMs = receipt.timestampMs
  }

  /** What came of this message itself. @throws {Failure} `timeout`, `aborted`, `unreachable` */
  result(options?: CallOptions): Promise<ResultView> {
    return this.#client.result(this.process, this.slot, options)
  }

  /** All that it caused so far. */
  trace(options?: CallOptions): Promise<TraceView> {
    return this.#client.trace(this.id, { process: this.process, ...options })
  }

  /** All that it caused, once nothing of it is under way. @throws {Failure} `timeout`, `aborted`, `unreachable` */
  settled(options?: CallOptions): Promise<TraceView> {
    return this.#client.settled(this.id, { process: this.process, ...options })
  }
}
