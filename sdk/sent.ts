import type { CallOptions, MessageId, ProcessId, Receipt, ResultView, Slot, TraceView } from '../protocol/index.ts'
import type { Client } from './client.ts'

/** How a reply is read, and what to call the message if that fails. */
interface ReplyReader<R> {
  readonly label: string | undefined
  readonly read: (reply: unknown) => R
}

/** A message that is durable, in its slot; and what can be asked about it. */
export class Sent<R = unknown> implements Receipt {
  readonly id: MessageId
  readonly process: ProcessId
  readonly slot: Slot
  readonly timestampMs: number
  readonly #client: Client
  readonly #reader: ReplyReader<R>

  constructor(client: Client, receipt: Receipt, reader?: ReplyReader<R>) {
    this.#client = client
    this.#reader = reader ?? { label: undefined, read: reply => reply as R }
    this.id = receipt.id
    this.process = receipt.process
    this.slot = receipt.slot
    this.timestampMs = receipt.timestampMs
  }

  /** The same message, whose reply `read` reads. */
  as<T>(label: string, read: (reply: unknown) => T): Sent<T> {
    return new Sent(this.#client, this, { label, read })
  }

  /**
   * What it was answered with, in its own slot or a later one. Only of processes that keep a contract.
   * @throws {Failure} `process-error` if it failed; `bad-reply`; `timeout`, `aborted`, `unreachable`
   */
  async reply(options: CallOptions = {}): Promise<R> {
    const { label, read } = this.#reader
    return read(await this.#client.reply(this, options, label))
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
