import { setImmediate as turn } from 'node:timers/promises'
import { GRAPHQL_BYTES_READ_MAX, GRAPHQL_ITEMS_READ_MAX, GRAPHQL_LOOKED_AT_MAX } from '../../protocol/index.ts'

/** Looks after which others have their turn, and it shows whether the client has gone. */
const LOOKS_PER_TURN = 32

/** What one request may look through, whatever it asks for, while its client is there. */
export class SearchBudget {
  readonly #signal: AbortSignal
  #entries = GRAPHQL_LOOKED_AT_MAX
  #items = GRAPHQL_ITEMS_READ_MAX
  #bytes = GRAPHQL_BYTES_READ_MAX

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** A page of the directory was read; false: it is one too many. @throws the signal's reason */
  async takeEntries(count: number): Promise<boolean> {
    await this.#turn()
    this.#entries -= count
    return this.#entries >= 0
  }

  /** An item is to be read, or a feed opened; false: it is one too many. @throws the signal's reason */
  async takeItem(): Promise<boolean> {
    if (this.#items % LOOKS_PER_TURN === 0) await this.#turn()
    this.#signal.throwIfAborted()
    if (this.#items === 0 || this.#bytes <= 0) return false
    this.#items--
    return true
  }

  /** So many bytes were read: none more are, if they were too many. */
  takeBytes(count: number): void {
    this.#bytes -= count
  }

  async #turn(): Promise<void> {
    await turn()
    this.#signal.throwIfAborted()
  }
}
