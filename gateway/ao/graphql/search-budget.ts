import { setImmediate as turn } from 'node:timers/promises'
import { GRAPHQL_BYTES_READ_MAX, GRAPHQL_ITEMS_READ_MAX, GRAPHQL_LOOKED_AT_MAX } from '../../../protocol/index.ts'

/** Looks after which others have their turn, and it shows whether the client has gone. */
const LOOKS_PER_TURN = 32

/**
 * Searches go on one after the other, one in each turn of the event loop: a thousand of them, for which one client is enough, would
 * have everybody else wait for thirty-two looks of each.
 */
export class SearchTurns {
  #last = Promise.resolve()

  next(): Promise<void> {
    this.#last = this.#last.then(() => turn())
    return this.#last
  }
}

/** All searches of a program share its thread. */
const TURNS = new SearchTurns()

/** What one request may look through, whatever it asks for, while its client is there. */
export class SearchBudget {
  readonly #signal: AbortSignal
  readonly #turns: SearchTurns
  #entries = GRAPHQL_LOOKED_AT_MAX
  #items = GRAPHQL_ITEMS_READ_MAX
  #bytes = GRAPHQL_BYTES_READ_MAX

  constructor(signal: AbortSignal, turns = TURNS) {
    this.#signal = signal
    this.#turns = turns
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
    await this.#turns.next()
    this.#signal.throwIfAborted()
  }
}
